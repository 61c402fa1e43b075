import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";

// The two gates that a merge wants besides the tests: they are part of `npm test`, so that one command says whether a change may land.

const root = resolve(import.meta.dirname, "..");
const TIMEOUT = 900_000;
const run = (script: string, args: readonly string[]): { status: number | null; said: string } => {
  const r = spawnSync(process.execPath, [join(root, "node_modules", script), ...args], { cwd: root, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" }, maxBuffer: 1 << 26, timeout: TIMEOUT });
  return { status: r.status, said: (r.stdout + r.stderr).trim() };
};

it("typecheck: the compiler has nothing to say", () => { expect(run("typescript/bin/tsc", ["--noEmit"])).toEqual({ status: 0, said: "" }); }, TIMEOUT);
it("lint: neither has strictTypeChecked", () => { expect(run("eslint/bin/eslint.js", ["."])).toEqual({ status: 0, said: "" }); }, TIMEOUT);
