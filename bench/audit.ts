// Reading an audit log over a long history, cold and with the cache, against `git log -p` on the same paths: npm run bench -- audit [COMMITS] [all].
// Each commit changes one value of one of twelve files, or of every file with `all`.
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { newIssueId } from "../seal/issue-id.ts";
import { newSealedKey, renderSealed, sealValue } from "../seal/write.ts";

const COMMITS = Number(process.argv[2] ?? 10_000);
const ALL = process.argv.includes("all");
const cli = resolve("dist/cli.js");
const env = { PATH: process.env["PATH"] ?? "", HOME: tmpdir(), GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", NO_COLOR: "1" };
const ENVIRONMENTS = ["dev", "staging", "prod"];
const NAMES = ["twilio.authToken", "vapi.token", "calcom.apiKey", "smtp.password", "hubspot.accessToken", "pipedrive.apiToken"];

async function build(dir: string, commits: number): Promise<void> {
  execFileSync("git", ["init", "-q", "-b", "main", dir], { env });
  const recipient = await recipientOf(await newIdentity());
  const now = new Date("2026-01-01T00:00:00Z");
  const sealed = await Promise.all(ENVIRONMENTS.flatMap((e) => ["secrets", "payments"].map(async (f) => {
    const key = await newSealedKey([recipient]);
    const entry = (path: string): Parameters<typeof renderSealed>[0][number] => {
      const value = randomBytes(16).toString("hex");
      return { path, value, leaf: sealValue(key, path, value), claims: { kind: path, issueId: newIssueId(), fingerprint: `g1:${randomBytes(16).toString("base64url")}`, issuedAt: "2026-01-01", maxAgeDays: 90, reason: "scheduled", sealedBy: "super-admin-1", signature: randomBytes(180).toString("base64") } };
    };
    const entries = NAMES.map(entry);
    return { path: `stacks/${e}/${f}.sops.yaml`, text: (c: number): string => { entries[c % NAMES.length] = entry(NAMES[c % NAMES.length]!); return renderSealed(entries, key, now); } };
  })));
  const plain = ENVIRONMENTS.flatMap((e) => ["environment", "payments"].map((f) => ({
    path: `stacks/${e}/${f}.yaml`,
    text: (c: number): string => `environment: ${e}\ntier: development\nplatform: { url: https://${e}.acme.example, plan: agency }\nintegrations:\n    twilio: { accountSid: AC1, from: "+1500555${String(c % 10_000).padStart(4, "0")}" }\n    smtp:\n        host: smtp.acme.example\n        port: ${String(1 + (c % 60_000))}\nrotation: { standard: annually }\n`,
  })));
  const files = [...sealed, ...plain];
  const stream = join(dir, "stream");
  let out: string[] = [];
  for (let c = 0; c < commits; c++) {
    const message = `Change ${String(c)}`;
    out.push(`commit refs/heads/main\ncommitter somebody <somebody@acme.example> ${String(1_767_225_600 + c * 60)} +0000\ndata ${String(message.length)}\n${message}\n`);
    for (const f of ALL ? files : [files[c % files.length]!]) {
      const text = f.text(c);
      out.push(`M 100644 inline ${f.path}\ndata ${String(Buffer.byteLength(text))}\n${text}\n`);
    }
    out.push("\n");
    if (c % 500 === 0) { appendFileSync(stream, out.join("")); out = []; }
  }
  appendFileSync(stream, out.join(""));
  const fd = openSync(stream, "r");
  execFileSync("git", ["fast-import", "--quiet"], { cwd: dir, env, stdio: [fd, "ignore", "inherit"] });
  closeSync(fd);
  rmSync(stream);
  // As a clone has it: packed by git's own hand.
  execFileSync("git", ["repack", "-adq"], { cwd: dir, env });
}
interface Measured { readonly ms: number; readonly cpu: number; readonly mb: number; readonly lines: number }
function measure(command: string, args: readonly string[], cwd: string): Measured {
  const out = join(cwd, ".git", "measured");
  const start = performance.now();
  const r = spawnSync("sh", ["-c", `"$@" > "${out}"; times >&2`, "sh", command, ...args], { cwd, env, encoding: "utf8" });
  const ms = performance.now() - start;
  const peak = Number(/peak (\d+)/.exec(r.stderr)?.[1] ?? 0);
  // The shell's second line of times: what its children used, theirs included.
  const used = [...(r.stderr.trim().split("\n").at(-1) ?? "").matchAll(/(\d+)m([\d.]+)s/g)].reduce((n, m) => n + Number(m[1]) * 60 + Number(m[2]), 0);
  const lines = Number(execFileSync("wc", ["-l", out], { encoding: "utf8" }).trim().split(" ")[0]);
  return { ms, cpu: used, mb: peak / 1024, lines };
}
const node = (args: readonly string[], cwd: string): Measured => measure(process.execPath, ["--import", "data:text/javascript,process.on('exit',()=>process.stderr.write(' peak '+process.resourceUsage().maxRSS+'\\n'))", cli, "-C", cwd, ...args], cwd);

for (const commits of [Math.round(COMMITS / 4), COMMITS]) {
  const dir = mkdtempSync(join(tmpdir(), "bench-audit-"));
  try {
    await build(dir, commits);
    const paths = ["stacks"];
    measure("git", ["log", "-p", "--", ...paths], dir); // the disk's cache, for both
    const git = measure("git", ["log", "-p", "--", ...paths], dir);
    const cold = node(["audit", "log", "--format", "csv"], dir);
    const warm = node(["audit", "log", "--format", "csv"], dir);
    const s = (n: number): string => `${n.toFixed(2)} s`;
    const said = (m: Measured): string => `${s(m.ms / 1000)} (${(m.ms / git.ms).toFixed(2)} times; processor ${s(m.cpu)}, ${(m.cpu / git.cpu).toFixed(2)} times; ${m.mb.toFixed(0)} MB)`;
    console.log(`${String(commits).padStart(7)} commits × ${ALL ? "12" : "1 of 12"} files: git log -p ${s(git.ms / 1000)} (processor ${s(git.cpu)}); audit log of ${String(cold.lines - 1)} changes cold ${said(cold)}, cached ${said(warm)}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
