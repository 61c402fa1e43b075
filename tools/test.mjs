// All tests: build, fetch the pinned peers (into the user's cache, never the tree), run vitest, print the runner's own count.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { installPeers } from "./peers.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const run = (cmd, args, options = {}) => spawnSync(cmd, args, { cwd: root, stdio: "inherit", ...options });

const { paths, missing } = installPeers((line) => { console.error(line); });
for (const m of missing) console.error(`${m.name}: ${m.why}; the tests that need it are skipped`);
if (run(process.execPath, ["tools/build.mjs", "--if-stale"]).status !== 0) process.exit(1);

const dir = mkdtempSync(join(tmpdir(), "stackseal-test-"));
const report = join(dir, "report.json");
const env = { ...process.env, PATH: [...paths, process.env.PATH].join(":"), NO_COLOR: "1" };
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
