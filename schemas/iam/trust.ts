import type { Role, SecretClass } from "../access.ts";
import { stackName } from "../layout.ts";
import { document, type Document, type Statement } from "./document.ts";
import { oidcArn, oidcHost, rootArn, type Place } from "./place.ts";

const AUDIENCE = "sts.amazonaws.com";
/** The deployment environment at the code host under whose name a job may assume a role: its reviewers release it. */
export const deploymentEnvironment = (environment: string, role: Role): string =>
  role === "auditor" ? `${environment}-drift` : role === "rotator" ? `${environment}-rotation` : stackName(environment, (role === "payments-deployer" ? "payments" : "standard") satisfies SecretClass);

const human = (p: Place): Statement => ({
  Sid: "PeopleWithSecondFactor", Effect: "Allow", Principal: { AWS: rootArn(p) }, Action: ["sts:AssumeRole"],
  // An hour after the second factor it is asked for again.
  Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" }, NumericLessThan: { "aws:MultiFactorAuthAge": "3600" } },
});
function job(p: Place, role: Role): Statement | null {
  const d = p.deployment;
  if (!d) return null;
  const host = oidcHost(d);
  return {
    Sid: "JobOfTheDeploymentEnvironment", Effect: "Allow", Principal: { Federated: oidcArn(p, d) }, Action: ["sts:AssumeRoleWithWebIdentity"],
    Condition: { StringEquals: { [`${host}:aud`]: AUDIENCE, [`${host}:sub`]: `repo:${d.repository}:environment:${deploymentEnvironment(p.environment, role)}` } },
  };
}
const service = (name: string): Statement => ({ Sid: "Service", Effect: "Allow", Principal: { Service: `${name}.amazonaws.com` }, Action: ["sts:AssumeRole"] });

/** Who may take a role: people with a second factor, a job under its deployment environment's name, or the service that runs the app. Null where nobody may. */
export function trustPolicy(role: Role | "scheduler", p: Place): Document | null {
  const statements = ((): (Statement | null)[] => {
    switch (role) {
      case "app":
      case "payments-app": return [service(p.deployment?.services?.[role] ?? "ecs-tasks")];
      case "scheduler": return [{ ...service("scheduler"), Condition: { StringEquals: { "aws:SourceAccount": p.accountId } } }];
      case "deployer":
      case "payments-deployer":
      case "rotator": return [job(p, role)];
      case "auditor": return [human(p), job(p, role)];
      case "super-admin":
      case "admin":
      case "engineer": return [human(p)];
    }
  })();
  const d = document(...statements);
  return d.Statement.length > 0 ? d : null;
}
