import { isThere } from "../lib/document.ts";
import { FindingError, type Finding, type Position } from "../lib/finding.ts";
import { humanPepperFile, pepperFile, PEPPER_GENERATION } from "../schemas/layout.ts";
import type { Identity } from "./age.ts";
import { readClear } from "./clear.ts";
import { sealCodes } from "./codes.ts";
import type { Peppers } from "./fingerprint.ts";
import { openSealed } from "./open.ts";
import { verifyRecipients, type NamedRecipient } from "./recipients.ts";
import type { People } from "../schemas/people.ts";

/** Opens the peppers of an environment: generated values' and, of its tier, human-chosen values'. Throws FindingError where a file can't be opened. */
export async function openPeppers(root: string, environment: string, tier: string, identities: readonly Identity[]): Promise<Peppers> {
  const g = new Map<number, Buffer>();
  const h = new Map<number, Buffer>();
  for (const file of new Set([pepperFile(environment), humanPepperFile(environment, tier)])) {
    if (!isThere(root, file)) throw new FindingError(sealCodes.finding("PEPPER_MISSING", { message: `${file} is missing`, hint: "stackseal init makes it" }), 2);
    const { sealed, findings } = readClear(root, file);
    if (!sealed) throw new FindingError(findings, 2);
    for (const [name, value] of (await openSealed(sealed, identities)).values) {
      const m = /^([gh])(\d+)$/.exec(name);
      if (m) (m[1] === "g" ? g : h).set(Number(m[2]), Buffer.from(value, "base64"));
    }
  }
  return { g, h };
}

/** A fingerprint that was made under a pepper of some file, and where it stands. */
export interface Peppered {
  readonly fingerprint: string;
  readonly at: Position;
  readonly path: string;
}
/**
 * What is wrong with a file of peppers, without a key: missing, unreadable, something else than sealed generations in it, recipients that aren't
 * the matrix's, a generation gone under which values are fingerprinted. Without it nobody can prove, compare or set a value.
 */
export function judgePeppers(root: string, file: string, recipients: readonly NamedRecipient[], people: People, uses: readonly Peppered[]): Finding[] {
  const restore = "restore it from git: git log --diff-filter=D --stat -- stacks";
  if (!isThere(root, file)) return uses[0] ? [sealCodes.finding("PEPPER_MISSING", { message: `${file} is missing, and values are fingerprinted under its peppers`, at: { file, line: 1, column: 1 }, hint: restore })] : [];
  const { sealed, findings } = readClear(root, file);
  if (!sealed) return [...findings];
  const { sops: _sops, ...tree } = sealed.document.value as Record<string, unknown>;
  const have = new Set(Object.keys(tree).filter((k) => PEPPER_GENERATION.test(k)));
  const gone = [...new Map(uses.map((u) => [u.fingerprint.split(":")[0] ?? "", u]))].filter(([g]) => !have.has(g));
  return [
    ...findings,
    ...Object.keys(tree).filter((k) => !PEPPER_GENERATION.test(k)).map((k) => sealCodes.finding("SEAL_STRUCTURE", { message: `"${k}" is no generation of peppers (g0, h0, …)`, at: sealed.document.locate([k], "key"), path: k })),
    ...verifyRecipients(sealed, recipients, people, "").map((f) => ({ ...f, hint: "stackseal people sync" })),
    ...gone.map(([g, u]) => sealCodes.finding("PEPPER_MISSING", { message: `${file} has no generation ${g}, and this value is fingerprinted under it`, at: u.at, path: u.path, hint: restore })),
  ];
}
