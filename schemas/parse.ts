import type { z } from "zod";
import type { Document } from "../lib/document.ts";
import type { Finding } from "../lib/finding.ts";
import { nearest } from "../lib/nearest.ts";
import { schemaCodes } from "./codes.ts";
import { environmentSchema, paymentsSchema, type Environment, type Payments } from "./environment.ts";
import { peopleSchema, type People } from "./people.ts";

export interface Parsed<T> {
  readonly value: T | null;
  readonly findings: readonly Finding[];
}

/** Reads a document by a zod schema; every issue becomes a finding at its place. Values are never quoted: a secret may have been pasted there. */
export function parseWith<T>(schema: z.ZodType<T>, doc: Document): Parsed<T> {
  const r = schema.safeParse(doc.value);
  if (r.success) return { value: r.data, findings: [] };
  return { value: null, findings: r.error.issues.flatMap((i) => toFindings(i, doc, schema)) };
}
export const parseEnvironment = (doc: Document): Parsed<Environment> => parseWith(environmentSchema, doc);
export const parsePayments = (doc: Document): Parsed<Payments> => parseWith(paymentsSchema, doc);
export const parsePeople = (doc: Document): Parsed<People> => parseWith(peopleSchema, doc);

type Issue = z.core.$ZodIssue;
function toFindings(issue: Issue, doc: Document, schema: z.ZodType): Finding[] {
  const path = issue.path.filter((s): s is string | number => typeof s !== "symbol");
  const dotted = path.join(".");
  const at = doc.locate(path);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => {
      const known = knownKeys(schema, path), near = nearest(key, known);
      const hint = near !== null ? `did you mean "${near}"?` : known.length > 0 && known.length <= 16 ? `known here: ${known.join(", ")}` : undefined;
      return schemaCodes.finding("KEY_UNKNOWN", { message: `unknown key "${key}"`, at: doc.locate([...path, key], "key"), path: [...path, key].join("."), ...(hint !== undefined && { hint }) });
    });
  if (issue.code === "invalid_type" && valueAt(doc.value, path) === undefined)
    return [schemaCodes.finding("KEY_MISSING", { message: `"${String(path.at(-1) ?? "")}" is missing`, at: doc.locate(path.slice(0, -1)), path: dotted })];
  if (issue.code === "invalid_value") {
    const given = valueAt(doc.value, path);
    if (given === undefined) return [schemaCodes.finding("KEY_MISSING", { message: `"${String(path.at(-1) ?? "")}" is missing`, at: doc.locate(path.slice(0, -1)), path: dotted })];
    const allowed = issue.values.map(String);
    const near = typeof given === "string" ? nearest(given, allowed) : null;
    return [schemaCodes.finding("VALUE_UNKNOWN", { message: `must be ${oneOf(allowed)}`, at, path: dotted, ...(near !== null && { hint: `did you mean ${near}?` }) })];
  }
  if (issue.code === "invalid_union") return [schemaCodes.finding("VALUE_UNKNOWN", { message: `must be one of the forms allowed here`, at, path: dotted, hint: 'store.kind is "aws", "vault" or "file"' })];
  if (issue.code === "invalid_key") return [schemaCodes.finding("VALUE_INVALID", { message: `the name "${String(path.at(-1) ?? "")}": ${issue.issues[0]?.message ?? "not a name"}`, at: doc.locate(path, "key"), path: dotted })];
  return [schemaCodes.finding("VALUE_INVALID", { message: messageOf(issue), at, path: dotted })];
}
function messageOf(issue: Issue): string {
  if (issue.code === "invalid_format") return issue.message.startsWith("Invalid") ? "not of the form wanted here" : `must be ${issue.message}`;
  if (issue.code === "invalid_type") return `must be ${article(issue.expected)}`;
  return issue.message;
}
const article = (word: string): string => (word === "record" || word === "object" ? "a map" : word === "array" ? "a list" : word === "string" ? "text (in quotes)" : word === "int" ? "a whole number" : `a ${word}`);
const oneOf = (list: readonly string[]): string => (list.length === 1 ? `"${list[0] ?? ""}"` : list.length > 12 ? "one of the names in the schema" : `one of ${list.join(", ")}`);

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let v = value;
  for (const step of path) v = typeof v === "object" && v !== null ? (v as Record<string | number, unknown>)[step] : undefined;
  return v;
}
/** Keys that the schema knows at a path: for the nearest name. */
function knownKeys(schema: z.ZodType, path: readonly (string | number)[]): string[] {
  let s: unknown = schema;
  for (const step of path) {
    s = unwrap(s);
    const def = (s as { def?: { type?: string; shape?: Record<string, unknown>; valueType?: unknown; element?: unknown } }).def;
    s = def?.shape?.[step] ?? def?.valueType ?? def?.element;
  }
  const at = (unwrap(s) as { def?: { shape?: object; options?: readonly { def?: { shape?: object } }[] } } | undefined)?.def;
  // Of several forms that may stand here, the keys of all.
  return [...new Set([at, ...(at?.options ?? []).map((x) => x.def)].flatMap((d) => Object.keys(d?.shape ?? {})))];
}
function unwrap(s: unknown): unknown {
  for (let x = s; ; ) {
    const inner = (x as { def?: { innerType?: unknown } } | undefined)?.def?.innerType;
    if (inner === undefined) return x;
    x = inner;
  }
}
