import { ROLES, TIERS, type Role, type Tier } from "../schemas/access.ts";

/** What people.yaml ever said of one name: from when, and in which roles, tiers and with which recipients. */
export interface PersonHistory {
  readonly recipients: Set<string>;
  readonly held: { readonly role: Role; readonly tiers: readonly Tier[]; readonly from: number; readonly until: number }[];
}
export const PEOPLE = /(^|\/)people\.yaml$/;

/** The lines of an entry of that name, however it is written: its own and all that are indented deeper. */
export function entryText(text: string, name: string): string | null {
  const lines = text.split("\n");
  const own = new RegExp(`^(\\s*)["']?${name}["']?:(.*)$`);
  const at = lines.findIndex((l) => own.test(l));
  if (at < 0) return null;
  const column = (own.exec(lines[at] as string)?.[1] ?? "").length;
  let end = at + 1;
  while (end < lines.length && ((lines[end] as string).trim() === "" || (/^\s*/.exec(lines[end] as string)?.[0] ?? "").length > column)) end++;
  return lines.slice(at, end).join("\n");
}
export const RECIPIENT = /\bage1[02-9ac-hj-np-z]{58}\b/g;

/** Adds what one version of people.yaml says of the name. */
export function learn(history: PersonHistory, text: string, name: string, from: number, until: number): void {
  const entry = entryText(text, name);
  if (entry === null) return;
  const bare = entry.split("\n").map((l) => l.replace(/(^|\s)#.*$/, "")).join("\n");
  for (const r of bare.match(RECIPIENT) ?? []) history.recipients.add(r);
  const role = ROLES.find((r) => new RegExp(`\\brole:\\s*["']?${r}["']?(?=[\\s,}]|$)`).test(bare));
  const block = /\btiers:\s*(\[[^\]]*\]|(\s*-\s*\S+)+)/.exec(bare)?.[1] ?? "";
  const tiers = TIERS.filter((t) => new RegExp(`\\b${t}\\b`).test(block));
  if (role) history.held.push({ role, tiers, from, until });
}
/** Every name that a version of people.yaml gives a recipient to; used to name the unknown. */
export function namesOf(text: string): { readonly name: string; readonly recipients: readonly string[] }[] {
  const out: { name: string; recipients: string[] }[] = [];
  for (const line of text.split("\n")) {
    const m = /^(?: {1,8}|\t)["']?([a-z][a-z0-9-]{0,62})["']?:\s*(\{.*)?$/.exec(line);
    if (m && !["role", "tiers", "recipients", "signing"].includes(m[1] as string)) out.push({ name: m[1] as string, recipients: [] });
    for (const r of line.match(RECIPIENT) ?? []) out.at(-1)?.recipients.push(r);
  }
  return out;
}
