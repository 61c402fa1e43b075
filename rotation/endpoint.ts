import { FindingError } from "../lib/finding.ts";
import { endpointVersion, REPLACES, secretFingerprint } from "../providers/stripe/stamp.ts";
import { versionOf, versionWith } from "../providers/stores/contract.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import { ENDPOINT_ROTATION as spec } from "../schemas/integrations/stripe.ts";
import { signingSecretName } from "../schemas/layout.ts";
import { reached, stepOf, type RotationRecord } from "../schemas/rotation-record.ts";
import { Calls } from "./calls.ts";
import { rotationCodes as c } from "./codes.ts";
import type { Rotator } from "./context.ts";
import { mustBeAllowed } from "./judge.ts";
import { unsealed } from "./deliver.ts";
import type { Journal, Way } from "./machine.ts";
import type { StepData, Waiting } from "./strategy.ts";
import { sweep } from "./sweep.ts";

const KEY = "stripe.secretKey";
/** The mark of an endpoint that a rotation made and that isn't in force yet. */
const MARK = "rotation";
/** Events that a platform without these products never gets: a new endpoint is quiet until its secret is delivered. */
const QUIET = ["sigma.scheduled_query_run.created", "climate.order.canceled", "terminal.reader.action_failed", "reporting.report_run.failed"];

interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly enabled_events: readonly string[];
  readonly api_version: string | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly secret?: string;
}
/** Stripe takes 500 characters a key. */
const replacing = (old: Endpoint): string => [...(old.metadata[REPLACES] ?? "").split(",").filter((x) => x !== ""), old.id].slice(-12).join(",");
/** The endpoint's name in `stripe.webhooks.<name>.signingSecret`; null where the path is another credential's. */
export function endpointOf(r: Pick<Rotator, "declared">, path: string): string | null {
  const name = /^stripe\.webhooks\.([a-z0-9-]+)\.signingSecret$/.exec(path)?.[1];
  return name !== undefined && r.declared.payments?.stripe.webhooks[name] !== undefined ? name : null;
}
/** The credentials of this kind that an environment has. */
export const endpointPaths = (d: Rotator["declared"]): string[] => Object.keys(d.payments?.stripe.webhooks ?? {}).map((name) => `stripe.webhooks.${name}.signingSecret`);

async function stripe(r: Rotator, path: string): Promise<Calls> {
  const key = (await unsealed(r, "payments")).values.get(KEY);
  if (key === undefined) throw new FindingError({ code: "CREDENTIAL_MISSING", severity: "error", message: `${KEY} has no sealed value`, path: KEY });
  return new Calls(r, path, {}, { current: key });
}
const all = async (calls: Calls): Promise<Endpoint[]> => (await calls.list(spec.list, {})).map((l) => l.item as Endpoint);
const retrieve = async (calls: Calls, id: string): Promise<Endpoint | null> => {
  const a = await calls.run(spec.retrieve, { id });
  return a.before ? null : (a.json as Endpoint);
};
const listFields = (name: string, values: readonly string[]): Record<string, string> => Object.fromEntries(values.map((v, i) => [`${name}[${i}]`, v]));

/** What is known of such a credential, which has no sealed value. */
export const endpointSecret = (path: string): Pick<ExpectedSecret, "path" | "kind" | "rotation"> & { readonly spec: Pick<ExpectedSecret["spec"], "class"> } => ({ path, kind: "stripe.signingSecret", spec: { class: "payments" }, rotation: spec });
/** What a new record says of an endpoint. Throws FindingError where the delivered secret isn't a living endpoint's. */
export async function proposeEndpoint(r: Rotator, path: string): Promise<Pick<RotationRecord, "kind" | "class" | "strategy" | "overlap" | "graceSeconds" | "previous"> & { storeVersion: string }> {
  const secret = endpointSecret(path);
  mustBeAllowed(r, secret);
  const name = signingSecretName(r.declared.name, endpointOf(r, path) ?? "");
  const current = versionWith(await r.store.describe(name), "current");
  const old = current && (await all(await stripe(r, path))).find((e) => endpointVersion(e.id) === current.id);
  if (!old) throw new FindingError(c.finding("ROTATION_ENDPOINT", { message: current ? "the delivered signing secret belongs to no endpoint of this account" : `${name} isn't delivered yet`, path, hint: `first: stackseal up --env ${r.declared.name}` }));
  return { kind: secret.kind, class: secret.spec.class, strategy: spec.kind, overlap: spec.overlap, graceSeconds: spec.graceSeconds, previous: null, storeVersion: current.id };
}

/** The way of a signing secret that Stripe mints: a second endpoint, both secrets delivered, an event taken over the new one, the old one deleted. */
export function endpointWay(r: Rotator, record: RotationRecord): Way {
  const { path, rotation } = record;
  const endpoint = endpointOf(r, path) ?? "";
  const name = signingSecretName(r.declared.name, endpoint);
  const resume = `stackseal rotate resume ${rotation} --env ${r.declared.name}`;
  const oldVersion = (j: Journal): string => stepOf(j.record, "proposed")?.storeVersion ?? "";
  const findOld = async (calls: Calls, j: Journal): Promise<Endpoint | null> => (await all(calls)).find((e) => endpointVersion(e.id) === oldVersion(j)) ?? null;
  const newId = (j: Journal): string => stepOf(j.record, "sealed")?.providerId ?? "";

  async function mint(j: Journal): Promise<StepData> {
    const calls = await stripe(r, path);
    const listed = await all(calls);
    const held = await r.store.describe(name);
    for (const e of listed.filter((x) => x.metadata[MARK] === rotation)) {
      // Delivered before the run was killed: only the record lacks it. Otherwise nobody has its secret, and nobody can get it any more.
      if (versionOf(held, endpointVersion(e.id))?.label != null) return { providerId: e.id, storeVersion: endpointVersion(e.id) };
      await calls.run(spec.remove, { id: e.id });
    }
    const old = listed.find((e) => endpointVersion(e.id) === oldVersion(j));
    if (!old) throw new FindingError(c.finding("ROTATION_ENDPOINT", { message: "the endpoint that is to be replaced is gone at Stripe", path, hint: `stackseal refresh --env ${r.declared.name}, then up` }));
    if (!stepOf(j.record, "minting")) j.write("minting", { before: listed.map((e) => e.id), providerId: old.id });
    const connect = r.declared.payments?.stripe.webhooks[endpoint]?.connect === true;
    const quiet = QUIET.find((q) => !old.enabled_events.includes(q)) ?? "sigma.scheduled_query_run.created";
    const made = (await calls.run(spec.create, {}, {
      url: old.url, ...listFields("enabled_events", [quiet]), ...(old.api_version !== null && { api_version: old.api_version }), ...(connect && { connect: "true" }),
      ...(old.description && { description: old.description }), ...Object.fromEntries(Object.entries({ ...old.metadata, [MARK]: rotation, [REPLACES]: replacing(old) }).map(([k, v]) => [`metadata[${k}]`, v])),
    })).json as Endpoint;
    const versionId = endpointVersion(made.id);
    try {
      if (made.secret?.startsWith("whsec_") !== true) throw new FindingError(c.finding("ROTATION_PROVIDER_REFUSED", { message: "Stripe's answer shows no signing secret", path }));
      await r.store.put({ name, versionId, values: { current: made.secret }, tags: held?.tags ?? {}, notes: { endpoint: made.id, fingerprint: secretFingerprint(made.id, made.secret) }, stage: "pending" });
    } catch (e) {
      await calls.run(spec.remove, { id: made.id }).catch(() => undefined);
      throw e;
    }
    return { providerId: made.id, storeVersion: versionId };
  }
  async function unmute(j: Journal): Promise<void> {
    if (stepOf(j.record, "unmuted")) return;
    const calls = await stripe(r, path);
    const old = await findOld(calls, j);
    const wanted = old?.enabled_events ?? r.declared.payments?.stripe.webhooks[endpoint]?.events ?? [];
    await calls.run(spec.update, { id: newId(j) }, { ...listFields("enabled_events", wanted), [`metadata[${MARK}]`]: "" });
    j.write("unmuted", { providerId: newId(j), ...(calls.skewSeconds !== null && Math.abs(calls.skewSeconds) > 60 && { skewSeconds: calls.skewSeconds }) });
  }
  /** An event that was made after the new endpoint listened, and that no endpoint still waits to take. */
  async function verifiedEvent(j: Journal, calls: Calls): Promise<string | null> {
    const unmuted = stepOf(j.record, "unmuted");
    const since = Math.floor((Date.parse(unmuted?.at ?? "") + (unmuted?.skewSeconds ?? 0) * 1000) / 1000);
    const { data } = (await calls.run(spec.events, { since })).json as { data: { id: string; type: string; created: number; pending_webhooks: number }[] };
    const wanted = (await retrieve(calls, newId(j)))?.enabled_events ?? [];
    return data.find((x) => x.created >= since && x.pending_webhooks === 0 && (wanted.includes("*") || wanted.includes(x.type)))?.id ?? null;
  }
  const wait = (w: Waiting["wait"], exit: 0 | 1 = 0): Waiting => ({ wait: w, exit });
  async function grace(j: Journal, until: string | undefined): Promise<Waiting | null> {
    const left = until === undefined ? 0 : Date.parse(until) - j.now().getTime();
    if (left <= 0) return null;
    if (left > r.options.waitMs) return wait(c.finding("ROTATION_GRACE", { message: `${path}: receivers load both secrets until ${until ?? ""}`, path, hint: `then: ${resume}` }));
    await r.wait(left);
    return null;
  }
  const sinceReport = (j: Journal): StepData => (record.reportedAt === undefined ? {} : { sinceReportSeconds: Math.max(0, Math.round((j.now().getTime() - Date.parse(record.reportedAt)) / 1000)) });

  return {
    sealed: mint,
    registered: () => Promise.resolve(null),
    staged: async (j) => {
      const label = versionOf(await r.store.describe(name), endpointVersion(newId(j)))?.label ?? null;
      if (label === null) throw new FindingError(c.finding("ROTATION_NOT_DELIVERED", { message: "the new endpoint's signing secret isn't in the store any more", path, hint: `stackseal rotate abort ${rotation} --env ${r.declared.name}` }));
      return { storeVersion: endpointVersion(newId(j)) };
    },
    tested: async (j) => {
      const e = await retrieve(await stripe(r, path), newId(j));
      if (!e) throw new FindingError(c.finding("ROTATION_ENDPOINT", { message: "the new endpoint is gone at Stripe", path, hint: `stackseal rotate abort ${rotation} --env ${r.declared.name}` }));
      return { verdict: "valid", code: "ENDPOINT_LIVES", providerId: e.id };
    },
    promoted: async (j) => {
      const id = endpointVersion(newId(j));
      if (versionWith(await r.store.describe(name), "current")?.id !== id) await r.store.promote(name, id);
      return { storeVersion: id, until: new Date(j.now().getTime() + record.graceSeconds * 1000).toISOString() };
    },
    revoked: async (j) => {
      const pending = await grace(j, stepOf(j.record, "promoted")?.until);
      if (pending) return pending;
      await unmute(j);
      const calls = await stripe(r, path);
      if (r.trigger) await r.trigger((await retrieve(calls, newId(j)))?.enabled_events[0] ?? "");
      let event = await verifiedEvent(j, calls);
      for (let waited = 0; event === null; waited += 500) {
        if (waited >= Math.min(r.options.waitMs, 5_000) || r.signal.aborted) break;
        await r.wait(500);
        event = await verifiedEvent(j, calls);
      }
      if (event === null && !r.options.confirmed.includes("event"))
        return wait(c.finding("ROTATION_EVENT", { message: `${path}: both endpoints send, and no event was taken over both yet`, path, hint: `after the next event: ${resume}; if you know that the receiver takes the new one: ${resume} --confirm event` }));
      if (versionWith(await r.store.describe(name), "current")?.id !== endpointVersion(newId(j)))
        throw new FindingError(c.finding("ROTATION_NOT_DELIVERED", { message: "the store doesn't have the new endpoint's signing secret in force: the old endpoint isn't deleted", path, hint: `stackseal drift --env ${r.declared.name} says who wrote it; go back: stackseal rotate abort ${rotation} --env ${r.declared.name}` }));
      const old = await findOld(calls, j);
      if (old) await calls.run(spec.remove, { id: old.id });
      return { providerId: stepOf(j.record, "minting")?.providerId, ...(event !== null ? { evidence: event } : { note: "without an event: a person vouches for the receiver" }), ...sinceReport(j) };
    },
    buried: async (j) => {
      const old = await findOld(await stripe(r, path), j);
      if (!old) return { verdict: "invalid", code: "ENDPOINT_GONE", ...sinceReport(j) };
      j.write("alive", { verdict: "valid", code: "ENDPOINT_LIVES", providerId: old.id });
      throw new FindingError(c.finding("ROTATION_OLD_ALIVE", { message: `the old endpoint ${old.id} STILL LIVES at Stripe: this rotation stays open`, path, hint: `delete it in Stripe's dashboard; then ${resume}` }));
    },
    swept: () => sweep(r, null),
    closed: async (j) => {
      if (versionOf(await r.store.describe(name), oldVersion(j))?.label === "previous") await r.store.withdraw(name, oldVersion(j));
      return { verdict: "invalid", note: `the stack's state names the old endpoint until the next stackseal up --env ${r.declared.name}, which takes the new one over`, ...sinceReport(j) };
    },
    abort: async (j) => {
      if (reached(j.record, "revoked")) throw new FindingError(c.finding("ROTATION_TOO_LATE", { message: "the old endpoint is deleted: there is no way back", path, hint: `go on: ${resume}` }));
      const calls = await stripe(r, path);
      const old = await findOld(calls, j);
      if (!old) throw new FindingError(c.finding("ROTATION_TOO_LATE", { message: "the old endpoint is gone at Stripe: there is no way back", path, hint: `go on: ${resume}` }));
      if (!stepOf(j.record, "aborting")) j.write("aborting");
      const made = (await all(calls)).filter((e) => e.metadata[MARK] === rotation || e.id === newId(j));
      // The old one sends everything still: first nothing comes over the new one any more, then its secret goes.
      for (const e of made) await calls.run(spec.remove, { id: e.id });
      const held = await r.store.describe(name);
      if (versionWith(held, "current")?.id !== oldVersion(j)) await r.store.promote(name, oldVersion(j));
      for (const v of (await r.store.describe(name))?.versions ?? []) if (v.label !== null && v.label !== "current" && (v.id === endpointVersion(newId(j)) || made.some((e) => endpointVersion(e.id) === v.id))) await r.store.withdraw(name, v.id);
      return { verdict: "invalid", code: "ENDPOINT_GONE" };
    },
  };
}
