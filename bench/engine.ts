// Where a key-less preview's time goes, and how it grows: npm run bench -- engine [SIZES…]. Each size is previewed in a process of its own: node and SDK load, program,
// policies and steps apart, with the peak memory; then the shipped command's cold preview of one environment; then the Pulumi CLI where one is on PATH.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

const POLICIES = 3;
interface Measured { readonly resources: number; readonly load: number; readonly program: number; readonly policies: number; readonly steps: number; readonly total: number; readonly cpu: number; readonly mb: number }

async function child(resources: number): Promise<void> {
  const pulumi = await import("@pulumi/pulumi");
  const [{ embedded }, { systemClock }] = await Promise.all([import("../engine/index.ts"), import("../lib/clock.ts")]);
  const engine = await embedded({ root: mkdtempSync(join(tmpdir(), "bench-")), env: {}, clock: systemClock });
  await import("../engine/embedded/index.ts");
  const loaded = performance.now();
  let program = 0, policies = 0;
  class Thing extends pulumi.CustomResource { constructor(name: string, args: object) { super("bench:index:Thing", name, args); } }
  const judged = Array.from({ length: POLICIES }, (_, i) => ({
    name: `policy-${String(i)}`, description: "d", enforcementLevel: "mandatory",
    validateResource: (args: { props: Record<string, unknown> }) => { const at = performance.now(); if (args.props["name"] === "") throw new Error("no name"); policies += performance.now() - at; },
  }));
  const r = await engine.preview({
    project: "bench", stack: "bench", config: {}, policies: judged, providerFor: () => null,
    program: () => {
      const at = performance.now();
      for (let i = 0; i < resources; i++) new Thing(`t${String(i)}`, { name: `n${String(i)}`, tags: { a: "1", b: "2" }, list: [1, 2, 3] });
      program = performance.now() - at;
    },
  }, { against: "nothing" });
  const done = performance.now();
  if (!r.ok || r.steps.filter((s) => s.op === "create" && s.urn.includes("Thing")).length !== resources) throw new Error("the preview isn't right");
  const cpu = process.cpuUsage();
  process.stdout.write(JSON.stringify({ resources, load: loaded, program, policies, steps: done - loaded - program - policies, total: done, cpu: cpu.user / 1000 + cpu.system / 1000, mb: process.resourceUsage().maxRSS / 1024 } satisfies Measured));
}

const best = <T>(times: number, f: () => T, of: (t: T) => number): T => Array.from({ length: times }, f).reduce((a, b) => (of(b) < of(a) ? b : a));
const ms = (n: number): string => `${String(Math.round(n))} ms`.padStart(9);

function measure(): void {
  const sizes = process.argv.slice(2).map(Number).filter((n) => n > 0);
  const defer = resolve("tests/engine/defer.cjs");
  console.log(`resources  node, SDK    program   policies      steps      total   CPU time   peak MB   (best of 3, a process each, ${String(POLICIES)} policies)`);
  const all = (sizes.length ? sizes : [10, 60, 100, 1000]).map((n) => {
    const m = best(3, () => JSON.parse(execFileSync(process.execPath, ["-r", defer, process.argv[1] ?? "", "--child", String(n)], { encoding: "utf8" })) as Measured, (x) => x.total);
    console.log(`${String(n).padStart(9)}  ${ms(m.load)}  ${ms(m.program)}  ${ms(m.policies)}  ${ms(m.steps)}  ${ms(m.total)}  ${ms(m.cpu)}  ${m.mb.toFixed(0).padStart(8)}`);
    return m;
  });
  const [small, large] = [all[0], all.at(-1)];
  if (small && large && large !== small) console.log(`from ${String(small.resources)} to ${String(large.resources)}: ${((large.total - large.load - (small.total - small.load)) / (large.resources - small.resources)).toFixed(2)} ms a resource; 1.0 is linear: ${(((large.total - large.load) / large.resources) / ((all.at(-2) ?? small).total - (all.at(-2) ?? small).load) * (all.at(-2) ?? small).resources).toFixed(2)} from the size before`);
  const cli = resolve("dist/cli.js"), args = [cli, "preview", "--env", "prod", "--json"];
  const cold = best(5, () => { const at = performance.now(), r = spawnSync(process.execPath, args, { encoding: "utf8", env: { PATH: process.env["PATH"], NO_COLOR: "1" } }); return { ms: performance.now() - at, steps: (JSON.parse(r.stdout) as { environments: { steps: unknown[] }[] }).environments[0]?.steps.length ?? 0 }; }, (x) => x.ms);
  console.log(`stackseal preview --env prod, cold: ${ms(cold.ms).trim()} for ${String(cold.steps)} steps (best of 5)`);
  const found = (process.env["PATH"] ?? "").split(delimiter).filter((d) => !d.includes("node_modules")).map((d) => join(d, "pulumi")).find((f) => existsSync(f));
  if (found === undefined) { console.log("no Pulumi CLI on PATH (outside node_modules): nothing to compare with"); return; }
  compare(found);
}
/** The shipped example's `local`: the same program, providers and policy pack, both its stacks, cold, by the CLI and by `stackseal preview`. */
function compare(pulumi: string): void {
  const dir = mkdtempSync(join(tmpdir(), "bench-cli-"));
  for (const f of ["stacks", "Pulumi.yaml", ".sops.yaml", "package.json", "policies"]) cpSync(f, join(dir, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  for (const f of ["dist", "node_modules"]) symlinkSync(resolve(f), join(dir, f));
  mkdirSync(join(dir, "state"));
  const host = existsSync(join(dirname(pulumi), "pulumi-language-nodejs")) ? [] : [resolve("tests/engine/language-host")];
  const env = { PATH: [dirname(pulumi), ...host, process.env["PATH"] ?? ""].join(":"), HOME: dir, PULUMI_HOME: join(dir, "home"), PULUMI_BACKEND_URL: `file://${join(dir, "state")}`, PULUMI_CONFIG_PASSPHRASE: "x", PULUMI_SKIP_UPDATE_CHECK: "1", NO_COLOR: "1" };
  const run = (command: string, args: readonly string[]): number => { const at = performance.now(), r = spawnSync(command, args, { cwd: dir, env, encoding: "utf8" }); if (r.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${r.stdout}${r.stderr}`); return performance.now() - at; };
  const ours = [resolve("dist/cli.js"), "preview", "--env", "local", "--json"], stacks = ["local", "local-payments"];
  run(process.execPath, [resolve("dist/cli.js"), "start"]);
  for (const s of stacks) run(pulumi, ["stack", "init", s]);
  const pairs = Array.from({ length: 3 }, () => ({ cli: stacks.reduce((ms, s) => ms + run(pulumi, ["preview", "-s", s, "--policy-pack", "policies", "--non-interactive"]), 0), ours: run(process.execPath, ours) }));
  const [cli, own] = [Math.min(...pairs.map((x) => x.cli)), Math.min(...pairs.map((x) => x.ours))];
  console.log(`local with its policies: pulumi preview of both stacks ${ms(cli).trim()}, stackseal preview ${ms(own).trim()}: ${(cli / own).toFixed(1)} times as long (aim: 6; best of 3, in turns)`);
  rmSync(dir, { recursive: true, force: true });
}
if (process.argv[2] === "--child") await child(Number(process.argv[3]));
else measure();
