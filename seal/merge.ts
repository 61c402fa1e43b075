import type { Claims } from "../schemas/claims.ts";
import { ageSeal } from "./age.ts";
import { pathData, sealLeaf } from "./cipher.ts";
import { parseClear } from "./clear.ts";
import { editSealed, type Change } from "./edit.ts";
import type { Opened } from "./open.ts";
import { claimLines, newSealedKey, scalar, type SealedKey } from "./write.ts";

export type Side = "ours" | "theirs";
export interface MergeOptions {
  /** Null where both sides made the file. */
  readonly base: Opened | null;
  readonly ours: Opened;
  readonly theirs: Opened;
  /** Decides a path that both sides changed; null leaves it a conflict. */
  readonly take: (path: string) => Side | null;
  /** Signs a leaf that had to be sealed under another data key; null where nobody here may: it is left unsigned then. */
  readonly sign: ((path: string, claims: Claims, leaf: string, from: Opened) => Claims) | null;
  readonly markerSize: number;
  readonly now: Date;
}
export interface Merged {
  /** The merged file, verified; with conflict markers where `conflicts` isn't empty. Ours is complete as soon as the other half is deleted. */
  readonly text: string;
  /** Paths that both sides changed in different ways. */
  readonly conflicts: readonly string[];
  /** Paths that were sealed under another key and that nobody signed. */
  readonly unsigned: readonly string[];
  /** Recipients that one of the sides took away: they stay away. */
  readonly removed: readonly string[];
  readonly freshKey: boolean;
}
interface Item {
  readonly path: string;
  readonly value: string;
  readonly leaf: string;
  /** Null for a bare leaf, as peppers are. */
  readonly claims: Claims | null;
  readonly from: Opened;
}
interface Conflict {
  readonly path: string;
  readonly ours: Item | undefined;
  readonly theirs: Item | undefined;
}

/**
 * Merges two verified versions of a sealed file over their base, credential by credential. A credential that one side alone changed is taken
 * over, byte for byte where the data key is the same; a recipient that a side removed stays removed, under a data key that it never had.
 */
export async function mergeSealed(o: MergeOptions): Promise<Merged> {
  const [base, ours, theirs] = [itemsOf(o.base), itemsOf(o.ours), itemsOf(o.theirs)];
  const { recipients, removed } = mergeRecipients(o);
  // A side that was sealed anew has the better key: whoever lost the old one lost the file.
  const newer = (s: Opened): number => (o.base && equal(s.dataKey, o.base.dataKey) ? 1 : 0);
  const trusted = [o.ours, o.theirs].sort((a, b) => newer(a) - newer(b)).find((s) => keyIsSafe(s, o, removed)) ?? null;
  const start = trusted ?? o.ours;
  const fresh = trusted ? null : await newSealedKey(recipients);
  const dataKey = fresh?.dataKey ?? start.dataKey;

  const picked = new Map<string, Item>();
  const conflicts: Conflict[] = [];
  for (const path of new Set([...base.keys(), ...ours.keys(), ...theirs.keys()])) {
    const [b, x, y] = [base.get(path), ours.get(path), theirs.get(path)];
    let item: Item | undefined;
    if (exact(x, b)) item = y;
    else if (exact(y, b)) item = x;
    else if (same(x, y)) item = start === o.theirs ? y : x;
    else if (same(x, b)) item = y;
    else if (same(y, b)) item = x;
    else {
      const side = o.take(path);
      item = side === "ours" ? x : side === "theirs" ? y : (x ?? y);
      if (side === null) conflicts.push({ path, ours: x, theirs: y });
    }
    if (item) picked.set(path, item);
  }

  const unsigned: string[] = [];
  const own = start === o.theirs ? theirs : ours;
  const set: Change[] = [];
  for (const item of picked.values()) {
    const kept = !fresh && equal(item.from.dataKey, dataKey);
    if (kept && exact(item, own.get(item.path))) continue;
    const leaf = kept ? item.leaf : sealLeaf(dataKey, item.value, pathData([...item.path.split("."), ...(item.claims ? ["value"] : [])]));
    if (!item.claims) set.push({ path: item.path, value: item.value, leaf });
    else if (kept) set.push({ path: item.path, value: item.value, leaf, claims: item.claims });
    else {
      const { signature: _old, ...bare } = item.claims;
      const claims: Claims = o.sign?.(item.path, bare, leaf, item.from) ?? bare;
      if (claims.signature === undefined) unsigned.push(item.path);
      set.push({ path: item.path, value: item.value, leaf, claims });
    }
  }
  const have = start.file.sops.recipients.map((r) => r.recipient);
  const otherRecipients = have.length !== recipients.length || have.some((r) => !recipients.includes(r));
  const key: SealedKey | null = fresh ?? (otherRecipients ? { dataKey, recipients: await sealedTo(recipients, start, o) } : null);
  const clean = editSealed(start, { set, remove: [...own.keys()].filter((p) => !picked.has(p)), ...(key && { key }), now: o.now });
  return { text: withMarkers(clean, conflicts, o.markerSize, start.file.file), conflicts: conflicts.map((c) => c.path), unsigned, removed, freshKey: fresh !== null };
}

function itemsOf(o: Opened | null): Map<string, Item> {
  if (!o) return new Map();
  const items = new Map(o.file.credentials.map((c) => [c.path, { path: c.path, value: o.values.get(c.path) ?? "", leaf: c.leaf, claims: c.claims, from: o }]));
  for (const [path, value] of o.values) if (!items.has(path)) items.set(path, { path, value, leaf: leafAt(o, path), claims: null, from: o });
  return items;
}
const leafAt = (o: Opened, path: string): string => String(path.split(".").reduce<unknown>((n, k) => (n as Record<string, unknown> | undefined)?.[k], o.file.document.value));
const claimsText = (c: Claims | null, without: readonly (keyof Claims)[]): string => JSON.stringify(c && Object.entries(c).filter(([k, v]) => v !== undefined && !without.includes(k as keyof Claims)).sort(([a], [b]) => (a < b ? -1 : 1)));
/** The same in every byte that a file shows. */
const exact = (a: Item | undefined, b: Item | undefined): boolean => (a && b ? a.leaf === b.leaf && claimsText(a.claims, []) === claimsText(b.claims, []) : a === b);
/** The same value and issue: at most sealed anew. */
const same = (a: Item | undefined, b: Item | undefined): boolean => (a && b ? a.value === b.value && claimsText(a.claims, ["signature", "sealedBy"]) === claimsText(b.claims, ["signature", "sealedBy"]) : a === b);
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b);
const namesOf = (o: Opened | null): string[] => o?.file.sops.recipients.map((r) => r.recipient) ?? [];

function mergeRecipients(o: MergeOptions): { readonly recipients: string[]; readonly removed: string[] } {
  const [base, ours, theirs] = [namesOf(o.base), namesOf(o.ours), namesOf(o.theirs)];
  const removed = base.filter((r) => !ours.includes(r) || !theirs.includes(r));
  return { removed, recipients: [...new Set([...ours, ...theirs])].filter((r) => !removed.includes(r)) };
}
/** Whether no removed recipient ever had this side's data key. */
function keyIsSafe(side: Opened, o: MergeOptions, removed: readonly string[]): boolean {
  return [o.base, o.ours, o.theirs].every((s) => !s || !equal(s.dataKey, side.dataKey) || !namesOf(s).some((r) => removed.includes(r)));
}
const sealedTo = (recipients: readonly string[], side: Opened, o: MergeOptions): Promise<SealedKey["recipients"]> =>
  Promise.all(recipients.map(async (recipient) => {
    const known = [side, o.ours, o.theirs].filter((s) => equal(s.dataKey, side.dataKey)).flatMap((s) => s.file.sops.recipients).find((r) => r.recipient === recipient);
    return known ?? { recipient, enc: await ageSeal([recipient], side.dataKey) };
  }));

/** Puts both sides' ciphertexts between markers: what stands there now is ours (or, where we removed it, theirs). */
function withMarkers(text: string, conflicts: readonly Conflict[], size: number, file: string): string {
  const document = parseClear(text, file).sealed?.document;
  const lines = text.split("\n");
  const placed = conflicts.map((c) => ({ c, from: (document?.locate(c.path.split("."), "key").line ?? 1) - 1 })).sort((a, b) => b.from - a.from);
  const say = (side: Side, path: string, i: Item | undefined): string => `${side}: ${path}${i ? (i.claims ? `, issue ${i.claims.issueId} of ${i.claims.issuedAt} by ${i.claims.sealedBy}` : "") : " removed"}`;
  for (const { c, from } of placed) {
    const indent = /^ */.exec(lines[from] ?? "")?.[0] ?? "";
    let to = from + 1;
    while (to < lines.length && (lines[to] as string).startsWith(`${indent} `)) to++;
    const here = lines.slice(from, to);
    const theirs = c.theirs ? (c.ours ? blockOf(c.path.split(".").at(-1) as string, c.theirs).map((l) => indent + l) : here) : [];
    lines.splice(from, to - from, `${"<".repeat(size)} ${say("ours", c.path, c.ours)}`, ...(c.ours ? here : []), "=".repeat(size), ...theirs, `${">".repeat(size)} ${say("theirs", c.path, c.theirs)}`);
  }
  return lines.join("\n");
}
const blockOf = (name: string, i: Item): string[] => (i.claims ? [`${scalar(name)}:`, `    value: ${i.leaf}`, "    claims:", ...claimLines(i.claims).map((l) => `        ${l}`)] : [`${scalar(name)}: ${i.leaf}`]);
