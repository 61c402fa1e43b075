import type { Role, SecretClass } from "../../schemas/access.ts";
import { bucketName, roleArn, type Place as IamPlace } from "../../schemas/iam/place.ts";
import { deploymentEnvironment } from "../../schemas/iam/trust.ts";
import type { Place } from "./step.ts";

/** Names in an environment's account, from the functions that the foundation stack takes its own from. */
export interface Account {
  readonly roleArn: (role: Role) => string;
  /** Pulumi's backend: the environment's own state bucket. */
  readonly backend: string;
}
export function account(p: Place): Account {
  const at: IamPlace = { environment: p.name, tier: p.tier, accountId: p.aws?.accountId ?? "", region: p.aws?.region ?? "", replicas: [], secrets: { standard: [], payments: [] }, settings: { standard: [], payments: [] }, deployment: null, project: "" };
  return { roleArn: (role) => roleArn(at, role), backend: `s3://${bucketName(at, "state")}?region=${at.region}` };
}
/** The role that deploys a class of credentials. */
export const deployerOf = (cls: SecretClass): "deployer" | "payments-deployer" => (cls === "payments" ? "payments-deployer" : "deployer");
/** The deployment environment under whose name a role's job runs: what the role's trust is bound to. */
export const hostEnvironment = (p: Pick<Place, "name">, role: Role): string => deploymentEnvironment(p.name, role);
