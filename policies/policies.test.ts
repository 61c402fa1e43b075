import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { rules } from "./index.ts";
import type { PolicySample, PolicySpec } from "./policy.ts";

function violations(rule: PolicySpec, s: PolicySample): string[] {
  const out: string[] = [];
  const urn = `urn:pulumi:${s.resource.stack ?? "dev"}::stackseal::${s.resource.type}::${s.resource.name ?? "x"}`;
  rule.check({ type: s.resource.type, name: "x", urn, props: s.resource.props } as never, (m) => out.push(m));
  return out;
}
describe.each(rules)("$id", (rule) => {
  it.each(rule.passes)("$says", (s) => { expect(violations(rule, s)).toEqual([]); });
  it.each(rule.breaks)("$says", (s) => {
    const found = violations(rule, s);
    expect(found).not.toEqual([]);
    for (const v of Object.values(s.resource.props)) if (typeof v === "string" && v.length > 20) expect(found.join()).not.toContain(v);
  });
  it("can fail", () => { expect(rule.breaks.length).toBeGreaterThan(0); });
});
it("has one file a rule, named after it", () => {
  const files = readdirSync(import.meta.dirname).filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts") && !["index.ts", "pack.ts", "policy.ts"].includes(f)).map((f) => f.slice(0, -3)).sort();
  expect(files).toEqual(rules.map((r) => r.id).sort());
});
