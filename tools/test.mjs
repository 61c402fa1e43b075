// All tests: build, fetch the pinned peers (into the user's cache, never the tree), run vitest, print the runner's own count.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const cache = join(process.env.XDG_CACHE_HOME || join(homedir() || tmpdir(), ".cache"), "stackseal", "tools");
const tools = [
  { name: "sops", module: "github.com/getsops/sops/v3/cmd/sops", version: "v3.13.3" },
  { name: "stripe-mock", module: "github.com/stripe/stripe-mock", version: "v0.203.0" },
  { name: "gitleaks", module: "github.com/zricethezav/gitleaks/v8", version: "v8.30.1" },
];
const run = (cmd, args, options = {}) => spawnSync(cmd, args, { cwd: root, stdio: "inherit", ...options });

const paths = [];
const hasGo = spawnSync("go", ["version"]).status === 0;
if (!hasGo) console.error("no Go toolchain: the tests against sops and stripe-mock are skipped");
for (const t of hasGo ? tools : []) {
  const bin = join(cache, `${t.name}-${t.version}`);
  if (!existsSync(join(bin, t.name))) {
    console.error(`installing ${t.name} ${t.version} (once)`);
    mkdirSync(bin, { recursive: true });
    if (run("go", ["install", `${t.module}@${t.version}`], { env: { ...process.env, GOBIN: bin, GOFLAGS: "" } }).status !== 0) {
      rmSync(bin, { recursive: true, force: true });
      console.error(`${t.name} could not be installed: its tests are skipped`);
      continue;
    }
  }
  paths.push(bin);
}
if (run(process.execPath, ["tools/build.mjs", "--if-stale"]).status !== 0) process.exit(1);

const dir = mkdtempSync(join(tmpdir(), "stackseal-test-"));
const report = join(dir, "report.json");
const env = { ...process.env, PATH: [...paths, process.env.PATH].join(process.platform === "win32" ? ";" : ":"), NO_COLOR: "1" };
for (const k of ["SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "PULUMI_CONFIG_PASSPHRASE", "FORCE_COLOR"]) delete env[k];
const status = run(process.execPath, ["node_modules/vitest/vitest.mjs", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...process.argv.slice(2)], { env }).status ?? 1;
let failed = 1;
if (existsSync(report)) {
  const r = JSON.parse(readFileSync(report, "utf8"));
  // A file that can't be loaded has no failed test of its own: it counts as one.
  const broken = r.testResults.filter((f) => f.status === "failed" && f.assertionResults.every((a) => a.status !== "failed")).length;
  failed = r.numFailedTests + broken;
  const skipped = r.numPendingTests + (r.numTodoTests ?? 0);
  console.log(`${r.numPassedTests} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`);
} else console.log("0 passed, 1 failed");
rmSync(dir, { recursive: true, force: true });
process.exit(status !== 0 || failed ? 1 : 0);
