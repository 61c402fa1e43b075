import { readdirSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixedClock } from "../lib/clock.ts";
import { integrations } from "../schemas/integrations/index.ts";
import { clock, makeSample, MADE, Project, remove, type Example } from "../tests/policies/project.ts";
import { judgePeople } from "../scripts/check-people.ts";
import { readProject } from "../stacks/read.ts";
import { CONTROLS } from "./controls.ts";
import { rules } from "./index.ts";
import { PackConfig } from "./kit/config.ts";
import { ExceptionBook } from "./kit/exceptions.ts";
import { readFacts } from "./kit/facts.ts";
import { judgeGraph, type GraphResource } from "./kit/graph.ts";
import { Judgement } from "./kit/judgement.ts";
import { makePolicies, ruleOfPolicy } from "./kit/pack.ts";
import { isUnknown } from "./kit/unknown.ts";
import type { Known, PolicySample, PolicySpec, ResourceSample } from "./policy.ts";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const known: Known = {
  now: MADE,
  environments: [
    { name: "local", tier: "local", replicas: [], host: "127.0.0.1", here: true },
    { name: "dev", tier: "development", accountId: "111111111111", region: "eu-west-1", replicas: [], host: "dev.acme.example", here: false },
    { name: "staging", tier: "staging", accountId: "222222222222", region: "eu-west-1", replicas: [], host: "staging.acme.example", here: false },
    { name: "prod", tier: "production", accountId: "333333333333", region: "eu-west-1", repository: "acme/platform", replicas: [], host: "app.acme.example", here: false },
    { name: "replicated", tier: "staging", accountId: "444444444444", region: "eu-west-1", replicas: ["eu-central-1"], host: "replicated.acme.example", here: false },
  ],
};
let example: Example;
beforeAll(async () => { example = await makeSample(); });
afterAll(() => { remove(example.dir); });

const resourceOf = (r: ResourceSample): GraphResource => ({ type: r.type, name: r.name ?? "x", urn: `urn:pulumi:${r.stack ?? "dev"}::stackseal::${r.type}::${r.name ?? "x"}`, inputs: r.props, outputs: {}, protect: r.protect ?? false, from: r.from ?? {} });
const packOf = (rule: PolicySpec) => makePolicies({ rules: [rule], known, config: new PackConfig(), book: new ExceptionBook() });

async function violations(rule: PolicySpec, s: PolicySample): Promise<string[]> {
  if (s.resource) return (await judgeGraph(packOf(rule).filter((p) => "validateResource" in p), [resourceOf(s.resource)])).map((v) => v.message);
  if (s.stack) return (await judgeGraph(packOf(rule).filter((p) => "validateStack" in p), s.stack.map(resourceOf))).map((v) => v.message);
  const p = new Project(example);
  try {
    s.project?.(p);
    const now = s.on === undefined ? clock : fixedClock(new Date(`${s.on}T09:00:00Z`));
    const project = readProject(p.dir, { clock: now });
    const facts = readFacts(p.dir, now, { env: p.env, project, also: judgePeople({ root: p.dir, clock: now, envs: [] }, project) });
    return new Judgement(facts).declared(["dev", "staging", "prod"]).filter((v) => v.rule === rule).map((v) => `${v.at.file}:${v.at.line}:${v.at.column}: ${v.message}`);
  } finally {
    rmSync(p.dir, { recursive: true, force: true });
  }
}
/** Long texts of a sample that a message must not quote. */
function* texts(v: unknown): Generator<string> {
  if (typeof v === "string") { if (v.length > 20) yield v; } else if (typeof v === "object" && v !== null) for (const x of Object.values(v)) yield* texts(x);
}

describe.each(rules)("$id", (rule) => {
  it.each(rule.passes)("$says", async (s) => { expect(await violations(rule, s)).toEqual([]); });
  it.each(rule.breaks)("$says", async (s) => {
    const found = await violations(rule, s);
    expect(found).not.toEqual([]);
    if (s.project) expect(found[0]).toMatch(/^[^:]+:\d+:\d+: /);
    for (const t of texts(s.resource?.props)) expect(found.join("\n")).not.toContain(t);
  });
  it("can fail, and passes first", () => {
    expect(rule.passes.length).toBeGreaterThan(0);
    expect(rule.breaks.length).toBeGreaterThan(0);
    expect(Boolean(rule.resource ?? rule.stack ?? rule.declared ?? rule.codes) || rule.id === "exceptions-valid").toBe(true);
    // Each way in which it judges has a sample that breaks it.
    if (rule.resource) expect(rule.breaks.some((s) => s.resource)).toBe(true);
    if (rule.stack) expect(rule.breaks.some((s) => s.stack)).toBe(true);
    if (rule.declared) expect(rule.breaks.some((s) => s.project)).toBe(true);
  });
  const resources = [...rule.passes, ...rule.breaks].flatMap((s) => s.resource ?? s.stack ?? []);
  it.runIf(resources.length > 0)("never crashes on what a preview can't know, and never passes it silently", async () => {
    for (const r of resources) for (const key of Object.keys(r.props)) {
      const props = { ...r.props, [key]: UNKNOWN };
      // Throws nothing but what judgeGraph turns into an advice.
      const told = await judgeGraph(packOf(rule), [resourceOf({ ...r, props })]);
      expect(told.filter((v) => v.message.includes(UNKNOWN))).toEqual([]);
    }
    const first = rule.breaks.find((s) => s.resource)?.resource;
    if (!first) return;
    const unknown = Object.fromEntries(Object.keys(first.props).map((k) => [k, UNKNOWN]));
    if (Object.keys(unknown).length === 0) return;
    const told = await judgeGraph(packOf(rule), [resourceOf({ ...first, props: unknown })]);
    const breaksByType = rule.id === "payments-super-admin-only" || rule.id === "protect-production-data";
    expect(told.some((v) => v.message.startsWith("can't be told yet: ")) || breaksByType || told.length > 0).toBe(true);
    expect(told.filter((v) => v.message.startsWith("can't be told yet: ")).every((v) => v.level === "advisory")).toBe(true);
  });
});

it("has one file a rule, named after it", () => {
  const files = readdirSync(import.meta.dirname).filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts") && !["index.ts", "pack.ts", "policy.ts", "codes.ts", "controls.ts", "library.ts"].includes(f)).map((f) => f.slice(0, -3)).sort();
  expect(files).toEqual(rules.map((r) => r.id).sort());
  expect(new Set(rules.map((r) => r.id)).size).toBe(rules.length);
});
it("says of every rule which controls it serves, or that none is claimed", () => {
  expect(Object.keys(CONTROLS).sort()).toEqual(rules.map((r) => r.id).sort());
  for (const c of Object.values(CONTROLS).flat()) if (c.source !== undefined) expect(c.source).toMatch(/^https:\/\//);
});
it("gives every policy a rule", () => {
  const ids = new Set(rules.map((r) => r.id));
  for (const p of makePolicies({ rules, known, config: new PackConfig(), book: new ExceptionBook() })) expect(ids.has(ruleOfPolicy(p.name))).toBe(true);
  expect(integrations.length).toBeGreaterThan(0);
  expect(isUnknown(new Error("x"))).toBe(false);
});
