import type { CheckFailure, DiffResult } from "../lib/provider.ts";
import { FindingError } from "../lib/finding.ts";
import { UNKNOWN, type Props, type Value } from "../lib/pulumi-value.ts";
import { nearest } from "../lib/nearest.ts";
import { providerCodes } from "./codes.ts";
import { hasSecret, isMap } from "./values.ts";

export type Code = Extract<keyof typeof providerCodes.table, string>;
/** A check's failure; its reason starts with the code. */
export const failure = (property: string, code: Code, message: string): CheckFailure => ({ property, reason: `${code}: ${message}` });
/** Throws what Check would have said: a plan that skipped Check must not write either. */
export function refuse(failures: readonly CheckFailure[], path: string): void {
  if (failures.length === 0) return;
  throw new FindingError(failures.map((f) => {
    const [, code = "INPUT_INVALID", message = f.reason] = /^([A-Z_]+): (.*)$/s.exec(f.reason) ?? [];
    return providerCodes.finding(code as Code, { message: `${f.property}: ${message}`, path });
  }));
}
export const fail = (code: Code, message: string, path?: string, hint?: string, exit: 1 | 2 | 3 = 1): FindingError =>
  new FindingError(providerCodes.finding(code, { message, ...(path !== undefined && { path }), ...(hint !== undefined && { hint }) }), exit);

/** What a property may be; an unknown passes, since a preview can't know it yet. */
export type Rule = (v: Value, property: string) => readonly CheckFailure[];
const wrong = (property: string, what: string): CheckFailure[] => [failure(property, "INPUT_INVALID", `must be ${what}`)];
export const text: Rule = (v, p) => (typeof v === "string" && v !== "" ? [] : wrong(p, "text"));
export const flag: Rule = (v, p) => (typeof v === "boolean" ? [] : wrong(p, "true or false"));
export const listOf = (rule: Rule): Rule => (v, p) => (Array.isArray(v) ? v.flatMap((e, i) => (e === UNKNOWN ? [] : rule(e, `${p}[${i}]`))) : wrong(p, "a list"));
export const mapOf = (rule: Rule): Rule => (v, p) => (isMap(v) ? Object.entries(v).flatMap(([k, e]) => (e === UNKNOWN ? [] : rule(e, `${p}.${k}`))) : wrong(p, "a map"));
export interface Field {
  readonly rule: Rule;
  readonly required?: boolean;
}
/** A map with these keys and no other. */
export const shape = (fields: Readonly<Record<string, Field>>): Rule => (v, p) => {
  if (!isMap(v)) return wrong(p || "inputs", "a map");
  const at = (k: string): string => (p === "" ? k : `${p}.${k}`);
  return [
    ...Object.keys(v).filter((k) => !(k in fields) && !k.startsWith("__")).map((k) => {
      const near = nearest(k, Object.keys(fields));
      return failure(at(k), "INPUT_UNKNOWN", `no such property${near !== null ? `; did you mean ${near}?` : ""}`);
    }),
    ...Object.entries(fields).flatMap(([k, f]) => {
      const e = v[k];
      if (e === undefined || e === null) return f.required === true ? [failure(at(k), "INPUT_MISSING", "must be there")] : [];
      return e === UNKNOWN ? [] : f.rule(e, at(k));
    }),
  ];
};
/** No input of ours is ever a secret: what is wrapped as one would be kept, encrypted or not, in state. */
export const noSecrets = (news: Props): CheckFailure[] =>
  Object.entries(news).filter(([, v]) => hasSecret(v)).map(([k]) => failure(k, "SECRET_IN_PROPERTY", "a secret may not be a property: seal it, and give its reference"));

/** A detailed diff as the engine takes it; `replace` marks properties that only a new resource can have. */
export function diffResult(changes: Readonly<Record<string, { readonly kind: "add" | "delete" | "update"; readonly replace: boolean; readonly inputDiff?: boolean }>>): DiffResult {
  const paths = Object.keys(changes);
  const top = (p: string): string => p.split(/[.[]/)[0] ?? p;
  const entries = Object.entries(changes);
  return {
    changes: paths.length ? "some" : "none",
    diffs: [...new Set(paths.map(top))],
    replaces: [...new Set(entries.filter(([, c]) => c.replace).map(([p]) => top(p)))],
    detailed: Object.fromEntries(entries.map(([p, c]) => [p, { kind: (c.replace ? `${c.kind}-replace` : c.kind), inputDiff: c.inputDiff ?? true }])),
    // The new one stands before the old one goes: both secrets live through the overlap.
    deleteBeforeReplace: false,
  };
}
export const changeKind = (a: Value | undefined, b: Value | undefined): "add" | "delete" | "update" => (a === undefined ? "add" : b === undefined ? "delete" : "update");
