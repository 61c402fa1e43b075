import { afterEach, describe, expect, it } from "vitest";
import { FindingError } from "../../lib/finding.ts";
import { versionWith } from "../../providers/stores/contract.ts";
import type { Rotator } from "../../rotation/context.ts";
import { unsealed } from "../../rotation/deliver.ts";
import { abort, advance, type Advanced } from "../../rotation/machine.ts";
import { propose, refreshed, wayOf } from "../../rotation/start.ts";
import { signingSecretName, storeSecretName } from "../../schemas/layout.ts";
import { CASES, mustServe, quick, world } from "./cases.ts";
import { makeWorld, type World } from "./world.ts";

// Two credentials of one secret of the store, and deliveries of others in between.

let w: World;
afterEach(async () => { await w.close(); });
const codes = async (run: Promise<unknown>): Promise<string[]> => run.then(() => [], (e: unknown) => { if (e instanceof FindingError) return e.findings.map((f) => f.code); throw e; });
const begin = async (path: string, graceSeconds: number): Promise<string> => (await propose(await w.rotator({ graceSeconds, waitMs: 0 }), { path, reason: "scheduled" })).rotation;
async function go(id: string, how: typeof advance = advance, more: Partial<Rotator> = {}, options: Partial<Rotator["options"]> = {}): Promise<Advanced> {
  const r = refreshed(await w.rotator({ waitMs: 0, ...options }, more));
  return how(r, id, wayOf(r));
}
/** The clock after any overlap. */
const LATER: Partial<Rotator> = { clock: { now: () => new Date(Date.now() + 7_200_000) } };
const waits = (a: Advanced): string | null => a.waiting?.wait.code ?? null;
const twilio = CASES.find((c) => c.path === "twilio.apiKeySecret")!;
const token = { ...twilio, path: "twilio.authToken" };
const twilioWorld = (): Promise<World> => makeWorld({ only: ["twilio"], settings: twilio.settings! });

describe("two credentials in one secret of the store", () => {
  it("overlap where nobody needs the first one's old value from the store: both end in force, and both serve at every moment", async () => {
    w = await twilioWorld();
    const key = await begin("twilio.apiKeySecret", 3600);
    expect(waits(await go(key))).toBe("ROTATION_GRACE");
    const auth = await begin("twilio.authToken", 0);
    for (const c of [twilio, token]) await mustServe(w, c);
    expect((await go(auth)).record.steps.at(-1)!.step).toBe("closed");
    for (const c of [twilio, token]) await mustServe(w, c);
    expect((await go(key, advance, LATER)).record.steps.at(-1)!.step).toBe("closed");
    for (const c of [twilio, token]) await mustServe(w, c);
  }, 60_000);
  it("the first goes back while the second is in force: the second stays", async () => {
    w = await twilioWorld();
    const before = [await w.value("twilio.apiKeySecret"), await w.value("twilio.authToken")];
    const key = await begin("twilio.apiKeySecret", 3600);
    await go(key);
    const auth = await begin("twilio.authToken", 0);
    await go(auth);
    expect(waits(await go(key, abort))).toBe("ROTATION_GRACE");
    expect((await go(key, abort, LATER)).record.steps.at(-1)!.step).toBe("aborted");
    for (const c of [twilio, token]) await mustServe(w, c);
    expect([(await w.value("twilio.apiKeySecret")) === before[0], (await w.value("twilio.authToken")) === before[1]]).toEqual([true, false]);
  }, 60_000);
  it.each([["twilio.authToken", "twilio.apiKeySecret"], ["outbound-webhooks.crm-sync.signingSecret", "outbound-webhooks.reporting.signingSecret"]])("%s keeps its old value in the store through its overlap: %s waits", async (first, second) => {
    w = await makeWorld({ only: ["twilio", "outbound-webhooks"], settings: twilio.settings! });
    const old = await w.value(first);
    const id = await begin(first, 3600);
    expect(waits(await go(id))).toBe("ROTATION_GRACE");
    expect(await codes(begin(second, 0))).toEqual(["ROTATION_STORE_BUSY"]);
    const r = await w.rotator();
    const e = r.declared.expected.find((x) => x.path === first)!;
    expect(Object.values((await w.store.read(storeSecretName("local", e.spec.class, e.integration), "previous"))!)).toContain(old);
    expect((await go(id, advance, LATER)).record.steps.at(-1)!.step).toBe("closed");
    expect((await go(await begin(second, 0))).record.steps.at(-1)!.step).toBe("closed");
  }, 60_000);
  it("moved by two at once: one of the two is told to wait, and nothing is lost", async () => {
    w = await twilioWorld();
    const [key, auth] = [await begin("twilio.apiKeySecret", 0), await begin("twilio.authToken", 0)];
    const came = await Promise.all([codes(go(key)), codes(go(auth))]);
    expect(came.flat()).toEqual(["SEAL_LOCKED"]);
    for (const id of [key, auth]) expect((await go(id)).record.steps.at(-1)!.step).toBe("closed");
    for (const c of [twilio, token]) await mustServe(w, c);
  }, 60_000);
});

describe("somebody else's delivery during the overlap", () => {
  it("holds the old one's end up, until the new one is in force again", async () => {
    const c = CASES.find((x) => x.path === "twilio.authToken")!;
    w = await world(c);
    const old = await w.value(c.path);
    const id = await begin(c.path, 3600);
    await go(id);
    const name = storeSecretName("local", "standard", "twilio");
    const [current, previous] = (["current", "previous"] as const).map(async (l) => versionWith(await w.store.describe(name), l)!.id);
    await w.store.promote(name, await previous!);
    expect(await codes(go(id, advance, LATER))).toEqual(["ROTATION_NOT_DELIVERED"]);
    // What is delivered is the old one, and it lives.
    await mustServe(w, c);
    expect(Object.values((await w.store.read(name))!)).toContain(old);
    await w.store.promote(name, await current!);
    expect((await go(id, advance, LATER)).record.steps.at(-1)!.step).toBe("closed");
    await mustServe(w, c);
  }, 60_000);
  it("keeps the old endpoint of Stripe alive while its signing secret is the one in force", async () => {
    const c = CASES.find((x) => x.service === "stripe")!;
    w = await world(c);
    const r = await quick(w, c);
    const id = await begin(c.path, 3600);
    await go(id);
    const name = signingSecretName("local", "payments");
    const former = versionWith(await w.store.describe(name), "previous")!.id;
    await w.store.promote(name, former);
    expect(await codes(go(id, advance, LATER, { confirmed: ["event"] }))).toEqual(["ROTATION_NOT_DELIVERED"]);
    const key = (await unsealed(r, "payments")).values.get("stripe.secretKey")!;
    const { data } = await (await fetch(`${w.sandbox.urls.stripe}/v1/webhook_endpoints?limit=100`, { headers: { authorization: `Bearer ${key}` } })).json() as { data: unknown[] };
    expect(data).toHaveLength(2);
    expect((await go(id, abort)).record.steps.at(-1)!.step).toBe("aborted");
  }, 60_000);
});
