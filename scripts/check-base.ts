import { isoDate } from "../lib/clock.ts";
import { parseDocument, readText } from "../lib/document.ts";
import type { Finding } from "../lib/finding.ts";
import { Git } from "../lib/git.ts";
import { filesAt, resolveBase, textAt, type Base } from "../history/base.ts";
import { historyCodes } from "../history/codes.ts";
import { readExposures, shrunk } from "../history/exposure-file.ts";
import { judgeIssues, type Placed } from "../history/judge-issues.ts";
import { judgeSignedFiles } from "../history/judge-people.ts";
import { EXPOSURES_DIR, exposureSchema } from "../schemas/exposure.ts";
import { environmentFile, PEOPLE_FILE } from "../schemas/layout.ts";
import { parseEnvironment, parseWith } from "../schemas/parse.ts";
import { readClear } from "../seal/clear.ts";
import { credentialFiles } from "../seal/sealed-files.ts";
import { verifySignatures } from "../seal/verify.ts";
import type { Declared, Project } from "../stacks/read.ts";
import type { Context } from "./command.ts";

export interface BaseJudgement {
  /** The commit that everything was compared with; null with the reason where there is none. */
  readonly base: { readonly ref: string; readonly commit: string } | null;
  readonly note: string;
  readonly findings: readonly Finding[];
}
/** What `check` says against the protected base: who signed people.yaml, the matrix and every sealed value, by the people that the base vouches for. */
export async function judgeAgainstBase(context: Context, project: Project, named: string | null): Promise<BaseJudgement> {
  const git = new Git(context.root, context.env);
  const { base, why } = resolveBase(git, named);
  if (!base) return { base: null, note: `not compared with a protected base: ${why}`, findings: [] };
  const said = { ref: base.ref, commit: base.commit };
  const real = project.environments.filter((e) => e.tier !== "local");
  if (!base.people) return { base: said, note: `${base.ref} has no people.yaml yet: a first people.yaml needs no signature; it is trusted from the day it is merged`, findings: [] };
  const on = isoDate(context.clock.now());
  // Everything below asks for these: one process brings them.
  git.files(base.commit, [PEOPLE_FILE, ...real.map((e) => environmentFile(e.name))]);
  const placed: Placed[] = real.flatMap((e) => e.credentials.map((c) => ({ environment: e.name, tier: e.tier, path: c.path, class: c.spec.class, kind: c.kind, claims: c.claims, at: c.at })));
  return {
    base: said, note: `compared with ${base.ref} (${base.commit.slice(0, 10)})`,
    findings: [...judgeSignedFiles(git, base, project.people, on), ...real.flatMap((e) => writers(git, base, e)), ...(await judgeIssues(git, base, placed, context.clock.now())), ...exposures(git, base)],
  };
}
/** Every sealed value's signature, by the people, and in the tier, of the base. */
function writers(git: Git, base: Base, e: Declared): Finding[] {
  const text = textAt(git, base.commit, environmentFile(e.name));
  const samePeople = base.peopleText === readText(git.root, PEOPLE_FILE).text;
  // The same people and tier were asked already.
  if (samePeople && text === readText(git.root, environmentFile(e.name)).text) return [];
  const document = text === null ? null : parseDocument(text, environmentFile(e.name)).document;
  const tiers = new Set([e.tier, (document && parseEnvironment(document).value?.tier) ?? e.tier]);
  if (tiers.size === 1 && samePeople) return [];
  return credentialFiles(git.root, e.name, e.tier).flatMap((place) => {
    const { sealed } = readClear(git.root, place.file);
    const people = base.people;
    if (!sealed || !people) return [];
    const all = [...tiers].flatMap((tier) => verifySignatures(sealed.credentials, { ...place, tier }, people));
    return all.filter((f) => f.code !== "SEAL_UNSIGNED").map((f) => historyCodes.finding("BASE_WRITER", { message: `${f.message}, by people.yaml of ${base.ref}`, at: f.at, path: f.path, hint: "somebody whom the base knows seals it; new people seal after they are merged" }));
  });
}
function exposures(git: Git, base: Base): Finding[] {
  const now = new Map(readExposures(git.root).files.map((f) => [f.file, f.exposure]));
  return filesAt(git, base.commit, EXPOSURES_DIR).flatMap((file) => {
    const { document } = parseDocument(textAt(git, base.commit, file) ?? "", file);
    const was = document && parseWith(exposureSchema, document).value;
    return was ? shrunk(was, now.get(file) ?? null, file) : [];
  });
}
