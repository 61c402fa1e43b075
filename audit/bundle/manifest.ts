import { z } from "zod";
import { jsonIn } from "../../lib/json.ts";
import { safeName } from "../../lib/tar.ts";
import { armorSignature, signText, type SigningKey } from "../../seal/signature.ts";

// manifest.json names every file by its SHA-256, the range of git, and the former bundle's manifest. It is signed; all else follows from it.

export const MANIFEST = "manifest.json";
export const SIGNATURE = "manifest.json.sig";
export const SUMS = "SHA256SUMS";
export const TOKEN = "recorded/timestamp.tsr";
/** What a token inside a bundle may be over: a file of its own, or the former bundle's manifest by its digest. */
export const STAMPED = ["git/commits.txt", "git/log.jsonl", "the former bundle's manifest.json"] as const;
export const BUNDLE_NAMESPACE = "stackseal-bundle";

/** Raised where what is made of git for a bundle changes: one of a former format is read, and made anew only by the version that wrote it. */
export const FORMAT = "evidence-2";

const sha = z.string().regex(/^[0-9a-f]{64}$/);
const commit = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
const period = z.strictObject({ since: z.string(), until: z.string(), quarter: z.string().nullable() });
const instant = z.iso.datetime();
export const ORIGINS = ["git", "recorded", "generated"] as const;
/** `git`: made anew from a clone. `recorded`: what git doesn't hold, as it was found. `generated`: written by the tool for its reader. */
export type Origin = (typeof ORIGINS)[number];
export const manifestSchema = z.strictObject({
  stackseal: z.enum(["evidence-1", FORMAT]),
  tool: z.strictObject({ name: z.literal("stackseal"), version: z.string(), node: z.string() }),
  createdAt: instant,
  period,
  /** `--env`: only these; empty: all, and what is of none. */
  environments: z.array(z.string()),
  git: z.strictObject({ head: commit, headAt: instant, from: commit.nullable(), commits: z.int().min(0) }),
  previous: z.strictObject({ manifestSha256: sha, head: commit, period, createdAt: instant }).nullable(),
  timeStamp: z.strictObject({ file: z.literal(TOKEN), over: z.enum(STAMPED) }).nullable(),
  absent: z.array(z.string()),
  signer: z.strictObject({ name: z.string(), key: z.string() }),
  files: z.array(z.strictObject({ path: z.string().refine(safeName), sha256: sha, bytes: z.int().min(0), origin: z.enum(ORIGINS) })),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const renderManifest = (m: Manifest): string => `${JSON.stringify(m, null, 2)}\n`;
/** What `sha256sum -c` reads. */
export const sumsOf = (files: readonly { readonly path: string; readonly sha256: string }[]): string => files.map((f) => `${f.sha256}  ${f.path}\n`).join("");
export const signManifest = (text: string, key: SigningKey): string => armorSignature(signText(key, text, BUNDLE_NAMESPACE));
/** Null where the text is no manifest of ours. */
export const parseManifest = (text: string): Manifest | null => manifestSchema.safeParse(jsonIn(text)).data ?? null;
