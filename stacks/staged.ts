import { isoDate, type Clock } from "../lib/clock.ts";
import { parseDocument } from "../lib/document.ts";
import { FindingError, type Finding } from "../lib/finding.ts";
import { readObjects } from "../lib/git-objects.ts";
import type { Git } from "../lib/git.ts";
import { environmentFile, heldIn, LOCAL, PEOPLE_FILE } from "../schemas/layout.ts";
import { parseEnvironment, parsePeople } from "../schemas/parse.ts";
import type { People } from "../schemas/people.ts";
import { parseClear } from "../seal/clear.ts";
import { sealCodes } from "../seal/codes.ts";
import { formatOf, plainValues, readForeign } from "../seal/foreign/open.ts";
import { verifyRecipients } from "../seal/recipients.ts";
import { targetOf, type Place } from "../seal/sops-config.ts";
import { verifySignatures } from "../seal/verify.ts";
import { environmentNames } from "./read.ts";

const SEALED = /[^/]\.sops\.(?:ya?ml|json|env|ini)$/;

export interface Staged {
  /** Sealed files that the next commit would change. */
  readonly files: readonly string[];
  readonly findings: readonly Finding[];
}
/**
 * Judges the sealed files that are staged, as the index holds them and not as the work tree does, without a key: sealed leaves alone, the mac
 * there, signed, and sealed to whom the index's people.yaml says. Throws FindingError where git can't tell.
 */
export async function judgeStaged(git: Git, root: string, clock: Clock): Promise<Staged> {
  const listed = git.try(["diff", "--cached", "--name-only", "-z", "--no-ext-diff", "--no-renames", "--relative", "--diff-filter=ACMRT"]);
  if (!listed) throw new FindingError(sealCodes.finding("SEAL_FORMAT", { message: "what is staged couldn't be listed: is this a git checkout?" }), 2);
  const files = listed.toString("utf8").split("\0").filter((f) => SEALED.test(f) && !f.includes("\n"));
  if (files.length === 0) return { files, findings: [] };
  const prefix = git.text(["rev-parse", "--show-prefix"]) ?? "";
  const names = environmentNames(root).filter((n) => n !== LOCAL);
  const wanted = [PEOPLE_FILE, ...names.map(environmentFile), ...files];
  const texts = new Map<string, string>();
  for await (const o of readObjects(git, wanted.map((f) => `:${prefix}${f}`), 16 << 20)) if (o.bytes) texts.set(wanted[o.index] as string, o.bytes.toString("utf8"));
  const declared = <T>(file: string, parse: (d: NonNullable<ReturnType<typeof parseDocument>["document"]>) => { value: T | null }): T | null => {
    const document = parseDocument(texts.get(file) ?? "", file).document;
    return document && parse(document).value;
  };
  const people: People | null = declared(PEOPLE_FILE, parsePeople);
  const places = names.flatMap((name): Place[] => {
    const tier = declared(environmentFile(name), parseEnvironment)?.tier;
    return tier ? [{ name, tier }] : [];
  });
  const findings = files.flatMap((file): Finding[] => {
    const text = texts.get(file);
    const t = people ? targetOf(file, people, places, isoDate(clock.now())) : null;
    if (text === undefined) return [sealCodes.finding("SEAL_FORMAT", { message: "too large, or no ordinary file", at: { file, line: 1, column: 1 } })];
    if (!t && heldIn(file) === null && !/^stacks\/(?:[^/]+\/(?:secrets|payments)|pepper[^/]*)\.sops\.yaml$/.test(file)) return foreign(text, file);
    const { sealed, findings: clear } = parseClear(text, file);
    const own = [...clear];
    if (sealed && people && t) {
      if (t.target.kind === "credentials") own.push(...verifySignatures(sealed.credentials, t.target, people));
      own.push(...verifyRecipients(sealed, t.recipients, people, t.target.kind === "credentials" ? t.target.environment : "dev"));
    }
    return own;
  });
  if (!people) findings.push(sealCodes.finding("SEAL_RECIPIENTS_STALE", { message: `the index holds no ${PEOPLE_FILE} that can be read: recipients and signatures aren't judged`, at: { file: PEOPLE_FILE, line: 1, column: 1 }, hint: `git add ${PEOPLE_FILE}` }));
  return { files, findings };
}
/** Another tool's sops file: sealed where its own rule says so. */
function foreign(text: string, file: string): Finding[] {
  try {
    const { metadata, branches } = readForeign(text, formatOf(file), file);
    return plainValues(metadata, branches, file);
  } catch (e) {
    if (e instanceof FindingError) return [...e.findings];
    throw e;
  }
}
