import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import { FindingError, hasErrors } from "../lib/finding.ts";
import type { Claims } from "../schemas/claims.ts";
import { HELD_BARE, LOCAL } from "../schemas/layout.ts";
import type { People } from "../schemas/people.ts";
import type { Identity } from "./age.ts";
import { readClear } from "./clear.ts";
import { sealCodes } from "./codes.ts";
import { editSealed, type Change } from "./edit.ts";
import { withLock } from "./lock.ts";
import { openSealed } from "./open.ts";
import { newPepper, type Signer } from "./seed.ts";
import { canonicalClaims, signText } from "./signature.ts";
import type { CredentialFile } from "./sealed-files.ts";
import { signedLeaf, signedPath, verifySignatures } from "./verify.ts";
import { newSealedKey, sealBare, sealValue } from "./write.ts";

/** A sealed file and what it holds: an environment's credentials of a class, or peppers. */
export type Target =
  | CredentialFile
  | { readonly kind: "peppers"; readonly file: string };

export interface Reseal {
  readonly root: string;
  readonly target: Target;
  readonly recipients: readonly string[];
  readonly identities: readonly Identity[];
  /** Against whom the signatures in force are verified: a value that nobody may have written isn't given a new signature. */
  readonly people: readonly People[];
  readonly signer: Signer;
  readonly now: Date;
  /** Adds a pepper of the next generation, for later seals. */
  readonly newGeneration?: boolean;
}
/**
 * Seals a file anew under a fresh data key: every leaf changes, issue ids stay, the re-sealer signs. The file is either old or new at any moment.
 * Answers how many values were sealed. Throws FindingError with nothing written.
 */
export async function resealFile(o: Reseal): Promise<number> {
  const { file } = o.target;
  return withLock(join(o.root, file), file, async () => {
    const { sealed, findings } = readClear(o.root, file);
    if (!sealed || hasErrors(findings)) throw new FindingError(findings);
    const opened = await openSealed(sealed, o.identities);
    if (o.target.kind === "credentials") {
      const where = o.target;
      const lists = o.people.map((p) => verifySignatures(sealed.credentials, where, p));
      const nobodys = (lists[0] ?? []).filter((f) => lists.every((l) => l.some((x) => x.path === f.path)));
      if (nobodys.length) throw new FindingError(nobodys);
    }
    const key = await newSealedKey(o.recipients);
    const set: Change[] = o.target.kind === "credentials" ? signed(o.target) : peppers();
    function signed(where: CredentialFile): Change[] {
      const paths = new Set((sealed?.credentials ?? []).map((c) => c.path));
      const bare = new Map([...opened.values].filter(([path]) => !paths.has(path)).map(([path, value]) => [path, { value, leaf: sealBare(key, path, value) }]));
      const own = (sealed?.credentials ?? []).map((c): Change => {
        const value = opened.values.get(c.path) as string;
        const leaf = sealValue(key, c.path, value);
        const { signature: _old, ...rest } = c.claims as Claims;
        const claims: Claims = { ...rest, sealedBy: o.signer.name };
        return { path: c.path, value, leaf, claims: { ...claims, signature: signText(o.signer.key, canonicalClaims(where.environment, signedPath(where, c.path), claims, signedLeaf({ leaf, beside: c.beside === undefined ? undefined : bare.get(HELD_BARE)?.leaf }))) } };
      });
      return [...own, ...[...bare].map(([path, x]) => ({ path, ...x }))];
    }
    function peppers(): Change[] {
      const all = new Map(opened.values);
      if (o.newGeneration) for (const letter of ["g", "h"] as const) {
        const have = [...opened.values.keys()].filter((k) => k.startsWith(letter)).map((k) => Number(k.slice(1)));
        if (have.length) all.set(`${letter}${Math.max(...have) + 1}`, newPepper().toString("base64"));
      }
      return [...all].map(([path, value]) => ({ path, value, leaf: sealBare(key, path, value) }));
    }
    const text = editSealed(opened, { set, key, now: o.now });
    writeAtomic(join(o.root, file), text, o.target.kind === "credentials" && o.target.environment === LOCAL ? 0o600 : 0o644);
    return set.length;
  });
}
/** Throws FindingError SEAL_NOT_RECIPIENT where these identities don't open the file: asked of all files before the first is written. */
export async function mustOpen(root: string, file: string, identities: readonly Identity[]): Promise<void> {
  const { sealed, findings } = readClear(root, file);
  if (!sealed) throw new FindingError(findings.length ? findings : sealCodes.finding("SEAL_METADATA", { message: `${file} can't be read` }));
  await openSealed(sealed, identities);
}
