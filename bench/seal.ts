// Opening and verifying sealed files: ours, warm and cold, against as many calls of `sops decrypt`; the start-up of `secret list`, and the pre-commit hook.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { parseClear } from "../seal/clear.ts";
import { newIssueId } from "../seal/issue-id.ts";
import { openSealed } from "../seal/open.ts";
import { newSealedKey, renderSealed, sealValue } from "../seal/write.ts";

const FILES = Number(process.argv[2] ?? 100);
const VALUES = Number(process.argv[3] ?? 20);
const RECIPIENTS = Number(process.argv[4] ?? 5);
const cli = resolve("dist/cli.js");
const dir = mkdtempSync(join(tmpdir(), "bench-seal-"));
const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;
const time = async (run: () => unknown): Promise<number> => {
  const start = performance.now();
  await run();
  return performance.now() - start;
};
const repeat = async (times: number, run: () => unknown): Promise<number> => {
  const all: number[] = [];
  for (let i = 0; i < times; i++) all.push(await time(run));
  return median(all);
};
const say = (label: string, ours: number, theirs: number, wanted: number): void => { console.log(`${label.padEnd(34)} ours ${ours.toFixed(0).padStart(6)} ms   sops ${theirs.toFixed(0).padStart(6)} ms   ${(theirs / ours).toFixed(1)} times faster (wanted ${wanted})`); };

try {
  const identities = await Promise.all(Array.from({ length: RECIPIENTS }, newIdentity));
  const recipients = await Promise.all(identities.map(recipientOf));
  // The last recipient's key: the least lucky one.
  const identity = identities.at(-1)!;
  const files = await Promise.all(Array.from({ length: FILES }, async (_, f) => {
    const key = await newSealedKey(recipients);
    const entries = Array.from({ length: VALUES }, (_x, v) => {
      const path = `service-${String(v).padStart(3, "0")}.token`;
      const value = randomBytes(24).toString("base64url");
      return { path, value, leaf: sealValue(key, path, value), claims: { kind: "twilio.authToken", issueId: newIssueId(), fingerprint: `g1:${randomBytes(16).toString("base64url")}`, issuedAt: "2026-11-24", maxAgeDays: 90, reason: "initial" as const, sealedBy: "super-admin-1", signature: `U1NIU0lH${randomBytes(200).toString("base64")}` } };
    });
    const file = join(dir, `f${f}.sops.yaml`);
    writeFileSync(file, renderSealed(entries, key, new Date()));
    return file;
  }));
  const env = { PATH: process.env["PATH"], HOME: dir, SOPS_AGE_KEY: identity };
  const open = async (): Promise<void> => {
    for (const f of files) if ((await openSealed(parseClear(readFileSync(f, "utf8"), f).sealed!, [identity])).values.size !== VALUES) throw new Error(`${f}: not read`);
  };
  console.log(`${FILES} files of ${VALUES} values, ${RECIPIENTS} recipients each, Node ${process.version}`);
  const first = await time(open);
  const warm = await repeat(5, open);
  if (spawnSync("sops", ["--version", "--disable-version-check"]).status === 0) {
    const sops = await repeat(3, () => { for (const f of files) execFileSync("sops", ["decrypt", f], { env, stdio: "pipe" }); });
    const cold = await repeat(3, () => { execFileSync(process.execPath, [cli, "-C", dir, "secret", "verify", ...files], { env, stdio: "pipe" }); });
    say("open and verify, warm process", warm, sops, 10);
    say("first time in a process", first, sops, 5);
    say("secret verify, with node's start-up", cold, sops, 5);
  } else console.log(`no sops here to compare with; warm ${warm.toFixed(0)} ms`);
  cpSync(resolve("stacks"), join(dir, "stacks"), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  const list = await repeat(9, () => { execFileSync(process.execPath, [cli, "-C", dir, "secret", "list", "--env", "dev", "--json"], { env: { ...env, SOPS_AGE_KEY: "" }, stdio: "pipe" }); });
  const node = await repeat(9, () => { execFileSync(process.execPath, ["-e", "0"], { env, stdio: "pipe" }); });
  const git = (...args: string[]): void => { execFileSync("git", args, { cwd: dir, stdio: "pipe", env: { PATH: process.env["PATH"], HOME: dir, GIT_AUTHOR_NAME: "somebody", GIT_AUTHOR_EMAIL: "somebody@acme.example", GIT_COMMITTER_NAME: "somebody", GIT_COMMITTER_EMAIL: "somebody@acme.example" } }); };
  git("init", "-q");
  git("add", "stacks");
  const count = execFileSync("git", ["diff", "--cached", "--name-only"], { cwd: dir, encoding: "utf8" }).split("\n").filter((f) => f.endsWith(".sops.yaml")).length;
  const staged = await repeat(9, () => { spawnSync(process.execPath, [cli, "-C", dir, "check", "--staged"], { env: { ...env, SOPS_AGE_KEY: "" }, stdio: "pipe" }); });
  console.log(`check --staged, ${String(count)} sealed files      ${staged.toFixed(0).padStart(8)} ms (wanted 300)`);
  console.log(`secret list                        ${list.toFixed(0).padStart(11)} ms, of which an empty node ${node.toFixed(0)} ms (wanted 300)`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
