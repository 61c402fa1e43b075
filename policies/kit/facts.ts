import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import type { Clock } from "../../lib/clock.ts";
import { isThere, readDocument, readText, type Document, type Path } from "../../lib/document.ts";
import type { Finding, Position } from "../../lib/finding.ts";
import type { SecretClass, Tier } from "../../schemas/access.ts";
import { ATTESTATIONS_FILE, attestationsSchema, type Attestation } from "../../schemas/attestations.ts";
import { EXCEPTIONS_FILE, exceptionsSchema } from "../../schemas/exceptions.ts";
import { LOCAL } from "../../schemas/layout.ts";
import { parseWith } from "../../schemas/parse.ts";
import type { People } from "../../schemas/people.ts";
import { readClear } from "../../seal/clear.ts";
import { credentialFiles } from "../../seal/sealed-files.ts";
import { readProject, type Declared, type Project } from "../../stacks/read.ts";
import type { KnownEnvironment, Known } from "../policy.ts";
import type { WrittenException } from "./exceptions.ts";
import { gitFacts, NO_GIT, type GitFacts } from "./git-facts.ts";

export interface SealedFile {
  readonly file: string;
  readonly environment: string;
  readonly tier: Tier;
  readonly class: SecretClass;
  /** Age recipients, in the file's order. */
  readonly recipients: readonly string[];
}
/** All that is declared, read once and without a key. */
export interface Facts {
  readonly root: string;
  readonly now: Date;
  /** Every environment, whichever is judged. */
  readonly environments: readonly Declared[];
  readonly people: People | null;
  readonly sealed: readonly SealedFile[];
  readonly attestations: readonly { readonly value: Attestation; readonly at: Position; readonly index: number }[];
  readonly exceptions: readonly WrittenException[];
  /** The place of a key or value in a file; line 1 where the file can't be read. */
  readonly locate: (file: string, path: Path, target?: "key" | "value") => Position;
  /** A YAML file's plain value; null where it isn't there or can't be read. */
  readonly read: (file: string) => unknown;
  /** Files of a folder, sorted; none where it isn't there. */
  readonly list: (folder: string) => readonly string[];
  /** A file's text; null where it isn't there. */
  readonly text: (file: string) => string | null;
  readonly git: GitFacts;
  /** Findings of the rooms before this one, and of the files that only policies read. */
  readonly findings: readonly Finding[];
}

/** Reads the declarations for the rules that judge them. `project`: all environments, where they have been read already; without `env` git isn't asked; `also`: findings of others that rules weigh. */
export function readFacts(root: string, clock: Clock, options: { readonly project?: Project; readonly also?: readonly Finding[]; readonly env?: Readonly<Record<string, string | undefined>>; readonly base?: string | null } = {}): Facts {
  const project = options.project ?? readProject(root, { clock });
  const documents = new Map<string, Document | null>();
  const findings: Finding[] = [...project.findings, ...(options.also ?? [])];
  const document = (file: string): Document | null => {
    if (!documents.has(file)) documents.set(file, isThere(root, file) ? readDocument(root, file, { maxBytes: 4 << 20 }).document : null);
    return documents.get(file) ?? null;
  };
  const written = <T>(file: string, schema: z.ZodType<T>): T | null => {
    if (!isThere(root, file)) return null;
    const r = readDocument(root, file);
    findings.push(...r.findings);
    documents.set(file, r.document);
    const parsed = r.document && parseWith(schema, r.document);
    findings.push(...(parsed?.findings ?? []));
    return parsed?.value ?? null;
  };
  const placed = <T>(file: string, key: string, all: readonly T[]): { value: T; at: Position; index: number }[] => all.map((value, index) => ({ value, index, at: (documents.get(file) as Document).locate([key, index]) }));
  const attestations = placed(ATTESTATIONS_FILE, "attestations", written(ATTESTATIONS_FILE, attestationsSchema)?.attestations ?? []);
  const exceptions = placed(EXCEPTIONS_FILE, "exceptions", written(EXCEPTIONS_FILE, exceptionsSchema)?.exceptions ?? []);
  return {
    root, now: clock.now(), environments: project.environments, people: project.people, findings, attestations, exceptions,
    sealed: project.environments.filter((e) => e.name !== LOCAL).flatMap((e) => sealedOf(root, e)),
    locate: (file, path, target) => document(file)?.locate(path, target) ?? { file, line: 1, column: 1 },
    read: (file) => document(file)?.value ?? null,
    text: (file) => (isThere(root, file) ? readText(root, file).text : null),
    git: options.env ? gitFacts(root, options.env, options.base ?? null) : NO_GIT,
    list: (folder) => (existsSync(join(root, folder)) ? readdirSync(join(root, folder)).sort().map((n) => `${folder}/${n}`) : []),
  };
}
const sealedOf = (root: string, e: Declared): SealedFile[] => credentialFiles(root, e.name, e.tier).flatMap((f) => {
  const { sealed } = readClear(root, f.file);
  return sealed ? [{ file: f.file, environment: e.name, tier: e.tier, class: f.class, recipients: sealed.sops.recipients.map((r) => r.recipient) }] : [];
});

/** What resource rules may know of the declarations. */
export const knownOf = (environments: readonly Declared[], now: Date): Known => ({ now, environments: environments.map(knownEnvironment) });
function knownEnvironment(d: Declared): KnownEnvironment {
  const s = d.environment.store;
  return {
    name: d.name, tier: d.tier, host: new URL(d.environment.platform.url).hostname, replicas: s.kind === "aws" ? (s.replicas ?? []) : [], here: d.name === LOCAL,
    ...(s.kind === "aws" && { accountId: s.accountId, region: s.region }), ...(d.environment.deployment && { repository: d.environment.deployment.repository }),
  };
}
