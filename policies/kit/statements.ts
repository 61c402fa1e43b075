import { each } from "./unknown.ts";

// IAM, KMS, secret, bucket and topic policies: JSON text in properties of many names.

export interface Statement {
  readonly sid: string;
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
const PROPERTIES = ["policy", "assumeRolePolicy", "policyDocument", "inlinePolicy", "accessPolicy", "resourcePolicy"];
const list = (v: unknown): string[] => (Array.isArray(v) ? v.map(String) : typeof v === "string" || typeof v === "number" || typeof v === "boolean" ? [String(v)] : []);
const map = (v: unknown): Record<string, unknown> => (typeof v === "object" && v !== null ? (v as Record<string, unknown>) : {});

/** Calls `judge` with every statement of every policy document in a resource's properties; `malformed` where one is no policy. */
export function statementsOf(props: Readonly<Record<string, unknown>>, judge: (s: Statement, property: string) => void, malformed: (property: string) => void): void {
  const nested = Array.isArray(props["inlinePolicies"]) ? (props["inlinePolicies"] as Record<string, unknown>[]).map((p, i): [string, () => unknown] => [`inlinePolicies[${i}].policy`, () => p["policy"]]) : [];
  each<[string, () => unknown]>([...PROPERTIES.map((p): [string, () => unknown] => [p, () => props[p]]), ...nested], ([name, get]) => {
    const value = get();
    if (value === undefined || value === null) return;
    const document = typeof value === "string" ? parse(value) : value;
    if (document === null || map(document)["Statement"] === undefined) {
      // `policy` may be a name or an ARN; a document begins with a brace.
      if (typeof value !== "string" || value.trim().startsWith("{")) malformed(name);
      return;
    }
    const all = map(document)["Statement"];
    for (const s of Array.isArray(all) ? all : [all]) judge(statement(map(s)), name);
  });
}
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
function statement(s: Record<string, unknown>): Statement {
  const principal = s["Principal"] ?? s["NotPrincipal"];
  const conditions = Object.fromEntries(Object.entries(map(s["Condition"])).map(([op, keys]) => [op, Object.fromEntries(Object.entries(map(keys)).map(([k, v]) => [k, list(v)]))]));
  return {
    sid: typeof s["Sid"] === "string" ? s["Sid"] : "", effect: typeof s["Effect"] === "string" ? s["Effect"] : "", actions: list(s["Action"] ?? s["NotAction"]), notAction: s["NotAction"] !== undefined,
    resources: s["NotResource"] === undefined ? list(s["Resource"]) : ["*"], notPrincipal: s["NotPrincipal"] !== undefined, conditions,
    principals: typeof principal === "string" ? [principal] : Object.entries(map(principal)).flatMap(([type, ids]) => list(ids).map((id) => `${type}:${id}`)),
  };
}
/** What a message calls a statement: its Sid, or its property. */
export const called = (s: Statement, property: string): string => (s.sid ? `the statement ${s.sid} of ${property}` : `a statement of ${property}`);
