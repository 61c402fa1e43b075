import { flatten, flowLeaves, type Flat } from "../lib/flat-yaml.ts";
import { objectsAhead } from "../lib/git-ahead.ts";
import type { Git } from "../lib/git.ts";
import { ROLES, TIERS, type Role, type Tier } from "../schemas/access.ts";
import { PEOPLE_FILE } from "../schemas/layout.ts";

// What people.yaml ever said. Versions of years are read leniently: of one that is no YAML at all the recipients are still found, by its lines.

/** What one version says of one name. */
export interface PersonSaid {
  readonly name: string;
  readonly role: Role | null;
  readonly tiers: readonly Tier[];
  /** Wherever in the entry they stand. */
  readonly recipients: readonly string[];
  /** SSH public key lines. */
  readonly signing: readonly string[];
  /** Name on the code host. */
  readonly handle: string | null;
}
export const PEOPLE = /(^|\/)people\.yaml$/;
const RECIPIENT = /\bage1[02-9ac-hj-np-z]{58}\b/g;
const ENTRY = /^(?:people|machines)\.([A-Za-z0-9_-]+)(?:\.(.+))?$/;

/** Everybody whom a version of people.yaml names, people and machines, however it is written. */
export function peopleIn(text: string): readonly PersonSaid[] {
  const flat = flatten(text.split("\n"), PEOPLE_FILE);
  return flat ? fromFlat(flat) : fromLines(text);
}
function fromFlat(flat: Flat): PersonSaid[] {
  const entries = new Map<string, [string, string][]>();
  const take = (path: string, value: string): void => {
    if (/^[[{]/.test(value)) {
      const [inside] = flowLeaves(value, undefined, path);
      if (inside.size !== 1 || !inside.has(path)) for (const [p, v] of inside) take(p, v);
      return;
    }
    const m = ENTRY.exec(path);
    if (!m) return;
    const own = entries.get(m[1] as string);
    if (own) own.push([m[2] ?? "", value]);
    else entries.set(m[1] as string, [[m[2] ?? "", value]]);
  };
  for (const [path, value] of flat) take(path, value);
  return [...entries].map(([name, leaves]) => {
    const of = (key: string): string[] => leaves.filter(([k]) => k === key || k.startsWith(`${key}.`)).map(([, v]) => v);
    const [role, tiers] = [of("role")[0], of("tiers")];
    return {
      name, role: ROLES.find((r) => r === role) ?? null, tiers: TIERS.filter((t) => tiers.includes(t)), recipients: [...new Set(leaves.flatMap(([, v]) => v.match(RECIPIENT) ?? []))],
      signing: of("signing"), handle: of("handle")[0] ?? null,
    };
  });
}
function fromLines(text: string): PersonSaid[] {
  const lines = text.split("\n").map((l) => l.replace(/(^|\s)#.*$/, ""));
  const starts = lines.flatMap((l, n) => {
    const m = /^( {1,8}|\t)["']?([a-z][a-z0-9-]{0,62})["']?:\s*(\{.*)?$/.exec(l);
    return m && !["role", "tiers", "recipients", "signing"].includes(m[2] as string) ? [{ n, name: m[2] as string }] : [];
  });
  return starts.map(({ n, name }, i) => {
    const entry = lines.slice(n, starts[i + 1]?.n ?? lines.length).join("\n");
    const block = /\btiers:\s*(\[[^\]]*\]|(\s*-\s*\S+)+)/.exec(entry)?.[1] ?? "";
    return {
      name, role: ROLES.find((r) => new RegExp(`\\brole:\\s*["']?${r}["']?(?=[\\s,}]|$)`).test(entry)) ?? null, tiers: TIERS.filter((t) => new RegExp(`\\b${t}\\b`).test(block)),
      recipients: [...new Set(entry.match(RECIPIENT) ?? [])], signing: [], handle: null,
    };
  });
}

/** What people.yaml ever said of one name: from when, and in which roles, tiers and with which recipients. */
export interface PersonHistory {
  readonly recipients: Set<string>;
  readonly held: { readonly role: Role; readonly tiers: readonly Tier[]; readonly from: number; readonly until: number }[];
}
/** Adds what one version of people.yaml says of the name. */
export function learn(history: PersonHistory, people: readonly PersonSaid[], name: string, from: number, until: number): void {
  for (const p of people) {
    if (p.name !== name) continue;
    for (const r of p.recipients) history.recipients.add(r);
    if (p.role) history.held.push({ role: p.role, tiers: p.tiers, from, until });
  }
}

/** Everybody that the main line's people.yaml ever had. The newest word counts where two differ. */
export interface PeopleHistory {
  /** SSH public key line → person. */
  readonly keys: ReadonlyMap<string, string>;
  /** age recipient → person or machine. */
  readonly recipients: ReadonlyMap<string, string>;
  readonly roles: ReadonlyMap<string, Role>;
  readonly tiers: ReadonlyMap<string, readonly Tier[]>;
  /** Name on the code host → person. */
  readonly handles: ReadonlyMap<string, string>;
}
/** Reads people.yaml as it ever stood on the line of first parents from `to`: a branch may name a key as anybody's on its way, and take it back before it is merged. Throws GIT_FAILED. */
export async function peopleHistory(git: Git, to: string): Promise<PeopleHistory> {
  const out = { keys: new Map<string, string>(), recipients: new Map<string, string>(), roles: new Map<string, Role>(), tiers: new Map<string, readonly Tier[]>(), handles: new Map<string, string>() };
  const add = <V>(map: Map<string, V>, key: string, value: V): void => { if (!map.has(key)) map.set(key, value); };
  for await (const { objects: [text] } of objectsAhead(git, versions(git, to), (id) => [id]))
    for (const p of typeof text === "string" ? peopleIn(text) : []) {
      for (const k of p.signing) add(out.keys, k, p.name);
      for (const r of p.recipients) add(out.recipients, r, p.name);
      if (p.role) add(out.roles, p.name, p.role);
      if (p.tiers.length > 0) add(out.tiers, p.name, p.tiers);
      if (p.handle !== null) add(out.handles, p.handle, p.name);
    }
  return out;
}
/** Ids of people.yaml's versions, newest first. */
async function* versions(git: Git, to: string): AsyncGenerator<string> {
  const seen = new Set<string>();
  let rest = "";
  for await (const chunk of git.stream(["log", "--first-parent", "--format=", "--raw", "-m", "--no-abbrev", "--no-renames", "--relative", to, "--", PEOPLE_FILE])) {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const id of lines.map((l) => l.split(" ")[3] ?? "")) if (id !== "" && !/^0+$/.test(id) && !seen.has(id)) {
      seen.add(id);
      yield id;
    }
  }
}
