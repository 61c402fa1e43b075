import { ROLES, type Role } from "../access.ts";
import { secretActions, keyActions } from "./actions.ts";
import { document, type Document } from "./document.ts";
import { rolePolicy } from "./role-policy.ts";
import { roleArn, type Place } from "./place.ts";

/** Rights that no role but super-admin may ever have, whatever is attached to it. */
export const ESCALATIONS: readonly string[] = [
  ...secretActions("permit"), ...secretActions("delete"), ...keyActions("permit"), ...keyActions("delete"),
  ..."CreateRole DeleteRole UpdateRole UpdateAssumeRolePolicy PutRolePolicy DeleteRolePolicy AttachRolePolicy DetachRolePolicy PutRolePermissionsBoundary DeleteRolePermissionsBoundary CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion SetDefaultPolicyVersion CreateUser CreateAccessKey AttachUserPolicy PutUserPolicy CreateLoginProfile CreateOpenIDConnectProvider DeleteOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint AddClientIDToOpenIDConnectProvider".split(" ").map((a) => `iam:${a}`),
  ..."StopLogging DeleteTrail UpdateTrail PutEventSelectors".split(" ").map((a) => `cloudtrail:${a}`),
  ..."DisableRule DeleteRule PutRule RemoveTargets PutTargets".split(" ").map((a) => `events:${a}`),
  ..."DeleteTopic SetTopicAttributes Unsubscribe RemovePermission AddPermission".split(" ").map((a) => `sns:${a}`),
  ..."PutBucketPolicy DeleteBucketPolicy PutBucketVersioning PutBucketObjectLockConfiguration PutLifecycleConfiguration DeleteBucket".split(" ").map((a) => `s3:${a}`),
];
const perService = (actions: readonly string[]): string[] => [...new Set(actions)].sort();

/** The most that a role can have, whoever attaches what to it later. */
export function boundary(p: Place): Document {
  const used = ROLES.filter((r) => r !== "super-admin").flatMap((r) => rolePolicy(r, p).Statement.flatMap((s) => s.Action));
  // Key policies give the rights on keys to roles by name; a boundary must let them through.
  const allowed = perService([...used, ...keyActions("read"), ...keyActions("write"), "sns:Publish"]).filter((a) => a !== "iam:PassRole");
  return document(
    { Sid: "Most", Effect: "Allow", Action: allowed, Resource: ["*"] },
    { Sid: "ReminderRoleAlone", Effect: "Allow", Action: ["iam:PassRole"], Resource: [roleArn(p, "scheduler")], Condition: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } } },
    { Sid: "NeverEscalate", Effect: "Deny", Action: perService(ESCALATIONS), Resource: ["*"] },
  );
}
/** The same for super-admin: what its own policy says, so that attaching another one gives nothing more. */
export function superAdminBoundary(p: Place): Document {
  const actions = perService([...rolePolicy("super-admin" satisfies Role, p).Statement.flatMap((s) => s.Action), ...keyActions("read"), ...keyActions("write")]);
  return document({ Sid: "Most", Effect: "Allow", Action: actions, Resource: ["*"] });
}
