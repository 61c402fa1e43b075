import { rolesWith, type Role, type SecretClass } from "../access.ts";
import { secretActions, type ActionNeed } from "./actions.ts";
import { document, type Document, type Statement } from "./document.ts";
import { rootArn, roleArn, type Place } from "./place.ts";

const SIDS: Readonly<Record<Exclude<ActionNeed, "none">, string>> = { read: "OnlyReadersRead", write: "OnlyWritersWrite", list: "OnlyKnownRolesDescribe", delete: "OnlySuperAdminDeletes", permit: "OnlySuperAdminPermits" };

/** Denies each right to everybody whom the matrix doesn't give it: a second lock, which no role's own policy opens. The account's root stays, for the day when no role is left. */
export function secretPolicy(cls: SecretClass, p: Place): Document {
  return document(...(["read", "write", "list", "delete", "permit"] as const).map((need) => denyOthers(SIDS[need], secretActions(need), rolesWith(cls, p.tier, need), p)));
}
/** The same for a deployer's age identity: read by that deployer, replaced by super-admin alone. */
export function identityPolicy(deployer: Role, p: Place): Document {
  const admin: readonly Role[] = ["super-admin"];
  return document(
    denyOthers("OnlyItsDeployerReads", secretActions("read"), [deployer], p), denyOthers("OnlySuperAdminReplaces", secretActions("write"), admin, p),
    denyOthers("OnlySuperAdminDeletes", secretActions("delete"), admin, p), denyOthers("OnlySuperAdminPermits", secretActions("permit"), admin, p),
  );
}
const denyOthers = (Sid: string, Action: readonly string[], roles: readonly Role[], p: Place): Statement =>
  ({ Sid, Effect: "Deny", Principal: "*", Action, Resource: ["*"], Condition: { StringNotEquals: { "aws:PrincipalArn": [...roles.map((r) => roleArn(p, r)), rootArn(p)] } } });
