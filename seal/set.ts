import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import { FindingError, hasErrors, type Finding } from "../lib/finding.ts";
import type { Tier } from "../schemas/access.ts";
import type { Claims, Reason } from "../schemas/claims.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import { LOCAL, sealedFile } from "../schemas/layout.ts";
import { readClear } from "./clear.ts";
import { sealCodes } from "./codes.ts";
import { editSealed } from "./edit.ts";
import { fingerprintLike, type Peppers } from "./fingerprint.ts";
import type { Identity } from "./age.ts";
import { withLock } from "./lock.ts";
import { newClaims } from "./new-claims.ts";
import { openSealed } from "./open.ts";
import type { Signer } from "./seed.ts";
import { canonicalClaims, signText } from "./signature.ts";
import { newSealedKey, renderSealed, sealValue, type SealedKey } from "./write.ts";

/** What is wrong with a value before it is sealed: stray spaces, the kind's form, the environment's mode. Never quotes it. */
export function judgeValue(value: string, e: ExpectedSecret, tier: Tier): Finding[] {
  const say = (code: "VALUE_WHITESPACE" | "VALUE_FORMAT" | "VALUE_MODE", message: string, hint: string): Finding => sealCodes.finding(code, { message, path: e.path, hint });
  if (value !== value.trim() || /[\r\n\u0000]/.test(value) || /^(["']).*\1$/.test(value)) return [say("VALUE_WHITESPACE", "stray spaces, newlines or quotes around the value", "give the bare value; nothing is trimmed silently: printf %s \"$VALUE\" | stackseal secret set …")];
  if (value === "") return [say("VALUE_FORMAT", "the value is empty", `wanted: ${e.format.says}`)];
  const mode = e.spec.modeOf?.(value) ?? null;
  const wrong = (mode === "live" && tier !== "production") || (mode === "test" && tier === "production");
  return [
    ...(!e.format.pattern.test(value) && e.format.soft !== true ? [say("VALUE_FORMAT", `the value isn't of the form of ${e.kind}`, `wanted: ${e.format.says}`)] : []),
    ...(wrong ? [say("VALUE_MODE", `a ${mode} value doesn't belong into ${tier}`, tier === "production" ? "use the provider's live credential" : "use the provider's test mode")] : []),
  ];
}

/** Claims in force somewhere: what a new value must not equal. */
export interface OtherClaims {
  readonly environment: string;
  readonly path: string;
  readonly claims: Claims;
}
/** Whether a value is in force already, in any environment whose pepper is at hand: VALUE_UNCHANGED at its own place, VALUE_SHARED elsewhere. */
export async function judgeEqual(value: string, own: { readonly environment: string; readonly path: string }, others: readonly OtherClaims[], peppers: Peppers): Promise<Finding[]> {
  // A human-chosen value's fingerprint costs 60 ms: once a generation, not once a credential.
  const prints = new Map<string, string | null>();
  for (const x of others) {
    const generation = x.claims.fingerprint.split(":")[0] ?? "";
    if (!prints.has(generation)) prints.set(generation, await fingerprintLike(x.claims.fingerprint, peppers, value));
    if (prints.get(generation) !== x.claims.fingerprint) continue;
    if (x.environment !== own.environment || x.path !== own.path) return [sealCodes.finding("VALUE_SHARED", { message: `the value is in force as ${x.path} of ${x.environment}`, path: own.path, hint: "every credential is a value of its own, in every environment" })];
    return [sealCodes.finding("VALUE_UNCHANGED", { message: `the value is in force as ${x.path} already`, path: own.path, hint: "issue a new one at the provider; to seal the same value anew: stackseal secret reseal" })];
  }
  return [];
}

export interface SetOptions {
  readonly root: string;
  readonly environment: string;
  readonly tier: Tier;
  readonly expected: ExpectedSecret;
  readonly value: string;
  readonly reason: Reason;
  readonly maxAgeDays: number;
  readonly identities: readonly Identity[];
  readonly peppers: Peppers;
  readonly signer: Signer;
  readonly recipients: readonly string[];
  /** Everything that speaks against the value; asked under the file's lock. */
  readonly judge: () => Promise<readonly Finding[]>;
  readonly now: Date;
}
/** Writes one value and its claims in one atomic step; every other value's ciphertext stays byte for byte. Throws FindingError, with nothing written. */
export async function setCredential(o: SetOptions): Promise<Claims> {
  const file = sealedFile(o.environment, o.expected.spec.class);
  return withLock(join(o.root, file), file, async () => {
    const wrong = await o.judge();
    if (wrong.length) throw new FindingError(wrong);
    const { sealed, findings } = existsSync(join(o.root, file)) ? readClear(o.root, file) : { sealed: null, findings: [] as Finding[] };
    if (hasErrors(findings)) throw new FindingError(findings);
    const opened = sealed && (await openSealed(sealed, o.identities));
    const key = opened ? { dataKey: opened.dataKey } : await newSealedKey(o.recipients);
    const unsigned = await newClaims(o.expected.spec, o.expected.kind, o.value, o.peppers, o.signer.name, o.reason, o.now, o.maxAgeDays);
    const leaf = sealValue(key, o.expected.path, o.value);
    const claims: Claims = { ...unsigned, signature: signText(o.signer.key, canonicalClaims(o.environment, o.expected.path, unsigned, leaf)) };
    const change = { path: o.expected.path, value: o.value, leaf, claims };
    const text = opened ? editSealed(opened, { set: [change], now: o.now }) : renderSealed([change], key as SealedKey, o.now);
    writeAtomic(join(o.root, file), text, o.environment === LOCAL ? 0o600 : 0o644);
    return claims;
  });
}
