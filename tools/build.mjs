// Builds what runs: the command line, the Pulumi program, the policy pack, the provider executables and the SDKs.
// `--if-stale` does nothing where every output is newer than every source.
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const stamp = join(root, "dist/.built");
const sources = ["lib", "schemas", "seal", "scan", "history", "stacks", "policies", "providers", "engine", "sandbox", "doctor", "rotation", "audit", "backup", "scripts", "sdks", "tools", "package-lock.json"];

function newest(path) {
  const info = statSync(path, { throwIfNoEntry: false });
  if (!info) return 0;
  if (!info.isDirectory()) return info.mtimeMs;
  return readdirSync(path).filter((n) => !["node_modules", "dist", "bin"].includes(n)).reduce((max, n) => Math.max(max, newest(join(path, n))), info.mtimeMs);
}
if (process.argv.includes("--if-stale") && existsSync(stamp) && statSync(stamp).mtimeMs > Math.max(...sources.map((s) => newest(join(root, s))))) process.exit(0);

const cjsShim = `import { createRequire as __createRequire } from "node:module"; import { fileURLToPath as __toPath } from "node:url"; import { dirname as __dir } from "node:path"; const require = __createRequire(import.meta.url); const __filename = __toPath(import.meta.url); const __dirname = __dir(__filename);`;
const common = { absWorkingDir: root, bundle: true, platform: "node", target: "node20", loader: { ".page.js": "text", ".page.css": "text" }, logLevel: "warning", legalComments: "none" };
const exists = (f) => existsSync(join(root, f));

// What the Pulumi SDK loads at start and a plain program never uses (typescript 220 ms, arborist 190 ms, normalize-package-data 10 ms): loaded on first touch instead.
const deferred = {
  name: "deferred",
  setup(b) {
    b.onResolve({ filter: /^(typescript|ts-node|@npmcli\/arborist|normalize-package-data)$/ }, (a) => ({ path: a.path, namespace: "deferred" }));
    b.onResolve({ filter: /^\.\/automation$/ }, (a) => (/@pulumi[\\/]pulumi[\\/]index\.js$/.test(a.importer) ? { path: "@pulumi/pulumi/automation", namespace: "deferred" } : undefined));
    b.onLoad({ filter: /.*/, namespace: "deferred" }, (a) => ({
      contents: `let real; const get = () => (real ??= module.require ? module.require(${JSON.stringify(a.path)}) : __filename && require("node:module").createRequire(__filename)(${JSON.stringify(a.path)}));
module.exports = new Proxy(function () {}, { get: (_t, k) => (k === "__esModule" ? true : get()[k]), has: (_t, k) => k in get(), apply: (_t, s, x) => get().apply(s, x), construct: (_t, x) => new (get())(...x) });`,
      loader: "js", resolveDir: root,
    }));
  },
};

// zod brings its messages in fifty languages, which every start would read: ours are English.
const english = { name: "english", setup(b) { b.onResolve({ filter: /^\.\.\/locales\/index\.js$/ }, (a) => (/[\\/]zod[\\/]v4[\\/]/.test(a.importer) ? { path: join(dirname(a.importer), "../locales/en.js"), sideEffects: false } : undefined)); } };

for (const name of ["stripe", "stackseal"]) {
  const dir = join(root, "sdks", name);
  const bin = join(dir, "bin");
  if (existsSync(join(bin, "index.d.ts")) && statSync(join(bin, "index.d.ts")).mtimeMs > newest(dir)) continue;
  const r = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", dir], { stdio: "inherit" });
  if (r.status !== 0) process.exit(1);
  // The SDKs ask for their own version beside their code, as generated ones do.
  writeFileSync(join(bin, "package.json"), `${JSON.stringify({ name: `@pulumi/${name}`, version: "0.1.0", type: "commonjs" })}\n`);
}
// Left to node_modules: CommonJS libraries that one command loads when it needs them (a bundled one would lose its named exports).
const lazy = ["@aws-sdk/*", "nodemailer", "imapflow", "smtp-server", "undici"];
const entries = { cli: "scripts/cli.ts" };
await build({ ...common, entryPoints: entries, outdir: "dist", format: "esm", splitting: true, chunkNames: "chunks/[name]-[hash]", banner: { js: cjsShim }, plugins: [deferred, english], external: ["@pulumi/pulumi/automation", "esbuild", ...lazy] });
// Secrets Manager's rotation function: one file, with the SDK that Lambda's runtime brings.
await build({ ...common, stdin: { contents: 'import { handlerOf } from "./rotation/lambda-main.ts"; export const handler = handlerOf(process.env);', resolveDir: root, loader: "ts" }, outfile: "dist/rotation-lambda/index.mjs", format: "esm", banner: { js: cjsShim }, external: ["@aws-sdk/*", "@zxcvbn-ts/*"] });
if (exists("stacks/index.ts")) await build({ ...common, entryPoints: { index: "stacks/index.ts" }, outdir: "dist/stacks", format: "esm", banner: { js: cjsShim }, external: ["@pulumi/*"] });
if (exists("policies/pack.ts")) await build({ ...common, entryPoints: { index: "policies/pack.ts" }, outdir: "policies/dist", format: "cjs", outExtension: { ".js": ".cjs" }, external: ["@pulumi/*"] });
for (const name of ["stripe", "stackseal", "aws"]) {
  const main = name === "aws" ? "sandbox/aws/main.ts" : `providers/${name}/main.ts`;
  if (!exists(main)) continue;
  const outfile = `dist/providers/${name}/pulumi-resource-${name}`;
  await build({ ...common, entryPoints: [main], outfile, format: "cjs", banner: { js: "#!/usr/bin/env node" }, plugins: [deferred, english], external: ["@pulumi/pulumi/automation"] });
  chmodSync(join(root, outfile), 0o755);
  // An executable without an extension takes its module kind from the nearest package.json.
  writeFileSync(join(root, "dist/providers/package.json"), `${JSON.stringify({ private: true, type: "commonjs" })}\n`);
}
mkdirSync(dirname(stamp), { recursive: true });
rmSync(stamp, { force: true });
writeFileSync(stamp, "");
