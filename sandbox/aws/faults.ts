import { FindingError } from "../../lib/finding.ts";

// Where the emulator (ministack 1.5.33) answers otherwise than AWS, each by name, and what is done so that the rest can be tried on it.

/**
 * `aws:PrincipalArn` of an assumed role is the session's ARN there; AWS gives the role's. Policies that spare a role by its ARN would deny it.
 * The session's ARN is added beside each role's.
 */
export function principalArnOfSession(policy: string): string {
  const role = /^arn:aws:iam::(\d{12}):role\/(.+)$/;
  const widen = (v: unknown): unknown => {
    if (Array.isArray(v)) return v.map(widen);
    if (typeof v !== "object" || v === null) return v;
    return Object.fromEntries(Object.entries(v).map(([k, e]): [string, unknown] => {
      if (k !== "StringNotEquals" || typeof e !== "object" || e === null || !("aws:PrincipalArn" in e)) return [k, widen(e)];
      const arns = [(e as Record<string, unknown>)["aws:PrincipalArn"]].flat() as string[];
      // A wildcard needs the operator that knows it.
      return ["StringNotLike", { ...e, "aws:PrincipalArn": arns.flatMap((a) => { const m = role.exec(a); return m ? [a, `arn:aws:sts::${m[1] ?? ""}:assumed-role/${m[2] ?? ""}/*`] : [a]; }) }];
    }));
  };
  return JSON.stringify(widen(JSON.parse(policy)));
}
/** A rule of the default bus is `rule/default/NAME` there; AWS has `rule/NAME`. Each gets the other beside it in a role's rights. */
export function ruleOfDefaultBus(policy: string): string {
  const both = (r: unknown): unknown[] => (typeof r === "string" && /^arn:aws:events:[^:]*:\d{12}:rule\/stackseal-/.test(r) ? [r, r.replace(":rule/", ":rule/default/")] : [r]);
  const d = JSON.parse(policy) as { Statement: { Resource?: unknown }[] };
  return JSON.stringify({ ...d, Statement: d.Statement.map((s) => (Array.isArray(s.Resource) ? { ...s, Resource: s.Resource.flatMap(both) } : s)) });
}
/** Whether a refusal may be the emulator's own: for an OIDC provider, a rule's targets and a schedule of a group it asks for the right on something else. */
export const deniedOnEmulator = (e: unknown): boolean => e instanceof FindingError && e.findings.some((f) => f.code === "STORE_DENIED");
/**
 * The rest, which nothing here can mend: what it takes and AWS refuses is refused by our own checks (schemas/iam/document), and what can't be proven there is
 * said where the proof leaves it out.
 */
export const KNOWN_FAULTS: Readonly<Record<string, string>> = {
  "secret-version-at-creation": "CreateSecret without a value makes a version; AWS makes none",
  "token-reuse": "PutSecretValue takes an old token with another value, and moves AWSCURRENT to an old token; AWS refuses the one and doesn't do the other",
  "deprecated-versions": "IncludeDeprecated shows two versions at most",
  "policy-form": "malformed and public resource policies, values over 64 KiB and bad aliases are taken",
  "get-secret-value-without-kms": "GetSecretValue doesn't ask for kms:Decrypt",
  "kms-via-service": "a direct call has no kms:ViaService, as on AWS; calls through Secrets Manager aren't judged by the key's policy at all",
  "no-resource": "GetOpenIDConnectProvider, ListTargetsByRule and GetSchedule aren't judged on the one resource: a role that may see it is denied",
  "no-replica-removal": "RemoveRegionsFromReplication is an unknown action: a replica region can be added and not taken away",
  "rule-arn": "a rule of the default bus has another ARN (mended by ruleOfDefaultBus)",
  "trail-of-the-trail": "LookupEvents knows no call to CloudTrail or Scheduler, and of every caller the access key alone",
  "trail-events": "calls make no EventBridge events",
  "rule-state": "a rule in the state ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS delivers nothing there",
};
