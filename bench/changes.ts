// How long a pull request's preview takes: every environment against a base, cold and with the base cached, then 50 environments. In a project
// of its own, made from the shipped example with one commit on main and one change on a branch: npm run bench -- changes [RUNS]
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const repo = process.cwd(), cli = resolve("dist/cli.js"), runs = Math.max(1, Number(process.argv[2] ?? 3));
const home = mkdtempSync(join(tmpdir(), "bench-home-"));
const env = { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
const must = (command: string, args: readonly string[], cwd: string): void => { const r = spawnSync(command, args, { cwd, env, encoding: "utf8" }); if (r.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${r.stderr}`); };
const git = (root: string, ...args: string[]): void => { must("git", ["-c", "user.name=bench", "-c", "user.email=bench@example.test", "-c", "commit.gpgsign=false", ...args], root); };

/** A project with the example's environments and `more` that are copies of dev under other names and addresses. */
function project(more: number): string {
  const root = mkdtempSync(join(tmpdir(), "bench-changes-"));
  for (const f of ["stacks", "Pulumi.yaml"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  for (let i = 1; i <= more; i++) {
    const name = `dev${String(i).padStart(2, "0")}`, to = join(root, "stacks", name);
    mkdirSync(to);
    for (const f of readdirSync(join(root, "stacks/dev")).filter((n) => n.endsWith(".yaml"))) writeFileSync(join(to, f), readFileSync(join(root, "stacks/dev", f), "utf8").replace("environment: dev", `environment: ${name}`).replaceAll("dev.acme", `${name}.acme`).replace("111111111111", String(200000000000 + i)));
  }
  writeFileSync(join(root, ".gitignore"), ".stackseal/\n");
  git(root, "init", "-q", "-b", "main");
  git(root, "add", "-A");
  git(root, "commit", "-q", "-m", "first");
  git(root, "checkout", "-q", "-b", "work");
  const file = join(root, "stacks/dev/payments.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace("invoice.paid, ", ""));
  git(root, "commit", "-q", "-a", "-m", "an event less");
  return root;
}
interface Measured { readonly ms: number; readonly steps: number; readonly updates: number; readonly environments: number }
function preview(root: string, args: readonly string[]): Measured {
  const at = performance.now(), r = spawnSync(process.execPath, [cli, "-C", root, "preview", "--json", ...args], { env, encoding: "utf8", maxBuffer: 1 << 30 }), ms = performance.now() - at;
  const doc = JSON.parse(r.stdout) as { against: { kind: string }; environments: { steps: { op: string }[] }[] };
  if (doc.against.kind !== "base") throw new Error("it wasn't compared with a base");
  const steps = doc.environments.flatMap((e) => e.steps);
  return { ms, steps: steps.length, updates: steps.filter((s) => s.op === "update").length, environments: doc.environments.length };
}
const fewest = (n: number, f: () => Measured): Measured => Array.from({ length: n }, f).reduce((a, b) => (b.ms < a.ms ? b : a));
const cold = (root: string): void => { rmSync(join(root, ".stackseal"), { recursive: true, force: true }); };
function line(what: string, m: Measured, goal?: number): void {
  console.log(`${what.padEnd(52)} ${(m.ms / 1000).toFixed(2).padStart(6)} s   ${String(m.environments).padStart(2)} environments, ${String(m.steps).padStart(5)} resources, ${String(m.updates)} update${m.updates === 1 ? "" : "s"}${goal === undefined ? "" : `   (goal ${goal.toFixed(1)} s${m.ms <= goal * 1000 ? "" : ": missed here"})`}`);
}
console.log(`best of ${String(runs)}, each a process of its own`);
const small = project(0);
line("all environments against a base, cold", fewest(runs, () => { cold(small); return preview(small, []); }), 2.5);
line("all environments, the base cached", fewest(runs, () => preview(small, [])), 1.2);
line("dev alone, the base cached", fewest(runs, () => preview(small, ["--env", "dev"])));
const large = project(46);
line("50 environments against a base, cold", fewest(1, () => { cold(large); return preview(large, []); }));
const warm = fewest(Math.min(2, runs), () => preview(large, []));
line("50 environments, the base cached", warm);
for (const dir of [small, large, home]) rmSync(dir, { recursive: true, force: true });
