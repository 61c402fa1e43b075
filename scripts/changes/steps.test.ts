import { expect, it } from "vitest";
import type { Step } from "../../engine/index.ts";
import type { PlanEnvironment } from "../../engine/plan.ts";
import { unapprovedSteps } from "./steps.ts";

const urn = (stack: string, name = "a"): string => `urn:pulumi:${stack}::p::x:y:Z::${name}`;
const step = (op: Step["op"], u: string): Step => ({ op, urn: u });
const approved = (changes: Record<string, string>, tier = "staging"): PlanEnvironment => ({ name: "e", tier, resources: {}, issues: {}, policies: [], changes, payments: false });
const codes = (env: PlanEnvironment, steps: Step[], superAdmin = false): string[] => unapprovedSteps({ approved: env, superAdmin }, steps).map((f) => `${f.code} ${f.path ?? ""}`);

it("lets through what the approved difference holds, by resource and by what is done to it", () => {
  const a = urn("e"), b = urn("e", "b");
  expect(codes(approved({ [a]: "update" }), [step("update", a), step("same", b)])).toEqual([]);
  for (const op of ["delete", "replace", "create-replacement", "create", "update"] as const) expect(codes(approved({ [a]: "delete" }), [step(op, b), step("same", a)])).toEqual([`PLAN_STEP_UNAPPROVED ${b}`]);
  expect(codes(approved({ [a]: "update" }), [step("replace", a)])).toEqual([`PLAN_STEP_UNAPPROVED ${a}`]);
});
it("counts what only reads as no change", () => {
  expect(codes(approved({}), [step("read", urn("e")), step("create", urn("e", "b"))])).toEqual([]);
  expect(codes(approved({ [urn("e")]: "update" }), [step("read", urn("e", "b")), step("update", urn("e"))])).toEqual([]);
});
it("lets a first deployment create, and nothing else of an empty difference", () => {
  expect(codes(approved({}), [step("create", urn("e")), step("create", urn("e", "b"))])).toEqual([]);
  expect(codes(approved({}), [step("create", urn("e")), step("same", urn("e", "b"))])).toHaveLength(1);
});
it("wants a Super Admin for production's payments and foundation stacks, whatever the plan says of itself", () => {
  for (const part of ["payments", "foundation"]) {
    const u = urn(`e-${part}`), env = approved({ [u]: "update" }, "production");
    expect(codes(env, [step("update", u)])).toEqual(["APPROVAL_MISSING e"]);
    expect(codes(env, [step("update", u)], true)).toEqual([]);
    expect(codes(env, [step("same", u)])).toEqual([]);
    expect(codes(approved({}, "production"), [step("create", u)])).toEqual(["APPROVAL_MISSING e"]);
  }
  expect(codes(approved({ [urn("e")]: "update" }, "production"), [step("update", urn("e"))])).toEqual([]);
});
