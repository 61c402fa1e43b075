import { isoDate } from "../lib/clock.ts";
import type { Claims, Reason } from "../schemas/claims.ts";
import type { SecretSpec } from "../schemas/integration.ts";
import { fingerprintGenerated, fingerprintHuman, latest, type Peppers } from "./fingerprint.ts";
import { newIssueId } from "./issue-id.ts";

/** Claims, not yet signed, of a new value. Throws RangeError where no pepper is at hand. */
export async function newClaims(spec: SecretSpec, kind: string, value: string, peppers: Peppers, by: string, reason: Reason, now: Date, maxAgeDays: number): Promise<Claims> {
  const map = spec.human ? peppers.h : peppers.g;
  const generation = latest(map);
  const pepper = map.get(generation);
  if (!pepper) throw new RangeError("no pepper");
  const mode = spec.modeOf?.(value) ?? null;
  return {
    kind, ...(mode !== null && { mode }), issueId: newIssueId(), fingerprint: spec.human ? await fingerprintHuman(generation, pepper, value) : fingerprintGenerated(generation, pepper, value),
    issuedAt: isoDate(now), maxAgeDays: Math.min(maxAgeDays, spec.maxAgeDays), reason, sealedBy: by,
  };
}
