import { called, statementsOf, type Statement } from "./kit/statements.ts";
import { definePolicy } from "./policy.ts";

const type = "aws:iam/role:Role";
const ISSUER = "token.actions.githubusercontent.com";
const trust = (condition: unknown, principal: unknown = { Federated: `arn:aws:iam::333333333333:oidc-provider/${ISSUER}` }): Record<string, unknown> => ({
  name: "stackseal-prod-deployer", permissionsBoundary: "arn:aws:iam::333333333333:policy/stackseal-prod-boundary",
  assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: principal, Action: "sts:AssumeRoleWithWebIdentity", ...(condition !== undefined && { Condition: condition }) }] }),
});
const good = { StringEquals: { [`${ISSUER}:aud`]: "sts.amazonaws.com", [`${ISSUER}:sub`]: "repo:acme/platform:environment:prod" } };
const values = (s: Statement, suffix: string, operators: RegExp): string[] => Object.entries(s.conditions).filter(([op]) => operators.test(op)).flatMap(([, keys]) => Object.entries(keys).filter(([k]) => k.endsWith(suffix)).flatMap(([, v]) => v));

export const deployerBound = definePolicy({
  id: "deployer-bound",
  title: "A deployer is bound to its repository and its environment",
  severity: "critical",
  level: "mandatory",
  remediation: "Trust the code host's identity with StringEquals on aud and on sub (repo:OWNER/NAME:environment:ENV), and set a permissions boundary.",
  chapter: "Access Control",
  resource: (r, report) => {
    if (r.type !== type) return;
    const deployer = r.name.includes('deployer') || (typeof r.props["name"] === "string" && r.props["name"].includes('deployer'));
    statementsOf(r.props, (s, property) => {
      if (s.effect !== "Allow" || property !== "assumeRolePolicy") return;
      const federated = s.principals.some((p) => p.startsWith("Federated:"));
      if (!federated) {
        if (deployer && s.principals.some((p) => p.startsWith("AWS:"))) report(`${called(s, property)} lets a long-lived AWS identity deploy`);
        return;
      }
      const subjects = values(s, ":sub", /^(ForAnyValue:)?StringEquals$/);
      const loose = values(s, ":sub", /StringLike/);
      if (loose.some((x) => /[*?]/.test(x))) report(`${called(s, property)} trusts a pattern of subjects`);
      else if (subjects.length + loose.length === 0) report(`${called(s, property)} trusts every subject of the code host`);
      if (subjects.some((x) => /[*?]/.test(x))) report(`${called(s, property)} has a wildcard where StringEquals takes it as it is`);
      if (values(s, "", /^ForAllValues:|IfExists$/).length > 0) report(`${called(s, property)} has a condition that holds where the token says nothing (ForAllValues, IfExists)`);
      if (values(s, ":aud", /^(ForAnyValue:)?StringEquals$/).length === 0) report(`${called(s, property)} doesn't name the audience (aud)`);
      // A host that names its projects otherwise than repo: is held to the environment alone.
      const elsewhere = r.own?.repository === undefined ? undefined : [...subjects, ...loose].find((x) => x.startsWith("repo:") && !x.startsWith(`repo:${r.own?.repository ?? ""}:`));
      if (elsewhere !== undefined) report(`${called(s, property)} trusts jobs of another repository than the declared ${r.own?.repository ?? ""}`);
      const exact = [...subjects, ...loose.filter((x) => !/[*?]/.test(x))];
      if (deployer && exact.length > 0 && !exact.every((x) => new RegExp(`(^|[:/])(environment:)?${r.environment}(-payments|-foundation)?($|:)`).test(x))) report(`${called(s, property)} isn't bound to the environment ${r.environment}`);
    }, () => undefined);
    if (deployer && r.props["permissionsBoundary"] === undefined) report("the deployer has no permissions boundary");
  },
  passes: [
    { says: "accepts a deployer bound to its environment", resource: { type, name: "deployer", stack: "prod-foundation", props: trust(good) } },
    { says: "accepts a service's role", resource: { type, name: "app", stack: "prod-foundation", props: { assumeRolePolicy: JSON.stringify({ Statement: [{ Effect: "Allow", Principal: { Service: "ecs-tasks.amazonaws.com" }, Action: "sts:AssumeRole" }] }) } } },
  ],
  breaks: [
    { says: "rejects a pattern of subjects", resource: { type, name: "deployer", stack: "prod-foundation", props: trust({ StringEquals: { [`${ISSUER}:aud`]: "sts.amazonaws.com" }, StringLike: { [`${ISSUER}:sub`]: "repo:acme/*" } }) } },
    { says: "rejects every subject of the code host", resource: { type, name: "deployer", stack: "prod-foundation", props: trust({ StringEquals: { [`${ISSUER}:aud`]: "sts.amazonaws.com" } }) } },
    { says: "rejects a trust without a condition", resource: { type, name: "deployer", stack: "prod-foundation", props: trust(undefined) } },
    { says: "rejects another environment's subject", resource: { type, name: "deployer", stack: "prod-foundation", props: trust({ StringEquals: { ...good.StringEquals, [`${ISSUER}:sub`]: "repo:acme/platform:environment:dev" } }) } },
    { says: "rejects another repository's subject", resource: { type, name: "deployer", stack: "prod-foundation", props: trust({ StringEquals: { ...good.StringEquals, [`${ISSUER}:sub`]: "repo:acme-fork/platform:environment:prod" } }) } },
    { says: "rejects a branch as the subject", resource: { type, name: "deployer", stack: "prod-foundation", props: trust({ StringEquals: { ...good.StringEquals, [`${ISSUER}:sub`]: "repo:acme/platform:ref:refs/heads/main" } }) } },
    { says: "rejects a trust without an audience", resource: { type, name: "deployer", stack: "prod-foundation", props: trust({ StringEquals: { [`${ISSUER}:sub`]: "repo:acme/platform:environment:prod" } }) } },
    { says: "rejects a condition that an empty token meets too", resource: { type, name: "deployer", stack: "prod-foundation", props: trust({ "ForAllValues:StringEquals": good.StringEquals }) } },
    { says: "rejects a condition that counts only where the token says it", resource: { type, name: "deployer", stack: "prod-foundation", props: trust({ StringEquals: { [`${ISSUER}:aud`]: "sts.amazonaws.com" }, StringEqualsIfExists: { [`${ISSUER}:sub`]: "repo:acme/platform:environment:prod" } }) } },
    { says: "rejects a long-lived identity", resource: { type, name: "deployer", stack: "prod-foundation", props: trust(undefined, { AWS: "arn:aws:iam::333333333333:user/ci" }) } },
    { says: "rejects a deployer without a boundary", resource: { type, name: "deployer", stack: "prod-foundation", props: { assumeRolePolicy: trust(good)["assumeRolePolicy"] } } },
  ],
});
