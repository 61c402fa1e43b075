import { each, known, type UnknownValueError } from "./unknown.ts";

// IAM, KMS, secret, bucket and topic policies: JSON text in properties of many names.

export interface Statement {
  readonly sid: string;
  /** `Allow` or `Deny`, however it was written. */
  readonly effect: string;
  readonly actions: readonly string[];
  /** `Action` says what isn't meant. */
  readonly notAction: boolean;
  /** All but some (`NotResource`) is everything: `*`. */
  readonly resources: readonly string[];
  /** `type:id`: `AWS:arn:…`, `Service:…`, `Federated:…`, `*`. */
  readonly principals: readonly string[];
  readonly notPrincipal: boolean;
  /** Operator → key → values. */
  readonly conditions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}
const PROPERTIES = ["policy", "assumeRolePolicy", "assumeRolePolicyDocument", "policyDocument", "inlinePolicy", "accessPolicy", "accessPolicies", "resourcePolicy", "keyPolicy", "repositoryPolicyText"];
/** Lists of policies, and what each of them calls its document. */
const LISTS: Readonly<Record<string, string>> = { inlinePolicies: "policy", policies: "policyDocument" };
const list = (v: unknown): string[] => (Array.isArray(v) ? v.map(String) : typeof v === "string" || typeof v === "number" || typeof v === "boolean" ? [String(v)] : []);
const map = (v: unknown): Record<string, unknown> => (typeof v === "object" && v !== null ? (v as Record<string, unknown>) : {});
/** IAM's elements by their names in any case: what a parser that is more generous than ours reads mustn't slip by. */
const field = (v: Readonly<Record<string, unknown>>, name: string): unknown => v[name] ?? Object.entries(v).find(([k]) => k.toLowerCase() === name.toLowerCase())?.[1];

type Found = { readonly property: string } & ({ readonly statement: Statement } | { readonly malformed: true } | { readonly unknown: UnknownValueError });
const found = new WeakMap<object, readonly Found[]>();

/** Calls `judge` with every statement of every policy document in a resource's properties; `malformed` where one is no policy. The documents are read once, however many rules ask. */
export function statementsOf(props: Readonly<Record<string, unknown>>, judge: (s: Statement, property: string) => void, malformed: (property: string) => void): void {
  const all = found.get(props) ?? read(props);
  found.set(props, all);
  each(all, (f) => {
    if ("unknown" in f) throw f.unknown;
    if ("malformed" in f) malformed(f.property);
    else judge(f.statement, f.property);
  });
}
function read(props: Readonly<Record<string, unknown>>): Found[] {
  const out: Found[] = [];
  const reading = (property: string, f: () => void): void => { known(f, (unknown) => { out.push({ property, unknown }); }); };
  const document = (property: string, value: unknown): void => {
    if (value === undefined || value === null) return;
    const document = typeof value === "string" ? parse(value) : value;
    const all = field(map(document), "Statement");
    if (all !== undefined && !Array.isArray(document)) for (const s of [all].flat(8)) out.push({ property, statement: statement(map(s)) });
    // `policy` may be a name or an ARN; a document begins with a brace.
    else if (typeof value !== "string" || /^(?:[{["]|%7B)/i.test(value.trim())) out.push({ property, malformed: true });
  };
  for (const p of PROPERTIES) reading(p, () => { document(p, props[p]); });
  for (const [name, key] of Object.entries(LISTS)) reading(name, () => {
    const all = props[name];
    if (Array.isArray(all)) for (let i = 0; i < all.length; i++) reading(`${name}[${i}].${key}`, () => { document(`${name}[${i}].${key}`, map((all as unknown[])[i])[key]); });
  });
  return out;
}
/** JSON, also where it was written as a text once more, or for a URL. */
function parse(text: string): unknown {
  try {
    const value = JSON.parse(/^%7B/i.test(text) ? decodeURIComponent(text) : text.trim()) as unknown;
    return typeof value === "string" ? JSON.parse(value) : value;
  } catch {
    return null;
  }
}
function statement(s: Record<string, unknown>): Statement {
  const [effect, action, notAction, principal, notPrincipal, notResource] = ["Effect", "Action", "NotAction", "Principal", "NotPrincipal", "NotResource"].map((n) => field(s, n));
  const who = principal ?? notPrincipal;
  const conditions = Object.fromEntries(Object.entries(map(field(s, "Condition"))).map(([op, keys]) => [op, Object.fromEntries(Object.entries(map(keys)).map(([k, v]) => [k, list(v)]))]));
  return {
    sid: typeof s["Sid"] === "string" ? s["Sid"] : "", effect: typeof effect === "string" ? `${effect.slice(0, 1).toUpperCase()}${effect.slice(1).toLowerCase()}` : "", actions: list(action ?? notAction), notAction: notAction !== undefined,
    resources: notResource === undefined ? list(field(s, "Resource")) : ["*"], notPrincipal: notPrincipal !== undefined, conditions,
    principals: typeof who === "string" || Array.isArray(who) ? list(who) : Object.entries(map(who)).flatMap(([type, ids]) => list(ids).map((id) => `${type}:${id}`)),
  };
}
/** Whether a principal is an account as such: its own policies say who in it may. */
export const accountRoot = (principal: string): boolean => /^AWS:(?:arn:aws[a-z-]*:iam::\d{12}:root|\d{12})$/.test(principal);
/** Whether IAM's pattern (`*`, `?`, any case) takes a text in. */
export function takesIn(pattern: string, text: string): boolean {
  let re = patterns.get(pattern);
  if (!re) patterns.set(pattern, (re = new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")}$`, "is")));
  return re.test(text);
}
const patterns = new Map<string, RegExp>();
/** What a message calls a statement: its Sid, or its property. */
export const called = (s: Statement, property: string): string => (s.sid ? `the statement ${s.sid} of ${property}` : `a statement of ${property}`);
