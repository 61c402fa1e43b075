import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { comparable, runCase, type Case, type Ended } from "./cases/run.ts";

// Single updates that the Pulumi CLI did, found where two engines differed: recorded with the CLI, and held to here by the same steps, the same
// resources and the same questions to the provider.
const dir = resolve(import.meta.dirname, "../fixtures/engine-cases");
describe("as the CLI did it", () => {
  it.each(readdirSync(dir).filter((f) => f.endsWith(".json")).map((f) => f.replace(".json", "")))("%s", async (name) => {
    const c = JSON.parse(readFileSync(join(dir, `${name}.json`), "utf8")) as Case & { readonly expected: Ended };
    const ours = await runCase(c), { calls, ...done } = comparable(ours), { calls: asked, ...wanted } = comparable(c.expected);
    expect({ ...done, errors: ours.ok === wanted.ok ? [] : ours.errors }).toEqual({ errors: [], ...wanted });
    if (wanted.ok) expect(calls).toEqual(asked); // beside a failure, what is still asked is a matter of time
  });
});
