import { existsSync, readFileSync } from "node:fs";
import { TIERS, type Tier } from "../schemas/access.ts";
import type { OptionSpec } from "./command.ts";

// The flags that describe a person or machine, in `people add` and `people change`.

export const FIELD_OPTIONS: readonly OptionSpec[] = [
  { flags: "--tier <tier>", description: "a tier they work in; may be repeated", choices: TIERS.filter((t) => t !== "local"), many: true },
  { flags: "--recipient <age1…>", description: "an age recipient; may be repeated", many: true },
  { flags: "--signing <key>", description: "an SSH public key, or its .pub file; may be repeated", many: true },
  { flags: "--handle <name>", description: "the name on the code host" },
  { flags: "--from <date>", description: "active from" },
  { flags: "--until <date>", description: "active until, exclusive" },
  { flags: "--second-factor <date>", description: "the day a second factor was attested" },
  { flags: "--attested-by <name>", description: "who attested it: another person" },
];
type Options = Readonly<Record<string, unknown>>;
const list = (v: unknown): string[] | undefined => (Array.isArray(v) ? v.flatMap((x) => String(x).split(",")).map((x) => x.trim()).filter(Boolean) : undefined);
/** The line of a public key, from itself or from its file; the comment is kept. */
const keyLine = (v: string): string => (existsSync(v) ? readFileSync(v, "utf8").trim() : v.trim());
const keys = (v: unknown): string[] | undefined => (Array.isArray(v) ? v.map((x) => keyLine(String(x))) : undefined);

/** The fields that were given, in the order in which people.yaml shows them. */
export function fieldsOf(o: Options): Record<string, unknown> {
  const factor = o["secondFactor"];
  const by = o["attestedBy"];
  const given = {
    role: o["role"], tiers: list(o["tier"]) as Tier[] | undefined, recipients: list(o["recipient"]), signing: keys(o["signing"]), handle: o["handle"],
    secondFactor: typeof factor === "string" ? { attestedAt: factor, ...(typeof by === "string" && { by }) } : undefined, from: o["from"], until: o["until"],
  };
  return Object.fromEntries(Object.entries(given).filter(([, v]) => v !== undefined));
}
/** A list with some added and some removed; undefined where nothing is asked. */
export function amended(have: readonly string[], add: unknown, remove: unknown, same: (a: string, b: string) => boolean): string[] | undefined {
  const more = Array.isArray(add) ? add.map((x) => keyLine(String(x))) : [];
  const less = Array.isArray(remove) ? remove.map((x) => keyLine(String(x))) : [];
  if (!more.length && !less.length) return undefined;
  return [...have.filter((h) => !less.some((l) => same(h, l))), ...more.filter((m) => !have.some((h) => same(h, m)))];
}
