import { SECRET, SIGNATURE, UNKNOWN, type Props, type Value } from "../../lib/pulumi-value.ts";
import { printable, type Painter } from "./paint.ts";

/** What the picture of a preview or an update needs of a step. */
export interface PlanStep {
  readonly op: string;
  readonly urn: string;
  readonly ok?: boolean | undefined;
  readonly diffs?: readonly string[] | undefined;
  readonly keys?: readonly string[] | undefined;
  readonly old?: { readonly inputs: Props; readonly parent?: string | undefined } | undefined;
  readonly new?: { readonly inputs: Props; readonly parent?: string | undefined } | undefined;
}
export interface PlanViolation {
  readonly policy: string;
  readonly level: string;
  readonly urn: string;
  readonly message: string;
}

const SYMBOL: Readonly<Record<string, string>> = {
  create: "+", update: "~", delete: "-", replace: "+-", "create-replacement": "++", "delete-replaced": "--", same: " ", read: ">", refresh: "~", import: "=", discard: "<",
};
const WORD: Readonly<Record<string, readonly [preview: string, done: string]>> = {
  create: ["create", "created"], update: ["update", "updated"], delete: ["delete", "deleted"], replace: ["replace", "replaced"],
  "create-replacement": ["create replacement", "created replacement"], "delete-replaced": ["delete original", "deleted original"],
  same: ["", ""], read: ["read", "read"], refresh: ["refresh", "refreshed"], import: ["import", "imported"],
  discard: ["discard", "discarded"],
};
/** Steps that the picture leaves out: halves of a replacement, which `replace` stands for, and default providers. */
const HIDDEN = new Set(["create-replacement", "delete-replaced", "discard-replaced", "read-replacement", "import-replacement", "remove-pending-replace"]);

export const typeOf = (urn: string): string => (urn.split("::")[2] ?? "").split("$").pop() ?? "";
export const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

/** The tree of changed resources as people know it from Pulumi's own command: symbols, types, names, changed leaves. */
export function renderPlan(steps: readonly PlanStep[], p: Painter, options: { readonly done: boolean; readonly all?: boolean; readonly full?: boolean }): string {
  const shown = steps.filter((s) => !HIDDEN.has(s.op) && !typeOf(s.urn).startsWith("pulumi:providers:"));
  const byUrn = new Map(shown.map((s) => [s.urn, s]));
  const parent = (s: PlanStep): string | undefined => { const up = (s.new ?? s.old)?.parent; return up !== undefined && byUrn.has(up) ? up : undefined; };
  const changed = new Set<string>();
  for (const s of shown) if (options.all === true || s.op !== "same") for (let u: string | undefined = s.urn; u !== undefined && !changed.has(u); u = parent(byUrn.get(u) as PlanStep)) changed.add(u);
  const children = group(shown.filter((s) => changed.has(s.urn)), parent);
  const rows: { symbol: string; op: string; tree: string; name: string; note: string; details: string[] }[] = [];
  const walk = (s: PlanStep, lead: string, branch: string): void => {
    const word = WORD[s.op]?.[options.done ? 1 : 0] ?? s.op;
    const keys = s.op === "replace" && s.keys?.length ? ` [replaces: ${s.keys.join(", ")}]` : s.diffs?.length && s.op === "update" ? ` [diff: ${s.diffs.join(", ")}]` : "";
    rows.push({ symbol: SYMBOL[s.op] ?? "?", op: s.ok === false ? "failed" : s.op, tree: lead + branch + typeOf(s.urn), name: nameOf(s.urn), note: s.ok === false ? "failed" : `${word}${keys}`, details: details(s, options.full === true) });
    const kids = children.get(s.urn) ?? [];
    kids.forEach((k, i) => { walk(k, lead + (branch === "" ? "" : branch === "├─ " ? "│  " : "   "), i === kids.length - 1 ? "└─ " : "├─ "); });
  };
  for (const s of children.get(undefined) ?? []) walk(s, "", "");
  if (rows.length === 0) return "";
  const typeWidth = Math.max(4, ...rows.map((r) => r.tree.length));
  const nameWidth = Math.max(4, ...rows.map((r) => printable(r.name).length));
  const color: Readonly<Record<string, (t: string) => string>> = { create: p.green, update: p.yellow, delete: p.red, replace: p.magenta, read: p.cyan, failed: p.red };
  const lines = rows.flatMap((r) => {
    const c = color[r.op] ?? ((t: string): string => t);
    return [
      `${c(` ${r.symbol.padEnd(2)}`)} ${r.tree.padEnd(typeWidth)}  ${printable(r.name).padEnd(nameWidth)}  ${c(printable(r.note))}`.trimEnd(),
      ...r.details.map((d) => `       ${p.dim(printable(d))}`),
    ];
  });
  return `${p.bold(`    ${"Type".padEnd(typeWidth)}  ${"Name".padEnd(nameWidth)}  ${options.done ? "Status" : "Plan"}`)}\n${lines.join("\n")}\n`;
}

function group<T, K>(items: readonly T[], key: (t: T) => K): Map<K, T[]> {
  const out = new Map<K, T[]>();
  for (const i of items) out.set(key(i), [...(out.get(key(i)) ?? []), i]);
  return out;
}

/** Changed leaves of an update or a replacement: `~ enabledEvents[1]: "a" => "b"`; secrets as [secret], unknowns as such. */
function details(s: PlanStep, full: boolean): string[] {
  const out: string[] = [];
  if ((s.op === "update" || s.op === "replace" || s.op === "refresh") && s.old && s.new) leaves(s.old.inputs, s.new.inputs, "", out);
  else if (full && s.op === "create" && s.new) leaves({}, s.new.inputs, "", out);
  return full || out.length <= 20 ? out : [...out.slice(0, 20), `… and ${String(out.length - 20)} more: --diff shows all`];
}
const isMap = (v: unknown): v is Record<string, Value> => typeof v === "object" && v !== null && !Array.isArray(v);
const show = (v: Value): string => {
  if (isMap(v) && v[SIGNATURE] === SECRET) return "[secret]";
  if (v === UNKNOWN) return "[unknown]";
  const text = JSON.stringify(v, (_k, x: Value) => (isMap(x) && x[SIGNATURE] === SECRET ? "[secret]" : x === UNKNOWN ? "[unknown]" : x));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};
function leaves(a: Value | undefined, b: Value | undefined, path: string, out: string[]): void {
  if (JSON.stringify(a) === JSON.stringify(b)) return;
  const isSecret = (v: Value | undefined): boolean => isMap(v) && v[SIGNATURE] === SECRET;
  if (isSecret(a) && isSecret(b)) { out.push(`~ ${path}: [secret] => [secret] (changed)`); return; }
  const plain = (v: Value | undefined): boolean => isMap(v) && !(SIGNATURE in v);
  if ((plain(a) && plain(b)) || (Array.isArray(a) && Array.isArray(b))) {
    const x = a as Record<string, Value>, y = b as Record<string, Value>;
    for (const k of new Set([...Object.keys(x), ...Object.keys(y)])) if (k !== "__internal") leaves(x[k], y[k], Array.isArray(a) ? `${path}[${k}]` : path ? `${path}.${k}` : k, out);
  } else if (a === undefined) out.push(`+ ${path}: ${show(b as Value)}`);
  else if (b === undefined) out.push(`- ${path}: ${show(a)}`);
  else out.push(`~ ${path}: ${show(a)} => ${show(b)}`);
}

export interface Summary { readonly create: number; readonly update: number; readonly replace: number; readonly delete: number; readonly same: number }
/** Counts by logical step: a replacement is one, default providers are none, what failed isn't counted. */
export function summarize(steps: readonly { readonly op: string; readonly urn: string; readonly ok?: boolean | undefined }[]): Summary {
  const n = { create: 0, update: 0, replace: 0, delete: 0, same: 0 };
  for (const s of steps) if (s.ok !== false && s.op in n && !typeOf(s.urn).startsWith("pulumi:providers:")) n[s.op as keyof typeof n]++;
  return n;
}
export function renderSummary(n: Summary, p: Painter, done: boolean): string {
  const parts = [
    n.create ? p.green(`+ ${n.create} ${done ? "created" : "to create"}`) : "", n.update ? p.yellow(`~ ${n.update} ${done ? "updated" : "to update"}`) : "",
    n.replace ? p.magenta(`+-${n.replace} ${done ? "replaced" : "to replace"}`) : "", n.delete ? p.red(`- ${n.delete} ${done ? "deleted" : "to delete"}`) : "",
    n.same ? `${n.same} unchanged` : "",
  ].filter(Boolean);
  return parts.length ? parts.join(", ") : "nothing to do";
}
/** What the policies say in a few words: what is violated, and what is only advised. */
export function verdict(list: readonly { readonly level: string }[]): string {
  const violated = list.filter((v) => v.level === "mandatory").length, advised = list.length - violated;
  return [...(violated ? [`${violated} violated`] : []), ...(advised ? [`${advised} advised`] : [])].join(", ") || "hold";
}
/** A first deployment in a few lines: of each stack how many resources, and of which types. */
export function renderFolded(steps: readonly PlanStep[], p: Painter): string {
  const shown = steps.filter((s) => ["create", "update", "replace", "delete"].includes(s.op) && !typeOf(s.urn).startsWith("pulumi:providers:"));
  const stacks = [...group(shown, (s) => (s.urn.split("::")[0] ?? "").slice("urn:pulumi:".length))];
  const width = Math.max(0, ...stacks.map(([name]) => name.length));
  return stacks.map(([name, list]) => {
    const types = [...group(list, (s) => typeOf(s.urn).split(":").at(-1) ?? "")].filter(([t]) => t !== "Stack").sort((a, b) => b[1].length - a[1].length);
    // One more is as short by its name.
    const few = types.length <= 6 ? 6 : 5;
    const most = types.slice(0, few).map(([t, l]) => `${l.length} ${t}`), left = types.slice(few).reduce((n, [, l]) => n + l.length, 0);
    return `    ${name.padEnd(width)}  ${String(list.length).padStart(4)}  ${p.dim([...most, ...(left ? [`${left} of ${types.length - few} other types`] : [])].join(", "))}\n`;
  }).join("");
}
export function renderViolations(list: readonly PlanViolation[], p: Painter): string {
  return list.map((v) => `  ${v.level === "mandatory" ? p.red("mandatory") : p.yellow(v.level)} ${p.bold(v.policy)}  ${printable(nameOf(v.urn))}\n      ${printable(v.message)}\n`).join("");
}
