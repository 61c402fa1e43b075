import { nearest } from "../../lib/nearest.ts";
import type { CheckFailure } from "../../lib/provider.ts";
import { UNKNOWN, type Value } from "../../lib/pulumi-value.ts";
import { FINGERPRINT, ISSUE_ID } from "../../schemas/claims.ts";
import { loopback } from "../../schemas/fields.ts";
import { LOCAL } from "../../schemas/layout.ts";
import facts from "../../schemas/stripe-facts.json" with { type: "json" };
import { failure, flag, listOf, mapOf, shape, text, type Rule } from "../input.ts";
import { map, texts } from "../values.ts";
import { OURS, reserved } from "./stamp.ts";

// What an endpoint's resource may say.

const EVENTS = new Set(facts.events);
const pattern = (p: RegExp, what: string): Rule => (v, at) => (typeof v === "string" && p.test(v) ? [] : [failure(at, "INPUT_INVALID", `must be ${what}`)]);
/** The shape of its inputs. */
export const inputs = shape({
  url: { required: true, rule: text },
  enabledEvents: { required: true, rule: listOf(text) },
  apiVersion: { rule: pattern(/^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$/, "a Stripe API version") },
  connect: { rule: flag },
  description: { rule: (v, p) => (typeof v === "string" && v.length <= 5000 ? [] : [failure(p, "INPUT_INVALID", "must be text of at most 5000 characters")]) },
  metadata: { rule: mapOf((v, p) => (typeof v === "string" && v.length <= 500 ? [] : [failure(p, "STRIPE_METADATA", "must be text of at most 500 characters")])) },
  disabled: { rule: flag },
  apiKeyFrom: { required: true, rule: shape({ key: { required: true, rule: text }, issueId: { required: true, rule: pattern(ISSUE_ID, "an issue id") }, fingerprint: { required: true, rule: pattern(FINGERPRINT, "a fingerprint") } }) },
  signingSecretTo: { required: true, rule: shape({ store: { required: true, rule: pattern(/^(aws|vault|file)$/, "aws, vault or file") }, secretId: { required: true, rule: text }, key: { required: true, rule: pattern(/^[A-Za-z][A-Za-z0-9_]*$/, "a plain name") } }) },
});

export function urlFailures(v: Value | undefined, environment: string): CheckFailure[] {
  if (typeof v !== "string" || v === UNKNOWN) return [];
  if (!URL.canParse(v)) return [failure("url", "STRIPE_URL", "must be a URL")];
  const u = new URL(v);
  if (u.username !== "" || u.password !== "") return [failure("url", "STRIPE_URL", "may not carry a user or a password")];
  return u.protocol === "https:" || (u.protocol === "http:" && environment === LOCAL && loopback(u.hostname)) ? [] : [failure("url", "STRIPE_URL", "must be https; http only to this machine, and only in local")];
}
export function eventFailures(v: Value | undefined): CheckFailure[] {
  if (!Array.isArray(v)) return [];
  if (v.length === 0) return [failure("enabledEvents", "STRIPE_EVENTS", "must name at least one event")];
  const names = texts(v);
  return names.flatMap((e, i) => {
    const at = `enabledEvents[${i}]`;
    if (e === UNKNOWN) return [];
    if (e === "*" && names.length > 1) return [failure(at, "STRIPE_EVENTS", "* stands alone")];
    if (names.indexOf(e) < i) return [failure(at, "STRIPE_EVENTS", "stands here twice")];
    if (EVENTS.has(e)) return [];
    const near = nearest(e, EVENTS);
    return [failure(at, "STRIPE_EVENTS", `Stripe has no such event${near !== null ? `; did you mean ${near}?` : ""}`)];
  });
}
export function metadataFailures(v: Value | undefined): CheckFailure[] {
  const keys = Object.keys(map(v));
  return [
    ...(keys.length > 50 - OURS ? [failure("metadata", "STRIPE_METADATA", `at most ${50 - OURS} keys: Stripe takes 50, of which ${OURS} are ours`)] : []),
    ...keys.flatMap((k) => (reserved(k) ? [failure(`metadata.${k}`, "STRIPE_METADATA", "is ours: it says whose the endpoint is")] : /^[^[\]]{1,40}$/.test(k) ? [] : [failure("metadata", "STRIPE_METADATA", "a key has at most 40 characters and no brackets")])),
  ];
}
