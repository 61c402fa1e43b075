import type { CheckFailure } from "../../lib/provider.ts";
import { FindingError } from "../../lib/finding.ts";
import { specOf } from "../../schemas/integrations/index.ts";
import type { Unsealed } from "../../seal/deploy.ts";
import { deliveryCodes, type Place } from "./place.ts";

export interface Reference {
  readonly key: string;
  readonly issueId: string;
  readonly fingerprint: string;
}
const PATH = /^[a-z][a-z0-9-]*(\.[a-z][A-Za-z0-9-]*){1,2}$/;

/** Refuses a reference that is a path, leaves its class, or names nothing that is declared. Called in Check and again before a write. */
export function checkReference(ref: unknown, place: Place, property: string): CheckFailure[] {
  const key = (ref as Partial<Reference> | null)?.key;
  if (typeof key !== "string" || !PATH.test(key)) return [{ property, reason: "REFERENCE_OUTSIDE: a sealed reference is a dotted path such as twilio.authToken" }];
  const parts = key.split(".");
  const spec = specOf(`${parts[0] ?? ""}.${parts.at(-1) ?? ""}`);
  if (!spec) return [{ property, reason: `REFERENCE_OUTSIDE: no integration declares ${key}` }];
  return spec.class === place.class ? [] : [{ property, reason: `REFERENCE_OUTSIDE: ${key} is of class ${spec.class}; this stack deploys class ${place.class}` }];
}
/** The value that a reference means. Throws FindingError where the sealed file holds another issue than the plan says. */
export function resolve(ref: Reference, place: Place, unsealed: Unsealed): string {
  const failures = checkReference(ref, place, "key");
  if (failures[0]) throw new FindingError(deliveryCodes.finding("REFERENCE_OUTSIDE", { message: failures[0].reason, path: ref.key }));
  const value = unsealed.values.get(ref.key);
  const claims = unsealed.claims.get(ref.key);
  if (value === undefined || !claims || claims.issueId !== ref.issueId || claims.fingerprint !== ref.fingerprint)
    throw new FindingError(deliveryCodes.finding("REFERENCE_STALE", { message: `${ref.key}: the sealed file holds another issue than the plan says`, path: ref.key, hint: "preview again" }));
  return value;
}
