import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import { FindingError, type Finding } from "../lib/finding.ts";
import type { SecretClass, Tier } from "../schemas/access.ts";
import type { Claims, Reason } from "../schemas/claims.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import { LOCAL, sealedFile } from "../schemas/layout.ts";
import type { People } from "../schemas/people.ts";
import type { Identity } from "./age.ts";
import { readClear, type ClearCredential } from "./clear.ts";
import { sealCodes } from "./codes.ts";
import { editSealed, type Change } from "./edit.ts";
import { fingerprintLike, type Peppers } from "./fingerprint.ts";
import { withLock } from "./lock.ts";
import { newClaims } from "./new-claims.ts";
import { openSealed } from "./open.ts";
import type { Signer } from "./seed.ts";
import { judgeValue } from "./set.ts";
import { canonicalClaims, signText } from "./signature.ts";
import { verifySignatures } from "./verify.ts";

export interface Adopt {
  readonly root: string;
  readonly environment: string;
  readonly tier: Tier;
  readonly class: SecretClass;
  readonly expected: readonly ExpectedSecret[];
  /** Only these paths; empty for all that aren't validly signed. */
  readonly paths: readonly string[];
  /** For values that are new: without it they are refused. */
  readonly reason: Reason | null;
  readonly maxAgeDays: (e: ExpectedSecret) => number;
  /** Everything that speaks against a value that is new. */
  readonly judge: (e: ExpectedSecret, value: string) => Promise<readonly Finding[]>;
  readonly people: People;
  readonly identities: readonly Identity[];
  readonly peppers: Peppers;
  readonly signer: Signer;
  readonly now: Date;
}
export interface Adopted {
  readonly path: string;
  /** `value`: another value than the claims said, so a new issue; `signature`: the same value. */
  readonly change: "value" | "signature";
  readonly claims: Claims;
}
/**
 * Signs what the sops CLI wrote. A value that its claims' fingerprint fits keeps its issue; another one gets new claims and wants a reason.
 * A new value is judged as `secret set` judges it, an old one by its form. Throws FindingError with nothing written.
 */
export async function adopt(o: Adopt): Promise<Adopted[]> {
  const file = sealedFile(o.environment, o.class);
  return withLock(join(o.root, file), file, async () => {
    const { sealed, findings } = readClear(o.root, file);
    // Missing claims are what is mended here; anything else in the clear part isn't.
    const hard = findings.filter((f) => f.severity === "error" && f.code !== "SEAL_CLAIMS_MISSING");
    if (!sealed || hard.length) throw new FindingError(sealed ? hard : findings);
    const unsigned = new Set(verifySignatures(sealed.credentials, { environment: o.environment, tier: o.tier, class: o.class }, o.people).map((f) => f.path));
    const concerned = sealed.credentials.filter((c) => (o.paths.length ? o.paths.includes(c.path) : c.claims === null || unsigned.has(c.path)));
    if (concerned.length === 0) return [];
    const opened = await openSealed(sealed, o.identities);
    const wrong: Finding[] = [];
    const adopted: Adopted[] = [];
    const set: Change[] = [];
    for (const c of concerned) {
      const made = await claimsFor(c, opened.values.get(c.path) as string);
      if (!made) continue;
      const claims: Claims = { ...made.claims, signature: signText(o.signer.key, canonicalClaims(o.environment, c.path, made.claims, c.leaf)) };
      set.push({ path: c.path, value: opened.values.get(c.path) as string, leaf: c.leaf, claims });
      adopted.push({ path: c.path, change: made.change, claims });
    }
    async function claimsFor(c: ClearCredential, value: string): Promise<{ claims: Claims; change: Adopted["change"] } | null> {
      const e = o.expected.find((x) => x.path === c.path && x.spec.class === o.class);
      const refuse = (message: string, hint: string): null => {
        wrong.push(sealCodes.finding("SEAL_UNSIGNED", { message, at: c.at, path: c.path, hint }));
        return null;
      };
      if (!e) return refuse("no declaration asks for this credential", "declare it in environment.yaml, or remove it");
      const against = (judged: readonly Finding[]): null => {
        wrong.push(...judged.map((f) => ({ ...f, at: c.at })));
        return null;
      };
      const form = judgeValue(value, e, o.tier);
      if (form.length) return against(form);
      if (c.claims?.kind === e.kind && (await fingerprintLike(c.claims.fingerprint, o.peppers, value)) === c.claims.fingerprint) {
        const { signature: _old, ...rest } = c.claims;
        return { claims: { ...rest, sealedBy: o.signer.name }, change: "signature" };
      }
      if (o.reason === null) return refuse("the value is another one than its claims say", `stackseal secret sign ${c.path} --env ${o.environment} --reason initial`);
      // In force at this very place: its claims are of another kind, and are what is mended.
      const judged = (await o.judge(e, value)).filter((f) => f.code !== "VALUE_UNCHANGED");
      if (judged.length) return against(judged);
      return { claims: await newClaims(e.spec, e.kind, value, o.peppers, o.signer.name, o.reason, o.now, o.maxAgeDays(e)), change: "value" };
    }
    if (wrong.length) throw new FindingError(wrong);
    writeAtomic(join(o.root, file), editSealed(opened, { set, now: o.now }), o.environment === LOCAL ? 0o600 : 0o644);
    return adopted;
  });
}
