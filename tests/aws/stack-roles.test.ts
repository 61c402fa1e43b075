import { expect, it } from "vitest";
import { allows, HUMAN_ROLES, TIERS } from "../../schemas/access.ts";
import { roleOfSession, rolesOfStack, type Place } from "../../schemas/iam/place.ts";

const place: Place = { environment: "prod", tier: "production", accountId: "111111111111", region: "eu-west-1", replicas: [], project: "stackseal", settings: { standard: [], payments: [] }, secrets: { standard: [], payments: [] }, deployment: null };
const session = (role: string, account = "111111111111"): string => `arn:aws:sts::${account}:assumed-role/${role}/somebody`;

it("gives each stack to roles that the matrix lets deploy it, and to no other person than super-admin", () => {
  for (const tier of TIERS.filter((t) => t !== "local")) {
    for (const cls of ["standard", "payments"] as const) for (const role of rolesOfStack(cls)) expect(allows(role, cls, tier, "write") && allows(role, cls, tier, "open"), `${role} ${cls}`).toBe(true);
    for (const role of rolesOfStack("foundation")) expect(allows(role, "payments", tier, "permit"), role).toBe(true);
  }
  expect([rolesOfStack("foundation"), rolesOfStack("standard"), rolesOfStack("payments")].map((r) => r.filter((x) => (HUMAN_ROLES as readonly string[]).includes(x)))).toEqual([["super-admin"], ["super-admin"], ["super-admin"]]);
});
it("knows an environment's own sessions alone", () => {
  expect(roleOfSession(place, session("stackseal-prod-deployer"))).toBe("deployer");
  expect(roleOfSession(place, session("stackseal-prod-payments-deployer"))).toBe("payments-deployer");
  for (const other of [session("stackseal-dev-deployer"), session("stackseal-prod-deployer", "222222222222"), session("stackseal-prod-deployer-x"), "arn:aws:iam::111111111111:user/ada", "arn:aws:iam::111111111111:root", ""]) expect(roleOfSession(place, other)).toBeNull();
});
