// How long the exposure list takes over a long history. To run it:
//   npx esbuild bench/exposure.ts --bundle --platform=node --format=esm --packages=external --outfile=dist/bench/exposure.mjs && node dist/bench/exposure.mjs [COMMITS] [FILES] [all]
// Builds a repository with git fast-import: COMMITS commits, each changing one of FILES sealed files (or every one: `all`), then asks.
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exposureOf } from "../history/exposure.ts";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { newIssueId } from "../seal/issue-id.ts";
import { newSealedKey, renderSealed, sealValue } from "../seal/write.ts";

const FILES = Number(process.argv[3] ?? 10);
const ALL = process.argv.includes("all");
const sizes = [Math.round(Number(process.argv[2] ?? 10_000) / 4), Number(process.argv[2] ?? 10_000)];
const NAMES = ["apiKey", "authToken", "password", "secretKey", "signingSecret", "token"];
const env = { PATH: process.env["PATH"], HOME: tmpdir(), GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };

async function build(dir: string, commits: number, recipient: string): Promise<void> {
  execFileSync("git", ["init", "-q", "-b", "main", dir], { env });
  const keys = await Promise.all(Array.from({ length: FILES }, () => newSealedKey([recipient])));
  const now = new Date("2026-01-01T00:00:00Z");
  const files = keys.map((key, f) => ({ key, entries: NAMES.map((name) => entry(key, `tool${String(f)}.${name}`)) }));
  const stream = join(dir, "stream");
  const out: string[] = [];
  const flush = (): void => { appendFileSync(stream, out.splice(0).join("")); };
  for (let c = 0; c < commits; c++) {
    const changed = ALL ? files.map((_, i) => i) : [c % FILES];
    const message = `Change ${String(c)}`;
    out.push(`commit refs/heads/main\ncommitter somebody <somebody@acme.example> ${String(1_767_225_600 + c * 60)} +0000\ndata ${String(message.length)}\n${message}\n`);
    for (const i of changed) {
      const file = files[i]!;
      file.entries[c % NAMES.length] = entry(file.key, file.entries[c % NAMES.length]!.path);
      const text = renderSealed(file.entries, file.key, now);
      out.push(`M 100644 inline stacks/env${String(i)}/secrets.sops.yaml\ndata ${String(Buffer.byteLength(text))}\n${text}\n`);
    }
    out.push("\n");
    if (c % 500 === 0) flush();
  }
  flush();
  const fd = openSync(stream, "r");
  spawnSync("git", ["-C", dir, "fast-import", "--quiet"], { stdio: [fd, "ignore", "inherit"], env });
  closeSync(fd);
  rmSync(stream);
}
function entry(key: Awaited<ReturnType<typeof newSealedKey>>, path: string): { path: string; value: string; leaf: string; claims: never } {
  const value = randomBytes(16).toString("hex");
  const claims = { kind: "twilio.authToken", issueId: newIssueId(), fingerprint: `g1:${randomBytes(16).toString("base64url")}`, issuedAt: "2026-01-01", maxAgeDays: 90, reason: "scheduled", sealedBy: "super-admin-1", signature: randomBytes(180).toString("base64") };
  return { path, value, leaf: sealValue(key, path, value), claims: claims as never };
}
const seconds: number[] = [];
for (const commits of sizes) {
  const dir = mkdtempSync(join(tmpdir(), "bench-exposure-"));
  try {
    const recipient = await recipientOf(await newIdentity());
    await build(dir, commits, recipient);
    const start = performance.now();
    const r = await exposureOf({ root: dir, env, name: null, recipients: [recipient], environments: [], inForce: [], storeOnly: [], only: [], reason: "compromise", by: "bench", now: new Date() });
    const took = (performance.now() - start) / 1000;
    seconds.push(took);
    const log = performance.now();
    spawnSync("git", ["-C", dir, "log", "-p", "--all", "--", "*.yaml"], { env, maxBuffer: 1 << 30, stdio: ["ignore", "ignore", "ignore"] });
    const peer = (performance.now() - log) / 1000;
    console.log(`${String(r.commits)} commits, ${String(r.versions)} versions of ${String(FILES)} files: ${took.toFixed(2)} s, ${String(r.exposure.past.length)} exposed values; git log -p of the same: ${peer.toFixed(2)} s; memory ${String(Math.round(process.memoryUsage().rss / 1e6))} MB`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
console.log(`${String(sizes[1]! / sizes[0]!)} times the commits take ${(seconds[1]! / seconds[0]!).toFixed(1)} times as long`);
