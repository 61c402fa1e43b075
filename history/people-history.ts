import { flatten, flowLeaves, type Flat } from "../lib/flat-yaml.ts";
import { objectsAhead } from "../lib/git-ahead.ts";
import type { Git } from "../lib/git.ts";
import { publicBlob } from "../seal/signature.ts";
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
  /** OpenPGP fingerprints. */
  readonly openpgp: readonly string[];
  /** Name on the code host. */
  readonly handle: string | null;
  /** The last day, exclusive, as written. */
  readonly until: string | null;
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
      signing: of("signing"), openpgp: of("openpgp"), handle: of("handle")[0] ?? null, until: of("until")[0] ?? null,
    };
  });
}
function fromLines(text: string): PersonSaid[] {
  const lines = text.split("\n").map((l) => l.replace(/(^|\s)#.*$/, ""));
  const starts = lines.flatMap((l, n) => {
    const m = /^( {1,8}|\t)["']?([a-z][a-z0-9-]{0,62})["']?:\s*(\{.*)?$/.exec(l);
    return m && !["role", "tiers", "recipients", "signing", "openpgp"].includes(m[2] as string) ? [{ n, name: m[2] as string }] : [];
  });
  return starts.map(({ n, name }, i) => {
    const entry = lines.slice(n, starts[i + 1]?.n ?? lines.length).join("\n");
    const block = /\btiers:\s*(\[[^\]]*\]|(\s*-\s*\S+)+)/.exec(entry)?.[1] ?? "";
    return {
      name, role: ROLES.find((r) => new RegExp(`\\brole:\\s*["']?${r}["']?(?=[\\s,}]|$)`).test(entry)) ?? null, tiers: TIERS.filter((t) => new RegExp(`\\b${t}\\b`).test(block)),
      recipients: [...new Set(entry.match(RECIPIENT) ?? [])], signing: [], openpgp: [], handle: null, until: null,
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

/** What people.yaml says of a name. */
interface Standing {
  readonly role: Role | null;
  readonly tiers: readonly Tier[];
  readonly until: string | null;
}
/** Something that held from the place `since` on the main line up to, and without, the newer place `before`. Its head has the place 0. */
interface Span<T> {
  readonly what: T;
  readonly since: number;
  readonly before: number;
}
/**
 * What the main line's people.yaml said, and when. Only the main line counts: a branch may say anything of anybody on its way, and take it back
 * before it is merged. Time is the place on the line, which nobody can date back.
 */
export class PeopleHistory {
  /** age recipient → person or machine; the newest word counts. */
  readonly recipients = new Map<string, string>();
  /** Everybody who was ever named. */
  readonly names = new Set<string>();
  /** Name on the code host → person; the newest word counts. */
  readonly handles = new Map<string, string>();
  /** Whether an OpenPGP key was ever named. */
  openpgp = false;
  private readonly keys = new Map<string, Span<string>[]>();
  private readonly standings = new Map<string, Span<Standing>[]>();
  private oldest = 0;
  /** Takes in a version, the newest first: it came at the place `since`, and stood until the place `before`. */
  learn(people: readonly PersonSaid[], since: number, before: number): void {
    this.oldest = since;
    for (const p of people) {
      this.names.add(p.name);
      this.openpgp ||= p.openpgp.length > 0;
      for (const r of p.recipients) if (!this.recipients.has(r)) this.recipients.set(r, p.name);
      if (p.handle !== null && !this.handles.has(p.handle)) this.handles.set(p.handle, p.name);
      for (const k of [...p.signing.map((line) => publicBlob(line).toString("base64")), ...p.openpgp]) hold(this.keys, k, { what: p.name, since, before });
      hold(this.standings, p.name, { what: { role: p.role, tiers: p.tiers, until: p.until }, since, before });
    }
  }
  /**
   * Whose key it was for what landed at a place of the main line: by people.yaml as it stood before, so that no change brings its own signer; the first
   * people.yaml stands for everything before it. Null: nobody's, or of somebody who had left by the day (YYYY-MM-DD). `key`: an SSH key's base64, or an
   * OpenPGP fingerprint.
   */
  keeper(key: string, place: number, day: string): string | null {
    const name = this.at(this.keys.get(key), place);
    const until = name === null ? null : (this.standing(name, place)?.until ?? null);
    return until !== null && until <= day ? null : name;
  }
  /** In which role and tiers a person was for what landed at a place; null where people.yaml didn't name them. */
  standing(name: string, place: number): Standing | null {
    return this.at(this.standings.get(name), place);
  }
  private at<T>(spans: readonly Span<T>[] | undefined, place: number): T | null {
    const base = Math.min(place + 1, this.oldest);
    return spans?.find((s) => base <= s.since && base > s.before)?.what ?? null;
  }
}
function hold<T>(all: Map<string, Span<T>[]>, key: string, span: Span<T>): void {
  const own = all.get(key);
  const newer = own?.at(-1);
  if (!own) all.set(key, [span]);
  else if (newer?.since === span.before && JSON.stringify(newer.what) === JSON.stringify(span.what)) own[own.length - 1] = { ...newer, since: span.since };
  else own.push(span);
}
/** Reads people.yaml as it ever stood on the main line. `line`: its commits, by how far each is from its head. Throws GIT_FAILED. */
export async function peopleHistory(git: Git, to: string, line: Promise<{ readonly places: ReadonlyMap<string, number> }>): Promise<PeopleHistory> {
  const out = new PeopleHistory();
  let before = -1;
  for await (const ready of objectsAhead(git, versions(git, to), ({ blob }) => [blob])) {
    const { places } = await line;
    for (const { item: { commit }, objects: [bytes] } of ready) {
      const since = places.get(commit) ?? 0;
      if (bytes) out.learn(peopleIn(bytes.toString("utf8")), since, before);
      before = since;
    }
  }
  return out;
}
/** The main line's versions of people.yaml, newest first. */
async function* versions(git: Git, to: string): AsyncGenerator<readonly { readonly commit: string; readonly blob: string }[]> {
  let rest = "";
  let commit = "";
  for await (const chunk of git.stream(["log", "--first-parent", "-m", "--root", "--format=%H", "--raw", "--no-abbrev", "--no-renames", "--relative", to, "--", PEOPLE_FILE])) {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    const found: { readonly commit: string; readonly blob: string }[] = [];
    for (const l of lines) {
      const blob = l.startsWith(":") ? (l.split(" ")[3] ?? "") : "";
      if (blob !== "") found.push({ commit, blob });
      else if (l !== "") commit = l;
    }
    yield found;
  }
}
