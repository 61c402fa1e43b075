import { isoDate } from "../lib/clock.ts";
import { FindingError, type Finding } from "../lib/finding.ts";
import { allows } from "../schemas/access.ts";
import type { RotationReason } from "../schemas/rotation-record.ts";
import { activeOn, members } from "../schemas/people.ts";
import { mayGoUnattended } from "../schemas/rotation.ts";
import type { Reason } from "../schemas/claims.ts";
import { SCHEDULES } from "../schemas/environment.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import { fingerprintLike } from "../seal/fingerprint.ts";
import { newClaims } from "../seal/new-claims.ts";
import { judgeValue } from "../seal/set.ts";
import { judgeStrength } from "../seal/strength.ts";
import { rotationCodes } from "./codes.ts";
import type { Rotator } from "./context.ts";
import type { Slot } from "./sealed.ts";

/** Who may rotate this: whom the access matrix lets seal it; a rotator's machine only what environment.yaml lists for it. Throws FindingError. */
export function mustBeAllowed(r: Pick<Rotator, "people" | "signer" | "declared" | "clock">, e: Pick<ExpectedSecret, "path" | "kind" | "rotation"> & { readonly spec: Pick<ExpectedSecret["spec"], "class"> }): void {
  const member = members(r.people).find((m) => m.name === r.signer.name);
  const who = member?.entry;
  const { tier, environment } = r.declared;
  const refuse = (code: "SEAL_WRITER_NOT_ALLOWED" | "ROTATION_NOT_UNATTENDED", message: string, hint: string): FindingError => new FindingError({ code, severity: "error", message, path: e.path, hint });
  const on = isoDate(r.clock.now());
  if (member && !activeOn(member, on)) throw refuse("SEAL_WRITER_NOT_ALLOWED", `${r.signer.name} isn't active on ${on}`, "somebody who is must: stackseal people list");
  if (who === undefined || !who.tiers.includes(tier) || !allows(who.role, e.spec.class, tier, "seal"))
    throw refuse("SEAL_WRITER_NOT_ALLOWED", `${r.signer.name} (${who?.role ?? "unknown"}) may not rotate ${e.spec.class} credentials of ${tier}`, "somebody whom the access matrix lets seal it must: stackseal people list");
  if (who.role !== "rotator") return;
  const why = e.spec.class !== "standard" ? "payments are always rotated by a person" : !mayGoUnattended(e.rotation) ? "it wants a person, or cuts" : environment.rotation?.unattended?.includes(e.kind) !== true ? "its kind isn't listed" : null;
  if (why !== null) throw refuse("ROTATION_NOT_UNATTENDED", `${r.signer.name} may not rotate ${e.path}: ${why}`, "list the kind under rotation.unattended in environment.yaml, or let a person do it");
}
/** The claims' reason: a test leaves a scheduled one behind. */
export const claimReason = (reason: RotationReason): Reason => (reason === "test" ? "scheduled" : reason);

/** Due that many days after it was issued: by the environment's schedule, else the kind's own. */
export function maxAgeDays(r: Pick<Rotator, "declared">, e: Pick<ExpectedSecret, "spec">): number {
  const schedule = e.spec.class === "payments" ? r.declared.payments?.rotation?.payments : r.declared.environment.rotation?.standard;
  return Math.min(schedule ? SCHEDULES[schedule] : e.spec.maxAgeDays, e.spec.maxAgeDays);
}

/** Judges a new value as `secret set` does, and that it is new anywhere; the slot with its claims. Throws FindingError ROTATION_NEXT_UNFIT and what is wrong. */
export async function newSlot(r: Rotator, e: ExpectedSecret, value: string, reason: RotationReason): Promise<Slot> {
  const wrong: Finding[] = [...judgeValue(value, e, r.declared.tier)];
  const chosen = e.spec.human === true && e.rotation.kind === "guided" && (e.integration !== "smtp" || ["generic", "mailgun"].includes(r.declared.environment.integrations.smtp?.provider ?? ""));
  if (!wrong.length && chosen) wrong.push(...(await judgeStrength(value, e.path)));
  // One digest a generation: those of human-chosen values cost.
  const prints = new Map<string, string | null>();
  const printLike = async (fingerprint: string): Promise<string | null> => {
    const generation = fingerprint.split(":")[0] ?? "";
    if (!prints.has(generation)) prints.set(generation, await fingerprintLike(fingerprint, r.peppers, value));
    return prints.get(generation) ?? null;
  };
  if (!wrong.length) for (const [print, file] of r.exposed ?? [])
    if (print.startsWith("h") === (e.spec.human === true) && (await printLike(print)) === print) wrong.push(rotationCodes.finding("ROTATION_NEXT_UNFIT", { message: `somebody could know this value: ${file}`, path: e.path, hint: "issue a new one at the provider" }));
  if (!wrong.length) for (const d of r.project.environments) for (const c of d.credentials) {
    if ((await printLike(c.claims.fingerprint)) !== c.claims.fingerprint) continue;
    wrong.push(rotationCodes.finding("ROTATION_NEXT_UNFIT", { message: d.name === r.declared.name ? `the value is in force as ${c.path} already` : `the value is in force as ${c.path} of ${d.name}`, path: e.path, hint: "issue a new one at the provider" }));
  }
  // What a person gives may be what they gave once; what was just minted is new.
  const before = wrong.length === 0 && e.rotation.kind === "guided" ? await r.heldBefore?.(e, value) : null;
  if (before) wrong.push(before);
  if (wrong.length) throw new FindingError(wrong);
  return { value, claims: await newClaims(e.spec, e.kind, value, r.peppers, r.signer.name, claimReason(reason), r.clock.now(), maxAgeDays(r, e)) };
}
