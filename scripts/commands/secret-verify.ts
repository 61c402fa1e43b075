import { isAbsolute, relative, resolve } from "node:path";
import { readText } from "../../lib/document.ts";
import { FindingError, hasErrors, type Finding } from "../../lib/finding.ts";
import { LOCAL, WORK_DIR } from "../../schemas/layout.ts";
import type { Identity } from "../../seal/age.ts";
import { parseClear } from "../../seal/clear.ts";
import { readPeople } from "../../seal/deploy.ts";
import { FORMATS, formatOf, openForeign, type Format } from "../../seal/foreign/open.ts";
import { identitiesFor } from "../../seal/identity.ts";
import { verifySignatures } from "../../seal/verify.ts";
import { defineCommand, type Context } from "../command.ts";
import { placeOf } from "../sealed-place.ts";
import { painter } from "../render/paint.ts";

/** What sops's MAC says nothing of: it hashes the values one after another. */
const NOT_COVERED = ["key names of clear values", "where one value ends and the next begins", "comments", "recipients and their labels"];

interface Verified {
  readonly file: string;
  readonly format: Format;
  readonly ours: boolean;
  readonly verified: boolean;
  readonly values: { readonly sealed: number; readonly clear: number };
  readonly recipients: readonly string[];
  /** Master keys of other kinds than age: kept, not used. */
  readonly others: readonly string[];
  readonly groups: number;
  readonly threshold: number;
  readonly rule: string;
  readonly macOnlyEncrypted: boolean;
  readonly lastmodified: string;
  readonly notCovered: readonly string[];
}
export default defineCommand({
  name: "secret verify",
  summary: "Open any sops file and verify its MAC; says what the MAC covers, never a value",
  wants: "none",
  args: [{ name: "<files...>", description: "files that sops or stackseal wrote: YAML, JSON, dotenv, INI, binary" }],
  options: [{ flags: "--format <format>", description: "the files' format, where the name doesn't tell", choices: FORMATS }],
  examples: ["stackseal secret verify stacks/dev/secrets.sops.yaml", "stackseal secret verify --format dotenv legacy.env.enc --json"],
  run: async (context, files, options) => {
    const findings: Finding[] = [];
    const done: Verified[] = [];
    let worst: 1 | 2 = 1;
    for (const name of files) {
      if (context.signal.aborted) return { exit: 130 };
      context.progress(`opening ${name}`);
      const file = relative(context.root, resolve(context.root, name));
      const identities = identitiesFor(context.root, file.startsWith(`${WORK_DIR}/`) ? LOCAL : "", context.env);
      try {
        done.push(await verifyOne(context, file.startsWith("..") || isAbsolute(file) ? resolve(context.root, name) : file, options["format"] as Format | undefined, identities, findings));
      } catch (e) {
        if (!(e instanceof FindingError)) throw e;
        findings.push(...e.findings);
        worst = e.exit === 2 ? 2 : worst;
      }
    }
    const p = painter(context.color);
    const text = done.map((d) => [
      `${d.verified ? p.green("✓") : p.red("✗")} ${d.file}  ${d.format}, mac verified, ${d.values.sealed} sealed and ${d.values.clear} clear values, sealed ${d.lastmodified} to ${d.recipients.length} age recipients${d.groups > 1 ? ` in ${d.groups} groups of which ${d.threshold} open it` : ""}${d.others.length ? `, ${d.others.join(", ")}` : ""}`,
      d.ours ? "    names, boundaries and claims are covered by the schema and the signatures" : `    not covered by its mac: ${d.notCovered.join("; ")}`,
    ].join("\n")).join("\n");
    return { exit: hasErrors(findings) ? worst : 0, findings, json: { files: done }, text };
  },
});

async function verifyOne(context: Context, file: string, format: Format | undefined, identities: readonly Identity[], findings: Finding[]): Promise<Verified> {
  const read = readText(context.root, file, 16 << 20);
  if (read.text === null) throw new FindingError(read.findings, 2);
  const kind = format ?? formatOf(file);
  const opened = await openForeign(read.text, kind, identities, file);
  const wrong = ours(context, file, read.text);
  findings.push(...opened.findings, ...(wrong ?? []));
  const { metadata: m, values } = opened;
  const sealed = values.filter((v) => v.sealed).length;
  return {
    file, format: kind, ours: wrong !== null, verified: !hasErrors(wrong ?? []), values: { sealed, clear: values.length - sealed },
    recipients: m.groups.flatMap((g) => g.age.map((a) => a.recipient)), others: m.groups.flatMap((g) => g.others.map((o) => `${o.kind} ${o.name}`)),
    groups: m.groups.length, threshold: m.groups.length > 1 ? Math.max(m.threshold, 2) : 1, rule: `${m.rule.kind}: ${m.rule.text}`, macOnlyEncrypted: m.macOnlyEncrypted, lastmodified: m.lastmodified,
    notCovered: wrong === null ? [...(m.macOnlyEncrypted ? ["the clear values (mac_only_encrypted)"] : []), ...NOT_COVERED] : [],
  };
}
/** Findings about one of the project's own sealed files, whose signatures cover what the MAC doesn't; null for any other file. */
function ours(context: Context, file: string, text: string): readonly Finding[] | null {
  const place = placeOf(context.root, file);
  if (!place) return null;
  const { sealed, findings } = parseClear(text, file);
  if (!sealed) return findings;
  return [...findings, ...verifySignatures(sealed.credentials, place, readPeople(context.root, place.environment))];
}
