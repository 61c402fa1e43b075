import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, expect, it } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { unplugged } from "./embedded/unplugged.ts";
import { diffGraphs, graphOf, type Graph } from "./graph.ts";
import { embedded } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "graph-"));
afterAll(() => { rmSync(root, { recursive: true, force: true }); });
class Thing extends pulumi.CustomResource { constructor(name: string, args: object, opts?: pulumi.CustomResourceOptions) { super("mem:index:Thing", name, args, opts); } }
class Group extends pulumi.ComponentResource { constructor(name: string, opts?: pulumi.ComponentResourceOptions) { super("mem:index:Group", name, {}, opts); } }
async function graph(program: () => void): Promise<Graph> {
  const engine = await embedded({ root, env: {}, clock: systemClock });
  const o = await engine.preview({ project: "p", stack: "s", program, config: {}, policies: [], providerFor: () => null }, { against: "nothing" });
  expect(o.ok).toBe(true);
  return graphOf(o.steps);
}
const told = async (old: Graph, now: Graph): Promise<string[]> => (await diffGraphs(old, now, unplugged)).filter((s) => !s.urn.includes("providers:")).map((s) => `${s.op} ${s.urn.split("::").slice(2).join("::")}${s.diffs?.length ? ` ${s.diffs.join()}` : ""}`).filter((s) => !s.startsWith("same")).sort();

it("takes a rename with an alias for what it is: no deletion, no creation, only what changed besides", async () => {
  const old = await graph(() => { const g = new Group("old"); new Thing("old-a", { v: 1 }, { parent: g }); new Thing("b", { v: 1 }); });
  const renamed = await graph(() => { const g = new Group("new", { aliases: [{ name: "old" }] }); new Thing("new-a", { v: 1 }, { parent: g }); new Thing("c", { v: 2 }, { aliases: [{ name: "b" }] }); });
  expect(await told(old, renamed)).toEqual(["update mem:index:Thing::c v"]);
  const moved = await graph(() => { const g = new Group("old"); new Thing("old-a", { v: 1 }, { parent: g }); new Thing("b", { v: 1 }, { parent: g, aliases: [{ parent: pulumi.rootStackResource }] }); });
  expect(await told(old, moved)).toEqual([]);
  const unsaid = await graph(() => { const g = new Group("old"); new Thing("old-a", { v: 1 }, { parent: g }); new Thing("c", { v: 1 }); });
  expect(await told(old, unsaid)).toEqual(["create mem:index:Thing::c", "delete mem:index:Thing::b"]);
  // One old name makes one thing, and a name that is still declared stays its own.
  const both = await graph(() => { const g = new Group("old"); new Thing("old-a", { v: 1 }, { parent: g }); new Thing("b", { v: 1 }); new Thing("c", { v: 1 }, { aliases: [{ name: "b" }] }); });
  expect(await told(old, both)).toEqual(["create mem:index:Thing::c"]);
});
