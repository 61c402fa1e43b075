import { createHash, randomUUID } from "node:crypto";
import { FindingError } from "../../lib/finding.ts";
import type { CheckFailure, Provider } from "../../lib/provider.ts";
import { UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import { readDocument } from "../../lib/document.ts";
import { loopback } from "../../schemas/fields.ts";
import { paymentsFile, signingSecretName } from "../../schemas/layout.ts";
import { parsePayments } from "../../schemas/parse.ts";
import facts from "../../schemas/stripe-facts.json" with { type: "json" };
import { base, diffProps, jsonSame } from "./base.ts";
import { deliveryCodes } from "./place.ts";
import { placeOf, storeFor, unsealer, type Delivery } from "./place.ts";
import { checkReference, resolve, type Reference } from "./reference.ts";
import type { SecretStore } from "./store.ts";
import { StripeClient, type StripeEndpoint } from "./stripe-client.ts";
import schema from "../stripe/schema.json" with { type: "json" };

const KEYS = ["url", "enabledEvents", "apiVersion", "connect", "description", "metadata", "disabled", "apiKeyFrom", "signingSecretTo"];
// Create-only at Stripe, and where the secret goes: Stripe shows it once, so another place needs another endpoint.
const REPLACES = ["apiVersion", "connect", "signingSecretTo"];
const EVENTS = new Set(facts.events);
const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");
/** The store's version id of a signing secret: a hash of the endpoint's id, so that adoption can tell whether the store holds its secret. */
export const endpointToken = (id: string): string => createHash("sha256").update(`stripe-endpoint ${id}`).digest("hex");

function failuresOf(urn: string, news: Props): CheckFailure[] {
  const place = placeOf(urn);
  const url = news["url"];
  const events = news["enabledEvents"];
  const to = news["signingSecretTo"] as { secretId?: unknown } | undefined;
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : null;
  return [
    ...(place.part !== "payments" ? [{ property: "apiKeyFrom", reason: "REFERENCE_OUTSIDE: Stripe endpoints belong to the payments stack" }] : []),
    ...(url !== UNKNOWN && !parsed ? [{ property: "url", reason: "STRIPE_URL: not a URL" }] : []),
    ...(parsed && parsed.protocol !== "https:" && !(place.environment === "local" && loopback(parsed.hostname)) ? [{ property: "url", reason: "STRIPE_URL_NOT_HTTPS: must be https" }] : []),
    ...(Array.isArray(events) ? events.flatMap((e, i) => (typeof e === "string" && e !== UNKNOWN && !EVENTS.has(e) ? [{ property: `enabledEvents[${i}]`, reason: `STRIPE_EVENT_UNKNOWN: Stripe has no event ${e}` }] : [])) : []),
    ...(to && to.secretId !== UNKNOWN && to.secretId !== signingSecretName(place.environment, nameOf(urn)) ? [{ property: "signingSecretTo", reason: `REFERENCE_OUTSIDE: the signing secret goes to ${signingSecretName(place.environment, nameOf(urn))}` }] : []),
    ...checkReference(news["apiKeyFrom"], place, "apiKeyFrom"),
  ];
}
/** Lists are sets; a changed reference to the API key is no change of the endpoint. */
const same = (key: string, a: unknown, b: unknown): boolean =>
  key === "apiKeyFrom" ? true : key === "enabledEvents" && Array.isArray(a) && Array.isArray(b) ? jsonSame([...new Set(a as string[])].sort(), [...new Set(b as string[])].sort()) : jsonSame(a, b);

/** The provider `stripe`: webhook endpoints whose signing secret goes straight to the store. */
export function stripeProvider(context: Delivery): Provider {
  const unseal = unsealer(context);
  const client = async (urn: string, props: Props): Promise<StripeClient> => {
    const place = placeOf(urn);
    const key = resolve(props["apiKeyFrom"] as unknown as Reference, place, await unseal(place));
    const doc = readDocument(context.root, paymentsFile(place.environment)).document;
    const declared = doc && parsePayments(doc).value?.stripe.apiBase;
    const address = declared === "sandbox" ? context.stripeSandbox : declared ?? undefined;
    if (declared === "sandbox" && address === undefined) throw new FindingError(deliveryCodes.finding("STRIPE_UNREACHABLE", { message: "the sandbox isn't running", hint: "npm start, or stackseal sandbox beside it" }), 3);
    if (address !== undefined && !loopback(new URL(address).hostname)) throw new FindingError(deliveryCodes.finding("REFERENCE_OUTSIDE", { message: "Stripe's address may only be changed to loopback" }));
    return new StripeClient(key, address);
  };
  const storeOf = (urn: string, p: Props): { store: SecretStore; secretId: string } => {
    const to = p["signingSecretTo"] as { store: string; secretId: string };
    return { store: storeFor(context, placeOf(urn).environment, to.store), secretId: to.secretId };
  };
  const stamp = (urn: string): Record<string, string> => ({ managed_by: "stackseal", stack: urn.split("::")[0]?.slice("urn:pulumi:".length) ?? "", name: nameOf(urn) });
  const outputs = (inputs: Props, e: StripeEndpoint, version: string): Props => ({ ...inputs, livemode: e.livemode, status: e.status, created: e.created, signingSecretVersion: version, signingSecretFingerprint: version.slice(0, 22) });
  const form = (urn: string, p: Props): Record<string, string | string[] | Record<string, string> | undefined> => ({
    url: String(p["url"]), enabled_events: p["enabledEvents"] as string[], description: (p["description"] as string | undefined) ?? "", metadata: { ...(p["metadata"] as Record<string, string> | undefined), ...stamp(urn) },
  });

  const create = async (urn: string, inputs: Props): Promise<{ id: string; outputs: Props }> => {
    const failures = failuresOf(urn, inputs);
    if (failures[0]) throw new Error(failures[0].reason);
    const stripe = await client(urn, inputs);
    const { store, secretId } = storeOf(urn, inputs);
    const mine = stamp(urn);
    const all = await stripe.list();
    const held = await store.describe(secretId);
    // Creation is idempotent: an endpoint of ours that an interrupted run left is adopted where the store holds its secret, else removed.
    for (const e of all.filter((x) => Object.entries(mine).every(([k, v]) => x.metadata[k] === v))) {
      const kept = held !== null && (held.current === endpointToken(e.id) || held.previous === endpointToken(e.id));
      const wanted = e.url === inputs["url"] && e.api_version === (inputs["apiVersion"] ?? e.api_version) && same("enabledEvents", e.enabled_events, inputs["enabledEvents"]);
      if (kept && wanted && held.current === endpointToken(e.id)) return { id: e.id, outputs: outputs(inputs, e, endpointToken(e.id)) };
      if (!kept) await stripe.remove(e.id);
    }
    if (all.length >= 16 && (await stripe.list()).length >= 16) throw new FindingError(deliveryCodes.finding("STRIPE_ENDPOINTS_FULL", { message: "the Stripe account has its 16 endpoints already", hint: "remove one that nobody needs in the Stripe dashboard" }));
    const made = await stripe.create({ ...form(urn, inputs), api_version: inputs["apiVersion"] as string | undefined, connect: inputs["connect"] === true ? "true" : undefined }, `stackseal-${randomUUID()}`);
    try {
      if (made.secret === undefined) throw new Error("Stripe's answer had no signing secret");
      const before = (await store.read(secretId))?.["current"];
      await store.put(secretId, endpointToken(made.id), { current: made.secret, ...(before !== undefined && { previous: before }) });
    } catch (e) {
      const why = e instanceof Error ? e.message : "the store refused";
      const undone = await stripe.remove(made.id).then(() => "the endpoint was removed again", () => `the endpoint ${made.id} could not be removed: remove it in the dashboard`);
      throw new Error(`the signing secret could not be stored (${why}); ${undone}`);
    }
    if (inputs["disabled"] === true) await stripe.update(made.id, { disabled: true });
    return { id: made.id, outputs: outputs(inputs, made, endpointToken(made.id)) };
  };
  return {
    ...base,
    getSchema: () => Promise.resolve(JSON.stringify(schema)),
    check: (urn, _olds, news) => Promise.resolve({ inputs: news, failures: failuresOf(urn, news) }),
    diff: (_urn, _id, olds, _outs, news, ignore) => Promise.resolve(diffProps(olds, news, KEYS, REPLACES, same, ignore)),
    create: async (urn, inputs, { preview }) => (preview ? { id: "", outputs: { ...inputs } } : create(urn, inputs)),
    update: async (urn, id, _olds, oldOutputs, news, { preview }) => {
      if (preview) return { id, outputs: { ...oldOutputs, ...news } };
      const e = await (await client(urn, news)).update(id, { ...form(urn, news), disabled: news["disabled"] === true });
      return { id, outputs: outputs(news, e, endpointToken(id)) };
    },
    read: async (urn, id, inputs, olds) => {
      const e = await (await client(urn, olds)).retrieve(id);
      if (!e) return { id: "", inputs: {}, outputs: {} };
      const live: Props = { ...olds, url: e.url, enabledEvents: [...e.enabled_events], ...(e.status === "disabled" && { disabled: true }) };
      return { id, inputs: { ...inputs, url: e.url, enabledEvents: [...e.enabled_events] }, outputs: outputs(live, e, endpointToken(id)) };
    },
    delete: async (urn, id, _inputs, olds) => {
      await (await client(urn, olds)).remove(id);
      const { store, secretId } = storeOf(urn, olds);
      const held = await store.describe(secretId);
      if (held?.current === endpointToken(id)) await store.remove(secretId);
      else if (held?.current != null) {
        const { current } = (await store.read(secretId)) ?? {};
        // The old secret's slot is emptied once its endpoint is gone; the version stays the new endpoint's.
        if (current !== undefined) await store.put(secretId, held.current, { current }, true);
      }
    },
  };
}
