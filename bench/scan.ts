// The scanner against gitleaks (pinned, from the tests' peers) on a tree of 3,000 files and a history of 10,000 commits. To run it:
//   npx esbuild bench/scan.ts --bundle --platform=node --format=esm --packages=external --outfile=dist/bench/scan.mjs && node dist/bench/scan.mjs [FILES] [COMMITS] [RUNS]
// Both are whole processes, from their start; memory is the most that the process held (/proc).
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { FORMS, negatives, positives, seeded } from "../tests/fixtures/credentials/corpus.ts";

const FILES = Number(process.argv[2] ?? 3000), COMMITS = Number(process.argv[3] ?? 10_000), RUNS = Number(process.argv[4] ?? 3);
const repo = resolve(import.meta.dirname, "../..");
const gitleaks = [join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "stackseal/tools/gitleaks-v8.30.1/gitleaks"), "/usr/local/bin/gitleaks"].find(existsSync);
const dir = mkdtempSync(join(tmpdir(), "bench-scan-"));
const env = { PATH: process.env["PATH"], HOME: dir, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };

/** Code, lockfiles and configuration of several kilobytes each; one file in fifty has a credential. */
const random = seeded(5);
const harmless = negatives(2000, random);
const found = positives(Object.keys(FORMS).length, random);
const text = (i: number): string => `${Array.from({ length: 25 + (i % 50) }, (_, k) => harmless[(i * 31 + k * 7) % harmless.length]?.text ?? "").join("\n")}${i % 50 === 0 ? (found[i % found.length]?.text ?? "") : ""}`;

const tree = join(dir, "tree");
let bytes = 0;
for (let i = 0; i < FILES; i++) {
  const file = join(tree, `d${String(i % 40)}/f${String(i)}.${["ts", "yaml", "json", "md"][i % 4] as string}`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text(i));
  bytes += text(i).length;
}
const history = join(dir, "history");
execFileSync("git", ["init", "-q", "-b", "main", history], { env });
const stream: string[] = [];
for (let c = 0; c < COMMITS; c++) {
  const t = `${Array.from({ length: 8 }, (_, k) => harmless[(c * 13 + k * 5) % harmless.length]?.text ?? "").join("\n")}\n// ${String(c)}\n${c % 200 === 0 ? (found[c % found.length]?.text ?? "") : ""}`;
  const m = `Change ${String(c)}`;
  stream.push(`commit refs/heads/main\ncommitter somebody <somebody@acme.example> ${String(1_700_000_000 + c * 60)} +0000\ndata ${String(m.length)}\n${m}\nM 100644 inline src/f${String(c % 400)}.ts\ndata ${String(Buffer.byteLength(t))}\n${t}\n\n`);
}
execFileSync("git", ["-C", history, "fast-import", "--quiet"], { env, input: stream.join(""), maxBuffer: 1 << 30 });

interface Run { readonly ms: number; readonly mb: number }
/** Time and the most memory of a process: the least time and the most memory of RUNS. */
async function measure(command: string, args: readonly string[]): Promise<Run> {
  const runs: Run[] = [];
  for (let i = 0; i < RUNS; i++) runs.push(await new Promise<Run>((done) => {
    const start = performance.now();
    const child = spawn(command, args, { env, stdio: "ignore" });
    let most = 0;
    const eye = setInterval(() => {
      try {
        most = Math.max(most, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${String(child.pid)}/status`, "utf8"))?.[1] ?? 0));
      } catch { /* it has ended */ }
    }, 20);
    child.on("close", () => { clearInterval(eye); done({ ms: performance.now() - start, mb: most / 1024 }); });
  }));
  return { ms: Math.min(...runs.map((r) => r.ms)), mb: Math.max(...runs.map((r) => r.mb)) };
}
const say = (what: string, ours: Run, theirs: Run | null): void => {
  console.log(`${what}: ours ${ours.ms.toFixed(0)} ms, ${ours.mb.toFixed(0)} MB${theirs ? `; gitleaks ${theirs.ms.toFixed(0)} ms, ${theirs.mb.toFixed(0)} MB; ratio ${(theirs.ms / ours.ms).toFixed(2)} (above 1: ours is faster)` : "; gitleaks isn't here"}`);
};
const cli = join(repo, "dist/cli.js");
try {
  // gitleaks with its own rules: what its users run.
  say(`tree, ${String(FILES)} files, ${(bytes / 1e6).toFixed(0)} MB`, await measure(process.execPath, [cli, "-C", tree, "scan", "--json"]), gitleaks ? await measure(gitleaks, ["dir", tree, "--no-banner", "--log-level", "error", "--exit-code", "0", "--report-path", join(dir, "r.json")]) : null);
  say(`history, ${String(COMMITS)} commits`, await measure(process.execPath, [cli, "-C", history, "scan", "--history", "--json"]), gitleaks ? await measure(gitleaks, ["git", history, "--no-banner", "--log-level", "error", "--exit-code", "0", "--report-path", join(dir, "r.json")]) : null);
  const long = join(dir, "long");
  mkdirSync(long);
  writeFileSync(join(long, "one-line.txt"), Buffer.alloc(200 * 1024 * 1024, "lorem ipsum dolor "));
  say("one line of 200 MB", await measure(process.execPath, [cli, "-C", long, "scan", "--json"]), null);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
