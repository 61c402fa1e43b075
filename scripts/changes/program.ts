import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import type { Git } from "../../lib/git.ts";
import type { program } from "../../stacks/program.ts";
import type { readProject } from "../../stacks/read.ts";

/** A project's program and the reader of its declarations. */
export interface ProgramOf {
  readonly program: typeof program;
  readonly readProject: typeof readProject;
}
/** Whose program makes the base's graph; `why` says why it isn't the base's own. */
export type Choice = { readonly program: "own-is-current" } | { readonly program: "own" } | { readonly program: "current"; readonly why: string };

const SOURCE = ["lib", "schemas", "seal", "stacks/*.ts", "stacks/components", ":(exclude)*.test.ts", ":(exclude)schemas/json"];

/** Which program to run for a base: its own, or the current one where the dependencies differ. */
export function chooseProgram(git: Git, commit: string, tree: string): Choice {
  const differs = git.text(["diff", "--name-only", "--relative", "--no-ext-diff", commit, "--", "package-lock.json", "sdks"])?.split("\n");
  if (differs?.includes("package-lock.json") !== false) return { program: "current", why: "the lockfile differs" };
  if (differs.some((f) => f !== "")) return { program: "current", why: "the providers' SDKs differ" };
  // A project without a program of its own runs the installed package's, which the lockfile pins.
  if (git.text(["ls-tree", "--name-only", "--full-tree", tree, "stacks/program.ts"]) !== "stacks/program.ts" && !existsSync(join(git.root, "stacks/program.ts"))) return { program: "own-is-current" };
  const same = git.try(["diff", "--quiet", "--no-ext-diff", commit, "--", ...SOURCE]) !== null && git.text(["ls-files", "--others", "--exclude-standard", "--", ...SOURCE]) === "";
  return same ? { program: "own-is-current" } : { program: "own" };
}

/** Whether the program that makes a commit's graph is one that was merged. What only a branch has may not run where a deployer's keys are. */
export function isMerged(git: Git, commit: string, tree: string): boolean {
  if (chooseProgram(git, commit, tree).program !== "own") return true;
  const base = git.text(["merge-base", "HEAD", commit]);
  return base !== null && git.try(["diff", "--quiet", "--no-ext-diff", base, commit, "--", ...SOURCE]) !== null;
}

const LIVE = Symbol.for("stackseal.live");
const require = `import { createRequire as __createRequire } from "node:module"; import { fileURLToPath as __toPath } from "node:url"; import { dirname as __dir } from "node:path"; const require = __createRequire(import.meta.url); const __filename = __toPath(import.meta.url); const __dirname = __dir(__filename);`;
/** The base's program must register with the engine that runs here: it shares this process's Pulumi SDK. */
const live = (sdk: object): Plugin => ({
  name: "live",
  setup: (b) => {
    b.onResolve({ filter: /^@pulumi\/pulumi$/ }, (a) => ({ path: a.path, namespace: "live" }));
    // The SDK's own parts hang on its root: `@pulumi/pulumi/runtime` is its `runtime`.
    b.onResolve({ filter: /^@pulumi\/pulumi\// }, (a) => (a.path.slice(15) in sdk ? { path: a.path, namespace: "live" } : { errors: [{ text: `${a.path} isn't shared` }] }));
    b.onLoad({ filter: /.*/, namespace: "live" }, (a) => ({ contents: `module.exports = globalThis[Symbol.for("stackseal.live")]${a.path.length > 14 ? `[${JSON.stringify(a.path.slice(15))}]` : ""};`, loader: "js" }));
  },
});

/** Bundles the program of a base that was written to `dir` and loads it. Throws where it can't be built. */
export async function loadProgram(dir: string, root: string): Promise<ProgramOf> {
  const loaded = await import("@pulumi/pulumi");
  const sdk: object = (loaded as { default?: object }).default ?? loaded;
  (globalThis as unknown as Record<symbol, unknown>)[LIVE] = sdk;
  const { build } = await import("esbuild");
  const entry = join(dir, "base-entry.ts");
  const outfile = join(dir, "base-program.mjs");
  writeFileSync(entry, `export { program } from "./stacks/program.ts";\nexport { readProject } from "./stacks/read.ts";\n`);
  await build({ absWorkingDir: dir, entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm", target: "node20", logLevel: "silent", banner: { js: require }, nodePaths: moduleFolders(root), plugins: [live(sdk)] });
  return (await import(pathToFileURL(outfile).href)) as ProgramOf;
}
/** `node_modules` of the project and of every folder above this code. */
function moduleFolders(root: string): string[] {
  const out = [join(root, "node_modules")];
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    out.push(join(dir, "node_modules"));
    if (dir === dirname(dir)) return out;
  }
}
