import { describe, expect, it } from "vitest";
import { PolicyPack } from "../../engine/embedded/policy.ts";
import { analyzerOf } from "../../engine/embedded/sdk-hooks.ts";
import { together, type Judging } from "../../engine/embedded/together.ts";
import type { State } from "../../engine/state/deployment.ts";
import type { Violation } from "../../engine/index.ts";
import { UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import { PackConfig } from "../../policies/kit/config.ts";
import { ExceptionBook } from "../../policies/kit/exceptions.ts";
import { makePolicies } from "../../policies/kit/pack.ts";
import { rules } from "../../policies/index.ts";
import type { Known } from "../../policies/policy.ts";

// @pulumi/policy by itself, a policy at a time, is the measure: the pack that reads a resource once must say the same, word for word.
const known: Known = {
  now: new Date("2026-11-25T09:00:00Z"), people: null,
  environments: [
    { name: "dev", tier: "development", accountId: "111111111111", region: "eu-west-1", replicas: [], host: "dev.acme.example", here: false },
    { name: "prod", tier: "production", accountId: "333333333333", region: "eu-west-1", repository: "acme/platform", replicas: [], host: "app.acme.example", here: false },
  ],
} as Known;
const policies = makePolicies({ rules, known, config: new PackConfig(), book: new ExceptionBook() }) as readonly Judging[];
const stateOf = (r: { readonly type: string; readonly name?: string; readonly stack?: string; readonly props: object; readonly protect?: boolean }): State =>
  ({ urn: `urn:pulumi:${r.stack ?? "dev"}::stackseal::${r.type}::${r.name ?? "x"}`, custom: true, type: r.type, inputs: r.props as Props, outputs: r.props as Props, protect: r.protect === true });
const pack = (list: readonly unknown[]): PolicyPack => new PolicyPack("stackseal", "0.1.0", analyzerOf("stackseal", "0.1.0", list));
const apart = pack(policies), asOne = pack(together(policies));
const said = (all: readonly Violation[]): string[] => all.map((v) => JSON.stringify({ ...v, message: v.message.replace(" from policy pack 'stackseal@v0.1.0'", "") })).sort();
const samples = rules.flatMap((rule) => [...rule.passes, ...rule.breaks].map((s) => ({ rule: rule.id, ...s })));

describe("policies that are run as one", () => {
  const resources = samples.flatMap((s) => (s.resource ? [{ name: `${s.rule} ${s.says}`, state: stateOf(s.resource) }] : []));
  it.each(resources)("say of a resource what they say apart: $name", async ({ state }) => {
    expect(said(await asOne.analyze(state, undefined))).toEqual(said(await apart.analyze(state, undefined)));
  });
  it.each(resources.slice(0, 40))("say what can't be known yet: $name", async ({ state }) => {
    const inputs = Object.fromEntries(Object.entries(state.inputs).map(([k], i) => [k, i % 2 ? UNKNOWN : (state.inputs[k] ?? null)]));
    const unknown = { ...state, inputs: { ...inputs, policy: UNKNOWN, tags: UNKNOWN } };
    const told = said(await asOne.analyze(unknown, undefined));
    expect(told).toEqual(said(await apart.analyze(unknown, undefined)));
    expect(told.some((v) => v.includes('"unknown":true'))).toBe(true);
  });
  it.each(samples.flatMap((s) => (s.stack ? [{ name: `${s.rule} ${s.says}`, states: s.stack.map(stateOf) }] : [])))("say of a stack what they say apart: $name", async ({ states }) => {
    const judge = async (p: PolicyPack): Promise<string[]> => said(await p.analyzeStack(states, () => undefined, () => undefined, states[0]?.urn ?? ""));
    expect(await judge(asOne)).toEqual(await judge(apart));
  });
  it("run the others where one fails on what isn't known, and name the one that throws", async () => {
    const p = (name: string, validateResource: NonNullable<Judging["validateResource"]>): Judging => ({ name, description: `${name}.`, enforcementLevel: "mandatory", severity: "high", validateResource });
    const list = [p("asks", (args) => { String((args as { props: Record<string, unknown> }).props["later"]); }), p("off", () => { throw new Error("never"); }), p("tells", (_a, report) => { report("no"); })].map((x) => (x.name === "off" ? { ...x, enforcementLevel: "disabled" as const } : x));
    const state = stateOf({ type: "a:b:C", props: { later: UNKNOWN } });
    expect(said(await pack(together(list)).analyze(state, undefined))).toEqual(said(await pack(list).analyze(state, undefined)));
    expect((await pack(together(list)).analyze(state, undefined)).map((v) => [v.policy, v.level, v.severity, v.message])).toEqual([["asks", "advisory", "high", expect.stringContaining("can't be known during preview")], ["tells", "mandatory", "high", "tells.\nno"]]);
    await expect(pack(together([p("breaks", () => { throw new Error("of itself"); })])).analyze(state, undefined)).rejects.toThrow("policy 'breaks': of itself");
  });
});
