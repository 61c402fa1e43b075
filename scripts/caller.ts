import { defineCodes, FindingError, type Finding } from "../lib/finding.ts";
import { awsSettings, requireAccount } from "../providers/aws/connect.ts";
import { awsFailure } from "../providers/aws/errors.ts";
import type { VaultPlace } from "../providers/stores/vault-client.ts";
import { ROLES, type Role } from "../schemas/access.ts";
import { roleArn, roleOfSession, rolesOfStack } from "../schemas/iam/place.ts";
import { stackName, type StackPart } from "../schemas/layout.ts";
import { vaultPolicyName } from "../schemas/vault/site.ts";
import { placeOf } from "../stacks/access/place.ts";
import type { Declared } from "../stacks/read.ts";
import type { Context } from "./command.ts";
import { projectName } from "./deployment.ts";

export const callerCodes = defineCodes({
  CALLER_OTHER_ROLE: { severity: "error", title: "Another role deploys this stack than the one at hand" },
});
export interface Caller {
  /** An ARN of AWS, or a Vault token's policies. */
  readonly name: string;
  /** `root` may do everything: an emulator's owner, Vault's root token; null is anybody who is none of the environment's roles. */
  readonly role: Role | "root" | null;
}
/**
 * Who is at hand in an environment's AWS account or Vault; null where its store is another, and where nobody can be told: without credentials or a network here the engine's own
 * providers say so, which may have credentials of their own. Throws FindingError STORE_ACCOUNT, STORE_CREDENTIALS (expired, refused), or what the store says.
 */
export async function callerAt(context: Context, d: Declared): Promise<Caller | null> {
  const p = placeOf(d, projectName(context.root)), s = d.environment.store;
  if (s.kind === "vault") return vaultCaller(s, d.name, context.env);
  if (!p || s.kind !== "aws") return null;
  try {
    const arn = await requireAccount(awsSettings(s, context.env), s.accountId);
    const role = roleOfSession(p, arn);
    // Whoever has an emulator is its owner, save where one of our roles is tried on it.
    return { name: arn, role: role ?? (s.endpoint === undefined ? null : "root") };
  } catch (e) {
    const failure = awsFailure(e, `account ${s.accountId}`);
    if (/^(Credentials|Token)ProviderError$/.test((e as Error).name) || failure.findings[0]?.code === "STORE_UNREACHABLE") return null;
    throw failure;
  }
}
/** Whose policies a Vault token has: null where it isn't one of ours: several together, or others, may do what we don't know of. */
async function vaultCaller(place: VaultPlace, environment: string, env: Context["env"]): Promise<Caller | null> {
  if (!env["VAULT_TOKEN"]) return null;
  const { VaultClient } = await import("../providers/stores/vault-client.ts");
  const client = new VaultClient(place, env);
  try {
    const { body } = await client.send("GET", "auth/token/lookup-self", place.address);
    const policies = ["policies", "identity_policies"].flatMap((k) => (body?.data?.[k] ?? []) as string[]);
    const roles = ROLES.filter((r) => policies.includes(vaultPolicyName(environment, r)));
    const role = policies.includes("root") ? "root" : roles.length === 1 ? roles[0] : undefined;
    return role === undefined ? null : { name: `a token with ${policies.join(", ")}`, role };
  } catch (e) {
    // Without the default policy a token can't look itself up.
    if (e instanceof FindingError && e.findings[0]?.code === "STORE_DENIED") return null;
    throw e;
  } finally {
    await client.close();
  }
}
/**
 * Refuses a deployment of stacks that the role at hand doesn't deploy, before anything is sent: the store would refuse it half way. Empty where it deploys all of them.
 * `verb`: the command, for the hints.
 */
export function callerFindings(caller: Caller | null, d: Declared, project: string, todo: readonly StackPart[], verb: string): Finding[] {
  const p = placeOf(d, project);
  if (!caller || caller.role === "root") return [];
  const deploys = (part: StackPart): boolean => rolesOfStack(part).some((r) => r === caller.role);
  const own = todo.filter(deploys);
  const here = own.length > 0 ? `; this role deploys ${own.map((x) => stackName(d.name, x)).join(", ")}: stackseal ${verb} --env ${d.name} --part ${own[0] ?? ""}` : "";
  return todo.filter((part) => !deploys(part)).map((part) => {
    const roles = rolesOfStack(part);
    const taken = p ? roleArn(p, roles[0] ?? "super-admin") : `a token with the policy ${vaultPolicyName(d.name, roles[0] ?? "super-admin")}`;
    const next = part === "foundation" && p ? `as super-admin, with a second factor: stackseal init --foundation --env ${d.name}` : `take ${taken}, then: stackseal ${verb} --env ${d.name} --part ${part}`;
    return callerCodes.finding("CALLER_OTHER_ROLE", { message: `${stackName(d.name, part)} is deployed by ${roles.join(" or ")}; at hand is ${caller.role ?? caller.name}: nothing was sent`, path: stackName(d.name, part), hint: `${next}${here}` });
  });
}
