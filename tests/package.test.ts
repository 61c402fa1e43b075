import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

// What `npm pack` makes, installed into another project: the tarball unpacked where npm puts it, with the dependencies that npm would fetch linked
// from here (a test of the registry it is not).

const repo = resolve(import.meta.dirname, "..");
const dir = mkdtempSync(join(tmpdir(), "package-"));
const env = { PATH: process.env["PATH"] ?? "", HOME: join(dir, "home"), GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
const at = (...p: string[]): string => join(dir, "app", ...p);
const node = (...args: string[]): { status: number | null; stdout: string; stderr: string } => spawnSync(process.execPath, args, { cwd: at(), encoding: "utf8", env });
let files: string[] = [];

beforeAll(() => {
  const made = spawnSync(process.execPath, ["tools/package.mjs"], { cwd: repo, encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stdout + made.stderr);
  const packed = spawnSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", dir], { cwd: repo, encoding: "utf8", maxBuffer: 1 << 28 });
  const [p] = JSON.parse(packed.stdout) as { filename: string; files: { path: string }[] }[];
  files = p!.files.map((f) => f.path);
  mkdirSync(at("node_modules"), { recursive: true });
  mkdirSync(env.HOME);
  expect(spawnSync("tar", ["-xzf", join(dir, p!.filename), "-C", at("node_modules")]).status).toBe(0);
  spawnSync("mv", [at("node_modules/package"), at("node_modules/stackseal")]);
  // The SDKs come in the tarball; everything else is linked.
  const link = (name: string): void => { if (!existsSync(at("node_modules", name))) symlinkSync(join(repo, "node_modules", name), at("node_modules", name)); };
  for (const n of readdirSync(join(repo, "node_modules")).filter((x) => !x.startsWith(".") && x !== "stackseal")) {
    if (!n.startsWith("@")) link(n);
    else {
      mkdirSync(at("node_modules", n), { recursive: true });
      for (const m of readdirSync(join(repo, "node_modules", n))) if (n !== "@pulumi" || !["stripe", "stackseal"].includes(m)) link(`${n}/${m}`);
    }
  }
  writeFileSync(at("package.json"), `${JSON.stringify({ name: "app", private: true, type: "module" })}\n`);
}, 600_000);

describe("the package", { timeout: 120_000 }, () => {
  it("holds what runs and nothing of the workshop", () => {
    for (const f of ["dist/cli.js", "dist/stacks/index.js", "dist/providers/stripe/pulumi-resource-stripe", "dist/providers/stackseal/pulumi-resource-stackseal", "policies/dist/index.cjs", "policies/PulumiPolicy.yaml", "schemas/json/environment.schema.json", "dist/man/stackseal.1", "dist/sbom.cdx.json", "LICENSE", "node_modules/@pulumi/stripe/bin/index.js", "node_modules/@pulumi/stackseal/bin/index.d.ts"]) expect(files).toContain(f);
    expect(files.filter((f) => /^(tests|bench|tools|\.|stacks|dist\/tools|dist\/bench)\b|\.sops\.yaml$|people\.yaml$|node_modules\/@pulumi\/pulumi\//.test(f))).toEqual([]);
    const sbom = JSON.parse(readFileSync(at("node_modules/stackseal/dist/sbom.cdx.json"), "utf8")) as { bomFormat: string; components: { name: string }[] };
    expect([sbom.bomFormat, sbom.components.some((c) => c.name === "age-encryption"), sbom.components.some((c) => c.name === "vitest")]).toEqual(["CycloneDX", true, false]);
  });
  it("runs: version, init, check", () => {
    const cli = at("node_modules/stackseal/dist/cli.js");
    const { version } = JSON.parse(readFileSync(join(repo, "package.json"), "utf8")) as { version: string };
    expect(node(cli, "--version").stdout.trim()).toBe(version);
    // As npx starts it: npm makes the file executable, its first line says what runs it.
    chmodSync(cli, 0o755);
    expect(spawnSync(cli, ["--version"], { encoding: "utf8", env }).stdout.trim()).toBe(version);
    expect(node(cli, "init", "--yes", "--project", "app").status).toBe(0);
    const check = node(cli, "check");
    expect([check.status, check.stdout.match(/✓/g)?.length]).toEqual([0, 4]);
    // What it says to do next is there: an installed package has no script of npm's.
    expect(check.stderr).not.toMatch(/npm (start|run)/);
    expect(node(cli, "start").stdout).toMatch(/Next:\n {2}npx stackseal check/);
    // What the files of the project point to is in the package.
    const [schema] = /\$schema=\S+/.exec(readFileSync(at("stacks/dev/environment.yaml"), "utf8")) ?? [""];
    expect(existsSync(at("stacks/dev", schema.replace("$schema=", "")))).toBe(true);
    for (const m of readFileSync(at("Pulumi.yaml"), "utf8").matchAll(/(?:main|path): (\S+)/g)) expect(existsSync(at(m[1]!)), m[1]).toBe(true);
  });
  it("gives components, policies and schemas to one's own program, with their types", () => {
    writeFileSync(at("own.mts"), [
      'import { readProject, systemClock, SecretStore, type Declared } from "stackseal/components";', 'import { rules, type PolicySpec } from "stackseal/policies";', 'import { environmentSchema, integrations, allows } from "stackseal/schemas";',
      "const project = readProject(process.cwd(), { clock: systemClock });", "const names: string[] = project.environments.map((e: Declared) => e.name);", "const first: PolicySpec | undefined = rules[0];",
      "console.log(JSON.stringify([names, typeof SecretStore, first?.id !== undefined, integrations.length > 5, allows(\"engineer\", \"payments\", \"production\", \"open\"), environmentSchema.safeParse({}).success]));", "",
    ].join("\n"));
    const js = readFileSync(at("own.mts"), "utf8").replace(/, type \w+/g, "").replace(/: (string\[\]|Declared|PolicySpec \| undefined)/g, "");
    writeFileSync(at("own.mjs"), js);
    const ran = node("own.mjs");
    expect([ran.stderr, JSON.parse(ran.stdout)]).toEqual(["", [["local", "dev", "staging", "prod"], "function", true, true, false, false]]);
    const tsc = (text: string): string => {
      writeFileSync(at("own.mts"), text);
      return node(join(repo, "node_modules/typescript/bin/tsc"), "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--types", "node", "own.mts").stdout;
    };
    expect(tsc(readFileSync(at("own.mts"), "utf8"))).toBe("");
    expect(tsc('import { readProject } from "stackseal/components";\nreadProject(1);\n')).toContain("TS2");
    expect(node("--input-type=module", "-e", 'import s from "stackseal/schemas/environment" with { type: "json" }; console.log(s.title)').stdout).toContain("environment.yaml");
  });
});
