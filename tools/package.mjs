// What the package holds beside what runs here: the libraries with their types, the manual page, the list of what is inside (CycloneDX).
// `npm pack` and `npm publish` run it by prepack.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const must = (what, r) => {
  if (r.status === 0) return r.stdout;
  console.error(`${what} failed\n${r.stdout ?? ""}${r.stderr ?? ""}`);
  process.exit(1);
};
const common = { absWorkingDir: root, bundle: true, platform: "node", target: "node20", format: "esm", packages: "external", loader: { ".page.js": "text", ".page.css": "text" }, logLevel: "warning", legalComments: "none" };
await build({ ...common, entryPoints: { components: "stacks/library.ts", policies: "policies/library.ts", schemas: "schemas/library.ts" }, outdir: "dist/lib", splitting: true });
rmSync(join(root, "dist/types"), { recursive: true, force: true });
must("tsc", spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tools/tsconfig.package.json"], { cwd: root, encoding: "utf8" }));
await build({ ...common, entryPoints: ["tools/man.ts"], outfile: "dist/tools/man.mjs" });
mkdirSync(join(root, "dist/man"), { recursive: true });
writeFileSync(join(root, "dist/man/stackseal.1"), must("the manual page", spawnSync(process.execPath, ["dist/tools/man.mjs"], { cwd: root, encoding: "utf8" })));
writeFileSync(join(root, "dist/sbom.cdx.json"), must("npm sbom", spawnSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 })));
