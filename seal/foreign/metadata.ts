import type { Position } from "../../lib/finding.ts";
import { FindingError } from "../../lib/finding.ts";
import { sealCodes } from "../codes.ts";
import { RULES, type Rule, type RuleKind } from "./rule.ts";
import { entryOf, MAX_DEPTH, textOf, type Branch, type Node, type Scalar } from "./tree.ts";

export interface AgeKey {
  readonly recipient: string;
  readonly enc: string;
}
/** A master key of another kind than age: kept, never used here. */
export interface OtherKey {
  /** `pgp`, `kms`, `gcp_kms`, `azure_kv`, `hc_vault`, `hckms`. */
  readonly kind: string;
  /** What names it: a fingerprint, an ARN, a resource. */
  readonly name: string;
}
export interface KeyGroup {
  readonly age: readonly AgeKey[];
  readonly others: readonly OtherKey[];
}
export interface Metadata {
  /** One group holds the whole data key; several hold a Shamir share each. */
  readonly groups: readonly KeyGroup[];
  readonly threshold: number;
  readonly rule: Rule;
  readonly macOnlyEncrypted: boolean;
  readonly mac: string;
  /** As sops spells it for the MAC: RFC 3339 to the second. */
  readonly lastmodified: string;
  readonly version: string;
}
/** Master keys that aren't age, and the field that names each. */
export const OTHER_KINDS: Readonly<Record<string, string>> = { pgp: "fp", kms: "arn", gcp_kms: "resource_id", azure_kv: "vault_url", hc_vault: "vault_address", hckms: "key_id" };

/** Reads the `sops` part. Throws FindingError SEAL_METADATA with the place. */
export function readMetadata(sops: Branch | null, start: Position): Metadata {
  const bad = (message: string, at: Position = sops?.at ?? start): FindingError => new FindingError(sealCodes.finding("SEAL_METADATA", { message, at, path: "sops", hint: "restore the file from git" }));
  if (!sops) throw bad("the sops part is missing: the file isn't sealed, or was cut off", start);
  const mac = textOf(sops, "mac");
  if (mac === undefined || mac === "") throw bad("the mac is missing");
  const stamp = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[-+]\d{2}:\d{2})$/.exec(textOf(sops, "lastmodified") ?? "");
  const quoted = entryOf(sops, "lastmodified")?.value;
  if (!stamp || (quoted?.kind === "scalar" && quoted.type !== "str")) throw bad("lastmodified is missing or no date in quotes", quoted?.at);
  const rules = RULES.flatMap((kind: RuleKind): Rule[] => {
    const text = textOf(sops, kind);
    return text === undefined || text === "" ? [] : [{ kind, text }];
  });
  if (rules.length > 1) throw bad(`both ${rules[0]?.kind ?? ""} and ${rules[1]?.kind ?? ""}: sops takes one rule a file`);
  const flat = groupOf(sops, bad);
  const shared = entryOf(sops, "key_groups")?.value;
  const groups = flat.age.length + flat.others.length > 0 ? [flat] : listOf(shared).map((g) => groupOf(g, bad));
  if (groups.length === 0) throw bad("no recipient: nobody can open it");
  return {
    groups, rule: rules[0] ?? { kind: "unencrypted_suffix", text: "_unencrypted" }, mac, version: textOf(sops, "version") ?? "",
    threshold: Number(textOf(sops, "shamir_threshold") ?? 0) || 0,
    macOnlyEncrypted: /^(?:1|t|T|true|True|TRUE)$/.test(textOf(sops, "mac_only_encrypted") ?? ""),
    lastmodified: `${stamp[1] ?? ""}${/^[-+]00:00$/.test(stamp[2] ?? "") ? "Z" : (stamp[2] ?? "")}`,
  };
}
const listOf = (n: Node | undefined): Branch[] => (n?.kind === "list" ? n.items.filter((i): i is Branch => i.kind === "map") : []);
function groupOf(b: Branch, bad: (message: string, at?: Position) => FindingError): KeyGroup {
  const age = listOf(entryOf(b, "age")?.value).map((k): AgeKey => {
    const recipient = textOf(k, "recipient");
    const enc = textOf(k, "enc");
    if (recipient === undefined || enc === undefined) throw bad("a recipient without its sealed data key", k.at);
    return { recipient, enc };
  });
  const others = Object.entries(OTHER_KINDS).flatMap(([kind, field]) => listOf(entryOf(b, kind)?.value).map((k) => ({ kind, name: [textOf(k, field) ?? "unnamed", ...(kind === "azure_kv" ? [textOf(k, "name") ?? ""] : kind === "hc_vault" ? [textOf(k, "key_name") ?? ""] : [])].join(" ").trim() })));
  return { age, others };
}

interface Place { value?: Node; readonly keys: Map<string, Place>; readonly list: Map<number, Place> }
/** The metadata of dotenv and INI files, whose paths are spelled `age__list_0__map_enc`, as the tree that YAML has. Throws FindingError SEAL_METADATA. */
export function unflatten(entries: readonly { readonly key: string; readonly value: Scalar }[], at: Position): Branch | null {
  if (entries.length === 0) return null;
  const bad = (): FindingError => new FindingError(sealCodes.finding("SEAL_METADATA", { message: "the sops part's keys don't fit together", at, hint: "restore the file from git" }));
  const make = (): Place => ({ keys: new Map(), list: new Map() });
  const root = make();
  for (const { key, value } of entries) {
    let place = root;
    for (const token of tokens(key)) {
      const next = (typeof token === "number" ? place.list.get(token) : place.keys.get(token)) ?? make();
      if (typeof token === "number") place.list.set(token, next);
      else place.keys.set(token, next);
      place = next;
    }
    if (place.value) throw bad();
    place.value = value;
  }
  const build = (p: Place): Node => {
    if (Number(p.value !== undefined) + Number(p.keys.size > 0) + Number(p.list.size > 0) !== 1) throw bad();
    if (p.value) return p.value;
    if (p.keys.size) return { kind: "map", at, items: [...p.keys].map(([key, v]) => ({ kind: "entry" as const, key, at, value: build(v) })) };
    const items = [...p.list].sort(([a], [b]) => a - b);
    if (items.some(([n], i) => n !== i)) throw bad();
    return { kind: "list", at, items: items.map(([, v]) => build(v)) };
  };
  return build(root) as Branch;
}
function tokens(path: string): (string | number)[] {
  const parts = path.split(/(__map_|__list_)/, 2 * MAX_DEPTH);
  const out: (string | number)[] = [parts[0] ?? ""];
  for (let i = 1; i < parts.length; i += 2) out.push(parts[i] === "__list_" ? Number(parts[i + 1]) || 0 : (parts[i + 1] ?? ""));
  return out;
}
