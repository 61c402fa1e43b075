import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { FEATURES } from "./monitor.ts";
import { inside, PINNED, slot } from "./sdk-hooks.ts";

const require = createRequire(import.meta.url);

describe("the inside of the SDK that the in-process way uses", () => {
  it.each(Object.entries(PINNED))("is that of %s %s", (name, version) => {
    expect((require(`${name}/package.json`) as { version: string }).version).toBe(version);
  });
  it("is where it was", () => {
    const wanted: [object, string[]][] = [
      [inside.settings, ["setMockOptions", "waitForRPCs"]], [inside.state, ["withLocalStorage", "getStore"]], [inside.stack, ["runInPulumiStack"]], [inside.resource.Resource, ["callsites", "stackTrace"]], [inside.debuggable, ["debuggablePromise"]],
      [inside.config, ["setAllConfig"]], [inside.policy, ["makeAnalyzeRpcFun", "makeAnalyzeStackRpcFun", "makeRemediateRpcFun"]],
    ];
    for (const [module, names] of wanted) for (const name of names) expect(typeof (module as Record<string, unknown>)[name], name).toBe("function");
  });
  it("keeps its state where the slot stands before it, and asks there each time", () => {
    const { asyncLocalStorage } = globalThis as { asyncLocalStorage?: unknown };
    expect(slot).not.toBeNull();
    expect(asyncLocalStorage).toBe(slot);
    const source = readFileSync(require.resolve("@pulumi/pulumi/runtime/state.js"), "utf8");
    expect(source.match(/global\.asyncLocalStorage\.run\(store, callback, \.\.\.args\)/g)).toHaveLength(1);
    expect([...source.matchAll(/(?<!new )\basyncLocalStorage\b(?: === undefined| = new|\.run\(|\.getStore\(\))/g)]).toHaveLength(4);
  });
  it("asks for no feature that the engine has no answer to", () => {
    const source = readFileSync(require.resolve("@pulumi/pulumi/runtime/settings.js"), "utf8");
    const block = /await Promise\.all\(\[([^\]]+)\]\.map\(\(feature\)/.exec(source)?.[1] ?? "";
    const asked = [...block.matchAll(/"(\w+)"/g)].map((m) => m[1]).sort();
    expect(asked).toEqual(Object.keys(FEATURES).sort());
  });
});
