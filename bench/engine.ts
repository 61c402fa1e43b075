// Where a key-less preview's time goes, and how it grows: npm run bench -- engine [SIZES…]. Each size is previewed in a process of its own: node and SDK load, program,
// policies and steps apart, with the peak memory; then the shipped command's cold preview of one environment; then the Pulumi CLI where one is on PATH.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

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
  compare(found, 60);
}
/** The same 60 resources as a program of the CLI's, in a file backend of its own: `pulumi preview`, cold. */
function compare(pulumi: string, n: number): void {
  const dir = mkdtempSync(join(tmpdir(), "bench-cli-"));
  mkdirSync(join(dir, "state"));
  writeFileSync(join(dir, "Pulumi.yaml"), "name: bench\nruntime: { name: nodejs, options: { typescript: false } }\nmain: index.js\n");
  writeFileSync(join(dir, "package.json"), '{ "private": true, "type": "commonjs" }');
  writeFileSync(join(dir, "index.js"), `const pulumi = require("@pulumi/pulumi"); for (let i = 0; i < ${String(n)}; i++) new (class extends pulumi.ComponentResource { constructor(name) { super("bench:index:Thing", name, { name, tags: { a: "1" } }); } })("t" + i);\n`);
  symlinkSync(resolve("node_modules"), join(dir, "node_modules"));
  const env = { PATH: process.env["PATH"], HOME: dir, PULUMI_BACKEND_URL: `file://${join(dir, "state")}`, PULUMI_CONFIG_PASSPHRASE: "x", PULUMI_SKIP_UPDATE_CHECK: "1" };
  spawnSync(pulumi, ["stack", "init", "dev"], { cwd: dir, env });
  const cli = best(3, () => { const at = performance.now(), r = spawnSync(pulumi, ["preview", "-s", "dev", "--json"], { cwd: dir, env }); if (r.status !== 0) throw new Error("the CLI's preview failed"); return performance.now() - at; }, (x) => x);
  const ours = best(3, () => (JSON.parse(execFileSync(process.execPath, ["-r", resolve("tests/engine/defer.cjs"), process.argv[1] ?? "", "--child", String(n)], { encoding: "utf8" })) as Measured).total, (x) => x);
  console.log(`${String(n)} resources: the Pulumi CLI ${ms(cli).trim()}, ours ${ms(ours).trim()}: ${(cli / ours).toFixed(1)} times as long (aim: 6)`);
}
if (process.argv[2] === "--child") await child(Number(process.argv[3]));
else measure();
