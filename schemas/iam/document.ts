// IAM's policy documents, and what AWS would refuse of them, judged before anything is sent: no emulator does, and AWS only after half of a stack is made.

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: "*" | Readonly<Record<string, string | readonly string[]>>;
  readonly Action: readonly string[];
  /** Absent in trust policies alone. */
  readonly Resource?: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}
export interface Document {
  readonly Version: "2012-10-17";
  readonly Statement: readonly Statement[];
}
export const document = (...statements: readonly (Statement | null)[]): Document => ({ Version: "2012-10-17", Statement: statements.filter((s): s is Statement => s !== null) });

/** AWS's limits in characters without white space. `inline` is what one role may have in all. */
export const POLICY_LIMITS = { inline: 10_240, managed: 6_144, trust: 2_048, secret: 20_480, key: 32_768, bucket: 20_480, topic: 30_720 } as const;
export type PolicyKind = keyof typeof POLICY_LIMITS;
const RESOURCE_POLICIES: readonly PolicyKind[] = ["trust", "secret", "key", "bucket", "topic"];

export interface PolicyFault {
  readonly code: "POLICY_MALFORMED" | "POLICY_PUBLIC" | "POLICY_TOO_LONG" | "POLICY_WILDCARD";
  readonly message: string;
}
const fault = (code: PolicyFault["code"], message: string): PolicyFault => ({ code, message });
const list = (v: unknown): unknown[] => (Array.isArray(v) ? v : v === undefined ? [] : [v]);
const isMap = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);

/** Conditions that tie anybody to an account, an organisation or a resource of ours: with one of these `*` isn't everybody. */
const TIES = /^(aws:(principalaccount|principalarn|principalorgid|sourceaccount|sourcearn|sourceowner|userid|calledvia)|kms:calleraccount|kms:viaservice)$/i;
const POSITIVE = /^(ForAnyValue:|ForAllValues:)?(String(Equals|Like)|Arn(Equals|Like))(IfExists)?$/;

/** What AWS refuses or what nobody should send. `text` may be anything at all. Empty where the policy is fine. */
export function policyFaults(kind: PolicyKind, text: string): PolicyFault[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [fault("POLICY_MALFORMED", "the policy is no JSON")];
  }
  const size = text.replace(/\s/g, "").length;
  const long = size > POLICY_LIMITS[kind] ? [fault("POLICY_TOO_LONG", `the policy has ${size} characters; ${POLICY_LIMITS[kind]} are taken`)] : [];
  if (!isMap(parsed) || parsed["Version"] !== "2012-10-17") return [...long, fault("POLICY_MALFORMED", "Version must be 2012-10-17")];
  const extra = Object.keys(parsed).filter((k) => !["Version", "Id", "Statement"].includes(k));
  const statements = list(parsed["Statement"]);
  return [
    ...long, ...extra.map((k) => fault("POLICY_MALFORMED", `no element ${k} here`)),
    ...(statements.length === 0 ? [fault("POLICY_MALFORMED", "there is no statement")] : []),
    ...statements.flatMap((s, i) => (isMap(s) ? statementFaults(kind, s, typeof s["Sid"] === "string" ? s["Sid"] : `statement ${i + 1}`) : [fault("POLICY_MALFORMED", `statement ${i + 1} is no map`)])),
  ];
}
const ELEMENTS = ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
function statementFaults(kind: PolicyKind, s: Readonly<Record<string, unknown>>, name: string): PolicyFault[] {
  const bad = (message: string): PolicyFault => fault("POLICY_MALFORMED", `${name}: ${message}`);
  const actions = list(s["Action"]);
  const resources = list(s["Resource"]);
  const resourcePolicy = RESOURCE_POLICIES.includes(kind);
  const out: PolicyFault[] = Object.keys(s).filter((k) => !ELEMENTS.includes(k)).map((k) => bad(`no element ${k} in a statement`));
  if (s["Effect"] !== "Allow" && s["Effect"] !== "Deny") out.push(bad("Effect must be Allow or Deny"));
  if (s["NotAction"] !== undefined || s["NotResource"] !== undefined || s["NotPrincipal"] !== undefined) out.push(fault("POLICY_WILDCARD", `${name}: NotAction, NotResource and NotPrincipal say more than they show`));
  else if (actions.length === 0) out.push(bad("there is no Action"));
  for (const a of actions) {
    if (typeof a !== "string" || !/^[a-z0-9-]+:[A-Za-z0-9]+$/.test(a)) out.push(typeof a === "string" && a.includes("*") ? fault("POLICY_WILDCARD", `${name}: the action ${a} has a wildcard`) : bad("an action is service:Name"));
  }
  if (kind !== "trust" && resources.length === 0 && s["NotResource"] === undefined) out.push(bad("there is no Resource"));
  if (kind === "trust" && resources.length > 0) out.push(bad("a trust policy has no Resource"));
  for (const r of resources) if (typeof r !== "string" || !(r === "*" || /^arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:(\d{12}|aws|\*)?:.+$/.test(r))) out.push(bad("a resource is an ARN or *"));
  if (!resourcePolicy && s["Principal"] !== undefined) out.push(bad("a role's policy has no Principal"));
  if (resourcePolicy && s["Principal"] === undefined && s["NotPrincipal"] === undefined) out.push(bad("there is no Principal"));
  if (s["Effect"] === "Allow" && anybody(s["Principal"]) && !tied(s["Condition"])) out.push(fault("POLICY_PUBLIC", `${name}: anybody is let in`));
  return out;
}
const anybody = (p: unknown): boolean => p === "*" || (isMap(p) && Object.values(p).some((v) => list(v).includes("*")));
const tied = (c: unknown): boolean =>
  isMap(c) && Object.entries(c).some(([op, keys]) => POSITIVE.test(op) && isMap(keys) && Object.entries(keys).some(([k, v]) => TIES.test(k) && list(v).length > 0 && list(v).every((x) => typeof x === "string" && !/^\**$/.test(x))));

/** What KMS takes as an alias of ours. */
export const aliasFault = (alias: string): string | null =>
  !/^alias\/[A-Za-z0-9/_-]{1,250}$/.test(alias) ? "an alias is alias/ and up to 250 letters, digits, / _ and -" : alias.startsWith("alias/aws/") ? "alias/aws/ is AWS's own" : null;
