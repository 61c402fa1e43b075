import type { Props } from "../../lib/pulumi-value.ts";
import { asSet, asText, equal, map, texts } from "../values.ts";
import type { Form, StripeClient, StripeEndpoint } from "./client.ts";
import { REPLACES, reserved, type Stamp } from "./stamp.ts";

// Between a resource's properties and Stripe's own words.

/** Of a creation. */
export const createForm = (p: Props, stamp: Stamp): Form => ({
  url: asText(p["url"]), enabled_events: texts(p["enabledEvents"]),
  api_version: typeof p["apiVersion"] === "string" ? p["apiVersion"] : undefined, connect: p["connect"] === true ? true : undefined,
  description: typeof p["description"] === "string" && p["description"] !== "" ? p["description"] : undefined, metadata: { ...wantedMetadata(p), ...stamp },
});
const wantedMetadata = (p: Props): Record<string, string> => Object.fromEntries(Object.entries(map(p["metadata"])).map(([k, v]) => [k, asText(v)]));

/** Sends what differs between Stripe's answer and the declaration, and nothing where nothing does. */
export async function sync(stripe: StripeClient, e: StripeEndpoint, p: Props, stamp: Stamp): Promise<StripeEndpoint> {
  const metadata = { ...wantedMetadata(p), ...stamp };
  const changed = {
    ...Object.fromEntries(Object.entries(metadata).filter(([k, v]) => e.metadata[k] !== v)),
    // Stripe takes a key away when its value is empty.
    ...Object.fromEntries(Object.keys(e.metadata).filter((k) => k !== REPLACES && !(k in metadata)).map((k) => [k, ""])),
  };
  const disabled = p["disabled"] === true;
  const form: Form = {
    ...(e.url !== p["url"] && { url: asText(p["url"]) }),
    ...(!equal(asSet(e.enabled_events), asSet(texts(p["enabledEvents"]))) && { enabled_events: texts(p["enabledEvents"]) }),
    ...((e.description ?? "") !== (p["description"] ?? "") && { description: typeof p["description"] === "string" ? p["description"] : "" }),
    ...((e.status === "disabled") !== disabled && { disabled }),
    ...(Object.keys(changed).length > 0 && { metadata: changed }),
  };
  return Object.keys(form).length === 0 ? e : stripe.update(e.id, form);
}
/** The resource's outputs: nothing of the secret but its fingerprint. */
export const outputsOf = (p: Props, e: StripeEndpoint, fingerprint: string, version: string): Props => ({ ...p, created: e.created, livemode: e.livemode, status: e.status, signingSecretFingerprint: fingerprint, signingSecretVersion: version });

/** Inputs as Stripe has them now; what Stripe doesn't tell, or tells in other words for the same, stays as it was given. */
export function liveInputs(p: Props, e: StripeEndpoint): Props {
  const { description: _d, metadata: _m, disabled: _x, ...rest } = p;
  const metadata = Object.fromEntries(Object.entries(e.metadata).filter(([k]) => !reserved(k)));
  const sameEvents = equal(asSet(e.enabled_events), asSet(texts(p["enabledEvents"])));
  const known = ["created", "livemode", "status", "signingSecretFingerprint", "signingSecretVersion"];
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([k]) => !known.includes(k))),
    url: e.url, enabledEvents: sameEvents ? (p["enabledEvents"] ?? []) : [...e.enabled_events],
    ...(p["apiVersion"] !== undefined || p["url"] === undefined ? e.api_version !== null && { apiVersion: e.api_version } : {}),
    ...((e.description ?? "") !== "" ? { description: e.description } : p["description"] === "" && { description: "" }),
    ...(Object.keys(metadata).length > 0 ? { metadata } : p["metadata"] !== undefined && { metadata: {} }),
    ...(e.status === "disabled" ? { disabled: true } : p["disabled"] !== undefined && { disabled: false }),
  };
}
