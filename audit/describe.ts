import { LOCAL, PEOPLE_FILE, SIGNED } from "./paths.ts";
import { differences, type Difference, type Flat } from "./flat.ts";

// What the difference of two versions of a file means to an auditor: key paths and public facts, never a value.

export type Kind = "credential" | "setting" | "recipient" | "person" | "role" | "policy" | "exception" | "alert" | "rotation" | "exposure" | "review" | "pepper" | "workflow";
export interface Described {
  readonly kind: Kind;
  readonly environment: string | null;
  readonly path: string;
  /** `added`, `re-issued`, `re-sealed only`, `removed`, `claims changed`, `moved from …`, `changed`, … */
  readonly change: string;
  /** A credential's sealedBy: who wrote it, by the file's own word. */
  readonly sealedBy?: string;
  readonly issueId?: string;
}
export interface Subject {
  readonly type: "sealed" | "environment" | "payments" | "people" | "pepper" | "exceptions" | "rotation" | "exposure" | "review" | "whole";
  readonly environment: string | null;
  readonly kind: Kind;
}
const subjects = new Map<string, Subject | null>();
/** What a file is, by its path; null where it concerns no auditor. */
export function subjectOf(file: string): Subject | null {
  let s = subjects.get(file);
  if (s === undefined) subjects.set(file, (s = judge(file)));
  return s;
}
function judge(file: string): Subject | null {
  const m = /^stacks\/([^/]+)\/(secrets|payments)\.sops\.yaml$/.exec(file);
  if (m) return { type: "sealed", environment: m[1] as string, kind: "credential" };
  const e = /^stacks\/([^/]+)\/(environment|payments)\.yaml$/.exec(file);
  if (e) return { type: e[2] as "environment" | "payments", environment: e[1] as string, kind: "setting" };
  const r = /^stacks\/([^/]+)\/rotations\/[^/]+\.yaml$/.exec(file);
  if (r) return { type: "rotation", environment: r[1] as string, kind: "rotation" };
  if (file === PEOPLE_FILE) return { type: "people", environment: null, kind: "person" };
  if (/^stacks\/pepper[^/]*\.sops\.yaml$/.test(file)) return { type: "pepper", environment: null, kind: "pepper" };
  if (/^stacks\/exposures\/[^/]+\.yaml$/.test(file)) return { type: "exposure", environment: null, kind: "exposure" };
  if (/^stacks\/reviews\/[^/]+\.yaml$/.test(file)) return { type: "review", environment: null, kind: "review" };
  if (file === "policies/exceptions.yaml") return { type: "exceptions", environment: null, kind: "exception" };
  if (/^policies\/[^/]+\.(ts|yaml|json)$/.test(file) && !file.endsWith(".test.ts")) return { type: "whole", environment: null, kind: "policy" };
  if (SIGNED.has(file) || /(^|\/)CODEOWNERS$/.test(file) || file === ".sops.yaml") return { type: "whole", environment: null, kind: "role" };
  if (file.startsWith(".github/workflows/") || file === ".gitlab-ci.yml") return { type: "whole", environment: null, kind: "workflow" };
  return null;
}
/** Files whose every key is told apart; of others it is enough that they changed. */
export const needsContent = (file: string): boolean => CONTENT.has(subjectOf(file)?.type);
const CONTENT: ReadonlySet<string | undefined> = new Set(["sealed", "environment", "payments", "people", "pepper", "exceptions"]);
/** Where to look in git's history. */
export const WATCHED = ["stacks", "policies", "schemas/access.ts", ".sops.yaml", "CODEOWNERS", ".github", ".gitlab-ci.yml"];

export interface Sides {
  readonly file: string;
  readonly from?: string;
  readonly before: Flat | null;
  readonly after: Flat | null;
  /** Recipient → name, of every person that people.yaml ever had. */
  readonly names: ReadonlyMap<string, string>;
}
export function describe(s: Sides): Described[] {
  const subject = subjectOf(s.file);
  if (!subject || subject.environment === LOCAL) return [];
  const { environment, kind } = subject;
  const moved: Described[] = s.from !== undefined && subjectOf(s.from)?.type === subject.type ? [{ kind, environment, path: s.file, change: `moved from ${s.from}` }] : [];
  const before = s.before ?? new Map<string, string>(), after = s.after ?? new Map<string, string>();
  switch (subject.type) {
    case "sealed": return [...moved, ...credentials(before, after, environment), ...recipients(before, after, s.file, environment, s.names)];
    case "pepper": return [...moved, ...generations(before, after, s.file), ...recipients(before, after, s.file, null, s.names)];
    case "environment": case "payments": return [...moved, ...settings(differences(before, after), before, environment)];
    case "people": return [...moved, ...people(differences(before, after))];
    case "exceptions": return [...moved, ...grouped(differences(before, after), kind, null, /^((?:[^.]+\.)?\d+)/, before, after)];
    case "rotation": case "exposure": case "review": case "whole": {
      if (moved.length && s.before && s.after && differences(before, after).length === 0) return moved;
      return [...moved, { kind, environment, path: s.file, change: s.after === null ? "removed" : s.before === null ? "added" : "changed" }];
    }
  }
}

/** Every sealed value's claims by name, and its ciphertext as `value`. */
function base(flat: Flat): Map<string, Map<string, string>> {
  const out = new Map<string, Map<string, string>>();
  let path = "";
  let own: Map<string, string> | undefined;
  for (const [leaf, value] of flat) {
    if (leaf.startsWith("sops.")) continue;
    const claims = leaf.indexOf(".claims.", 1);
    const end = claims > 0 ? claims : leaf.endsWith(".value") ? leaf.length - 6 : -1;
    if (end <= 0) continue;
    if (own === undefined || end !== path.length || !leaf.startsWith(path)) {
      path = leaf.slice(0, end);
      own = out.get(path);
      if (!own) out.set(path, (own = new Map<string, string>()));
    }
    own.set(claims > 0 ? leaf.slice(end + 8) : "value", value);
  }
  return out;
}
/** Claims that say who sealed and signed, not what the credential is. */
const WRITER = new Set(["value", "sealedBy", "signature"]);
function credentials(before: Flat, after: Flat, environment: string | null): Described[] {
  const [a, b] = [base(before), base(after)];
  const out: Described[] = [];
  const add = (path: string, change: string, of: ReadonlyMap<string, string>): void => {
    const sealedBy = of.get("sealedBy"), issueId = of.get("issueId");
    out.push({ kind: "credential", environment, path, change, ...(sealedBy !== undefined && { sealedBy }), ...(issueId !== undefined && { issueId }) });
  };
  for (const [path, x] of a) if (!b.has(path)) add(path, "removed", new Map([...x].filter(([k]) => k === "issueId")));
  for (const [path, y] of b) {
    const x = a.get(path);
    if (!x) add(path, "added", y);
    else if (x.get("issueId") !== y.get("issueId") || (x.get("fingerprint") !== y.get("fingerprint") && y.get("fingerprint") !== undefined)) add(path, "re-issued", y);
    else {
      const claims = [...new Set([...x.keys(), ...y.keys()])].filter((k) => !WRITER.has(k) && x.get(k) !== y.get(k));
      if (claims.length) add(path, `claims changed: ${claims.sort().join(", ")}`, y);
      // A leaf without claims' word that it is another value: the sops CLI may have written one; until it is signed nobody vouches for it.
      else if (x.get("value") !== y.get("value")) add(path, y.get("signature") === x.get("signature") ? "ciphertext changed, not signed anew" : "re-sealed only", y);
      else if (x.get("signature") !== y.get("signature") || x.get("sealedBy") !== y.get("sealedBy")) add(path, "signed anew", y);
    }
  }
  return out;
}
function recipientsIn(f: Flat): Set<string> {
  const out = new Set<string>();
  for (const [k, v] of f) if (k.startsWith("sops.") && /^sops\.(key_groups\.\d+\.)?age\.\d+\.recipient$/.test(k)) out.add(v);
  return out;
}
function recipients(before: Flat, after: Flat, file: string, environment: string | null, names: ReadonlyMap<string, string>): Described[] {
  if (before.size === 0 || after.size === 0) return [];
  const [a, b] = [recipientsIn(before), recipientsIn(after)];
  if (a.size === 0 && b.size === 0) return [];
  const name = (r: string): string => names.get(r) ?? `unknown ${r.slice(0, 16)}…`;
  return [
    ...[...b].filter((r) => !a.has(r)).map((r): Described => ({ kind: "recipient", environment, path: file, change: `recipient added: ${name(r)}` })),
    ...[...a].filter((r) => !b.has(r)).map((r): Described => ({ kind: "recipient", environment, path: file, change: `recipient removed: ${name(r)}` })),
  ];
}
function generations(before: Flat, after: Flat, file: string): Described[] {
  const own = (f: Flat): Map<string, string> => new Map([...f].filter(([k]) => !k.startsWith("sops.")));
  return differences(own(before), own(after)).map((d) => ({ kind: "pepper" as const, environment: null, path: `${file}: ${d.path}`, change: d.change === "changed" ? "re-sealed only" : d.change }));
}
/** A list is one setting: which place an entry has in it says nothing. */
function settings(ds: readonly Difference[], before: Flat, environment: string | null): Described[] {
  const seen = new Map<string, string>();
  for (const d of ds) {
    const list = /^(.*?)\.\d+(\..*)?$/.exec(d.path)?.[1];
    if (list === undefined) seen.set(d.path, d.change);
    else if (!seen.has(list)) seen.set(list, d.change === "added" && [...before.keys()].some((k) => k.startsWith(`${list}.`) || list === k || list.startsWith(`${k}.`)) ? "changed" : d.change);
    else if (seen.get(list) !== d.change) seen.set(list, "changed");
  }
  return [...seen].map(([path, change]) => ({ kind: path === "alerts" || path.startsWith("alerts.") ? "alert" : "setting", environment, path, change }));
}
/** One line per person and property; a person who comes or goes is one line. */
function people(ds: readonly Difference[]): Described[] {
  const by = new Map<string, Difference[]>();
  for (const d of ds) {
    const who = d.path.split(".").slice(0, 2).join(".");
    by.set(who, [...(by.get(who) ?? []), d]);
  }
  return [...by].flatMap(([who, list]): Described[] => {
    const path = who.replace(/^(people|machines)\./, "");
    const whole = (c: Difference["change"]): boolean => list.every((d) => d.change === c) && list.some((d) => d.path === `${who}.role` || d.path === who);
    if (whole("added")) return [{ kind: "person", environment: null, path, change: "added" }];
    if (whole("removed")) return [{ kind: "person", environment: null, path, change: "removed" }];
    const properties = [...new Set(list.map((d) => d.path.split(".")[2] ?? ""))].sort();
    return properties.map((p) => ({ kind: p === "role" || p === "tiers" ? "role" as const : p === "recipients" ? "recipient" as const : "person" as const, environment: null, path, change: `${p} changed` }));
  });
}
function grouped(ds: readonly Difference[], kind: Kind, environment: string | null, group: RegExp, before: Flat, after: Flat): Described[] {
  const names = [...new Set(ds.map((d) => group.exec(d.path)?.[1] ?? d.path))];
  const has = (f: Flat, n: string): boolean => [...f.keys()].some((k) => k === n || k.startsWith(`${n}.`));
  const flow = (f: Flat, n: string): string | undefined => /(?:^\{|,)\s*rule:\s*["']?([A-Za-z0-9-]+)/.exec(f.get(n) ?? "")?.[1];
  const label = (n: string): string => after.get(`${n}.rule`) ?? flow(after, n) ?? before.get(`${n}.rule`) ?? flow(before, n) ?? n;
  return names.map((n) => ({ kind, environment, path: label(n), change: !has(before, n) ? "added" : !has(after, n) ? "removed" : "changed" }));
}
