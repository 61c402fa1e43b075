import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { allows, ROLES, type SecretClass } from "../../schemas/access.ts";
import kept from "../../schemas/iam/aws-actions.json" with { type: "json" };
import { ANY_RESOURCE, KEY_ACTIONS, SECRET_ACTIONS } from "../../schemas/iam/actions.ts";
import { boundary, ESCALATIONS, superAdminBoundary } from "../../schemas/iam/boundary.ts";
import { aliasFault, policyFaults, type Document, type PolicyKind } from "../../schemas/iam/document.ts";
import { keyPolicy } from "../../schemas/iam/key-policy.ts";
import { bucketPolicy, topicPolicy } from "../../schemas/iam/other-policies.ts";
import { BUCKETS, DEPLOYERS, SEVERITIES, type Place } from "../../schemas/iam/place.ts";
import { hasCloudRole, rolePolicy, schedulerPolicy } from "../../schemas/iam/role-policy.ts";
import { identityPolicy, secretPolicy } from "../../schemas/iam/secret-policy.ts";
import { trustPolicy } from "../../schemas/iam/trust.ts";
import { readProject } from "../read.ts";
import { placeOf } from "./place.ts";

const project = readProject(resolve(import.meta.dirname, "../.."), { only: ["dev", "staging", "prod"], clock: systemClock });
const places = project.environments.flatMap((d) => placeOf(d, "stackseal") ?? []).map((p): [string, Place] => [p.environment, { ...p, replicas: p.environment === "prod" ? ["eu-central-1"] : [], deployment: { repository: "acme/platform-credentials" } }]);
const classes: readonly SecretClass[] = ["standard", "payments"];

describe.each(places)("access documents of %s", (_name, p) => {
  const roles = ROLES.filter((r) => hasCloudRole(r, p));
  const all: [string, PolicyKind, Document][] = [
    ...roles.flatMap((r): [string, PolicyKind, Document][] => [[`${r}: rights`, "inline", rolePolicy(r, p)], [`${r}: trust`, "trust", trustPolicy(r, p)!]]),
    ["scheduler: rights", "inline", schedulerPolicy(p)], ["scheduler: trust", "trust", trustPolicy("scheduler", p)!],
    ["boundary", "managed", boundary(p)], ["super-admin's boundary", "managed", superAdminBoundary(p)],
    ...classes.flatMap((c): [string, PolicyKind, Document][] => [[`secret ${c}`, "secret", secretPolicy(c, p)], [`key ${c}`, "key", keyPolicy(c, p)]]),
    ...DEPLOYERS.map((r): [string, PolicyKind, Document] => [`identity of ${r}`, "secret", identityPolicy(r, p)]),
    ...BUCKETS.map((b): [string, PolicyKind, Document] => [`bucket ${b}`, "bucket", bucketPolicy(b, p)]),
    ...SEVERITIES.map((s): [string, PolicyKind, Document] => [`topic ${s}`, "topic", topicPolicy(s, p, p.region)]),
  ];
  it.each(all)("%s: AWS takes it, and it opens nothing to the public", (_n, kind, d) => { expect(policyFaults(kind, JSON.stringify(d))).toEqual([]); });
  it.each(all.filter(([, kind]) => kind === "inline"))("%s: every resource is named, save where AWS has no resource level", (_n, _k, d) => {
    const wide = d.Statement.filter((s) => s.Resource?.includes("*")).flatMap((s) => s.Action).filter((a) => !(a in ANY_RESOURCE));
    expect(wide).toEqual([]);
    for (const s of d.Statement) for (const r of s.Resource ?? []) if (r !== "*") expect(r).toMatch(/stackseal|:key\/\*$|:oidc-provider\/\*$/);
  });
  it("give nobody but super-admin a right that escalates, and deployers none over roles, keys, the trail and the alerts", () => {
    for (const r of roles.filter((x) => x !== "super-admin")) expect(rolePolicy(r, p).Statement.flatMap((s) => s.Action).filter((a) => ESCALATIONS.includes(a))).toEqual([]);
    for (const r of DEPLOYERS) {
      const actions = rolePolicy(r, p).Statement.filter((s) => s.Sid !== "ReminderRole").flatMap((s) => s.Action);
      expect(actions.filter((a) => /^(iam|kms|cloudtrail|events|sns):/.test(a))).toEqual([]);
    }
  });
  it("let a job in by one subject, audience and no wildcard", () => {
    const job = trustPolicy("deployer", p)!.Statement[0]!;
    expect(job.Condition).toEqual({ StringEquals: { "token.actions.githubusercontent.com:aud": "sts.amazonaws.com", "token.actions.githubusercontent.com:sub": `repo:acme/platform-credentials:environment:${p.environment}` } });
    expect(JSON.stringify(trustPolicy("payments-deployer", p))).toContain(`environment:${p.environment}-payments"`);
    expect(trustPolicy("deployer", { ...p, deployment: null })).toBeNull();
    expect(JSON.stringify(trustPolicy("super-admin", p))).toContain('"aws:MultiFactorAuthPresent":"true"');
  });
  it("say the same as the matrix, for every role, class and right", () => {
    for (const role of roles) for (const cls of classes) for (const [action, need] of Object.entries(SECRET_ACTIONS)) {
      if (need === "none") continue;
      const granted = rolePolicy(role, p).Statement.some((s) => s.Effect === "Allow" && s.Action.includes(action) && (s.Resource ?? []).some((r) => p.secrets[cls].some((n) => r.endsWith(`:secret:${n}-??????`) || r.endsWith(`:secret:stackseal/${p.environment}/*`))));
      expect(`${role} ${action} ${cls} ${String(granted)}`).toBe(`${role} ${action} ${cls} ${String(allows(role, cls, p.tier, need))}`);
    }
  });
});

it("places every action that the kept list names", () => {
  expect(Object.keys(SECRET_ACTIONS).sort()).toEqual(kept.secretsmanager);
  expect(Object.keys(KEY_ACTIONS).sort()).toEqual(kept.kms);
  for (const a of ESCALATIONS.filter((x) => x.startsWith("iam:"))) expect(kept.iam).toContain(a);
});

describe("what is refused before it is sent", () => {
  const good = { Version: "2012-10-17", Statement: [{ Sid: "A", Effect: "Allow", Principal: { AWS: "arn:aws:iam::111111111111:role/x" }, Action: ["secretsmanager:GetSecretValue"], Resource: ["*"] }] };
  const change = (s: Record<string, unknown>): string => JSON.stringify({ ...good, Statement: [{ ...good.Statement[0], ...s }] });
  it("passes a good one", () => { expect(policyFaults("secret", JSON.stringify(good))).toEqual([]); });
  it.each<[string, string, string]>([
    ["what is no JSON", "{", "POLICY_MALFORMED"],
    ["another version", JSON.stringify({ ...good, Version: "2008-10-17" }), "POLICY_MALFORMED"],
    ["no statement", JSON.stringify({ ...good, Statement: [] }), "POLICY_MALFORMED"],
    ["an element that doesn't exist", change({ Actions: ["x"] }), "POLICY_MALFORMED"],
    ["an effect that doesn't exist", change({ Effect: "allow" }), "POLICY_MALFORMED"],
    ["an action without a service", change({ Action: ["GetSecretValue"] }), "POLICY_MALFORMED"],
    ["an action with a wildcard", change({ Action: ["secretsmanager:*"] }), "POLICY_WILDCARD"],
    ["the action *", change({ Action: "*" }), "POLICY_WILDCARD"],
    ["NotAction", change({ NotAction: ["secretsmanager:GetSecretValue"] }), "POLICY_WILDCARD"],
    ["a resource that is no ARN", change({ Resource: ["secret"] }), "POLICY_MALFORMED"],
    ["no principal", change({ Principal: undefined }), "POLICY_MALFORMED"],
    ["the public", change({ Principal: "*" }), "POLICY_PUBLIC"],
    ["the public as AWS: *", change({ Principal: { AWS: ["*"] } }), "POLICY_PUBLIC"],
    ["the public tied to nothing", change({ Principal: "*", Condition: { StringLike: { "aws:PrincipalArn": "*" } } }), "POLICY_PUBLIC"],
    ["the public but for one", change({ Principal: "*", Condition: { StringNotEquals: { "aws:PrincipalArn": "arn:aws:iam::1:role/x" } } }), "POLICY_PUBLIC"],
    ["one that is too long", change({ Resource: Array.from({ length: 400 }, (_, i) => `arn:aws:secretsmanager:eu-west-1:111111111111:secret:stackseal/dev/${i}`) }), "POLICY_TOO_LONG"],
  ])("%s", (_what, text, code) => { expect(policyFaults("secret", text).map((f) => f.code)).toContain(code); });
  it("accepts anybody of one account, and refuses bad aliases", () => {
    expect(policyFaults("secret", change({ Principal: "*", Condition: { StringEquals: { "aws:PrincipalAccount": "111111111111" } } }))).toEqual([]);
    expect(aliasFault("alias/stackseal/dev/standard")).toBeNull();
    for (const bad of ["stackseal", "alias/", "alias/aws/x", "alias/with space", `alias/${"x".repeat(300)}`]) expect(aliasFault(bad)).not.toBeNull();
  });
});
