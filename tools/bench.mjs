// `npm run bench -- NAME [ARGS…]` builds and runs bench/NAME.ts: ratios against a named peer, both measured in the same run. Without a name it lists them.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { installPeers } from "./peers.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const [name, ...args] = process.argv.slice(2);
const names = readdirSync(join(root, "bench")).filter((f) => f.endsWith(".ts")).map((f) => f.slice(0, -3));
if (name === undefined || !existsSync(join(root, "bench", `${name}.ts`))) {
  console.error(`npm run bench -- NAME, one of: ${names.join(", ")}`);
  process.exit(2);
}
if (spawnSync(process.execPath, [join(root, "tools/build.mjs"), "--if-stale"], { cwd: root, stdio: "inherit" }).status !== 0) process.exit(1);
const { paths } = installPeers((line) => { console.error(line); });
const outfile = join(root, "dist/bench", `${name}.mjs`);
await build({ absWorkingDir: root, entryPoints: [`bench/${name}.ts`], outfile, bundle: true, platform: "node", format: "esm", packages: "external", logLevel: "warning" });
process.exit(spawnSync(process.execPath, [outfile, ...args], { cwd: root, stdio: "inherit", env: { ...process.env, PATH: [...paths, process.env.PATH].join(":") } }).status ?? 1);
