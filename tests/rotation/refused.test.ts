import { describe, expect, it } from "vitest";
import { FindingError } from "../../lib/finding.ts";
import type { Rotator } from "../../rotation/context.ts";
import { sesSmtpPassword } from "../../rotation/strategies/iam.ts";
import { unsealed } from "../../rotation/deliver.ts";
import { abort, advance } from "../../rotation/machine.ts";
import { signersIn } from "../../rotation/signers.ts";
import { readRecords } from "../../rotation/record.ts";
import { propose, wayOf } from "../../rotation/start.ts";
import { isOpen } from "../../schemas/rotation-record.ts";
import { CASES, iamOf, mustServe, quick, world, type Case } from "./cases.ts";
import { alive, tell, type World } from "./world.ts";

// For every way: the provider refuses the new value, and the old one that lives on after it was ended.

const steps = (w: World): string[] => readRecords(w.root, "local", null).records.at(-1)!.record.steps.map((s) => s.step);
const codes = async (run: Promise<unknown>): Promise<string[]> => run.then(() => [], (e: unknown) => { if (e instanceof FindingError) return e.findings.map((f) => f.code); throw e; });
const endpoint = (c: Case): boolean => c.path.startsWith("stripe.webhooks");

/** A rotator to whose provider everything but the old value is unknown; an endpoint is gone before it is asked for. */
const refusing = (r: Rotator, old: string): Partial<Rotator> => ({
  probe: (s) => (s.value === old ? r.probe(s) : Promise.resolve({ verdict: "invalid", code: "CREDENTIAL_REFUSED", message: "the provider doesn't know it" })),
  send: (call) => (call.method === "GET" && call.url.includes("/webhook_endpoints/we_") ? Promise.resolve({ ok: true, status: 404, headers: {}, text: "{}" }) : r.send(call)),
});
describe("a new value that the provider refuses", () => {
  it.each(CASES.filter((c) => !c.path.startsWith("outbound-webhooks")).map((c) => [c.name, c] as const))("%s: is never put in force, and is taken back", async (_name, c) => {
    const w = await world(c);
    try {
      const old = endpoint(c) ? "" : await w.value(c.path);
      const r = await quick(w, c);
      const { rotation } = await propose(r, { path: c.path, reason: "scheduled" });
      expect(await codes(advance({ ...r, ...refusing(r, old) }, rotation, wayOf({ ...r, ...refusing(r, old) })))).toEqual([endpoint(c) ? "ROTATION_ENDPOINT" : "ROTATION_NEXT_REFUSED"]);
      expect(steps(w)).not.toContain("promoted");
      if (!endpoint(c)) expect([steps(w).at(-1), await w.value(c.path)]).toEqual(["refused", old]);
      // A cut has no way back: what was made is the only one there is.
      if (c.cut) {
        expect((await advance(r, rotation, wayOf(r))).record.steps.at(-1)!.step).toBe("closed");
        return;
      }
      await mustServe(w, c);
      expect((await abort(r, rotation, wayOf(r))).record.steps.at(-1)!.step).toBe("aborted");
      await mustServe(w, c);
      if (c.service !== null) expect(alive(w, c.service, c.owner)).toBe(1);
      if (iamOf.has(w)) expect(iamOf.get(w)!.keys.size).toBe(1);
    } finally {
      await w.close();
    }
  }, 120_000);
});

describe("an old one that lives on after it was ended", () => {
  it.each(CASES.map((c) => [c.name, c] as const))("%s: the rotation stays open and loud until it is dead", async (_name, c) => {
    const w = await world(c);
    try {
      const old = endpoint(c) ? "" : await w.value(c.path);
      const r = await quick(w, c);
      const { rotation } = await propose(r, { path: c.path, reason: "scheduled" });
      // It was ended by every answer, and is accepted all the same.
      const lives: Rotator = {
        ...r, probe: (s) => (s.value === old ? Promise.resolve({ verdict: "valid", code: "CREDENTIAL_ACCEPTED", message: "accepted" }) : r.probe(s)),
        send: (call) => (endpoint(c) && call.method === "DELETE" ? Promise.resolve({ ok: true, status: 200, headers: {}, text: "{}" }) : r.send(call)),
        ...(c.path.startsWith("outbound") && { store: { kind: r.store.kind, describe: (n: string) => r.store.describe(n).then((d) => d && { ...d, versions: d.versions.map((v) => ({ ...v, label: v.label ?? "previous" })) }), list: (p: string) => r.store.list(p), read: (n: string, l?: "current" | "pending" | "previous") => r.store.read(n, l), remove: (n: string) => r.store.remove(n), put: (p: Parameters<Rotator["store"]["put"]>[0]) => r.store.put(p), promote: (n: string, v: string) => r.store.promote(n, v), withdraw: () => Promise.resolve() } }),
      };
      for (let again = 0; again < 2; again++) expect(await codes(advance(lives, rotation, wayOf(lives)))).toEqual(["ROTATION_OLD_ALIVE"]);
      expect(steps(w).filter((s) => s === "alive")).toHaveLength(2);
      expect(readRecords(w.root, "local", null).records.filter((k) => isOpen(k.record))).toHaveLength(1);
      // A second one of the same credential is refused meanwhile.
      expect(await codes(propose(r, { path: c.path, reason: "scheduled" }))).toEqual(["ROTATION_OPEN"]);
      await mustServe(w, c);
      if (c.guided) await tell(w, c.guided.service, old, "dead");
      if (endpoint(c)) await endOld(w, r);
      expect((await advance(r, rotation, wayOf(r))).record.steps.at(-1)!.step).toBe("closed");
      if (c.service !== null) expect(alive(w, c.service, c.owner)).toBe(1);
    } finally {
      await w.close();
    }
  }, 120_000);
});
describe("whatever refuses the old one and the new one alike", () => {
  it("shows nothing of the old one: the rotation stays open", async () => {
    const c = CASES.find((x) => x.path === "vapi.token")!;
    const w = await world(c);
    try {
      const old = await w.value(c.path);
      const r = await quick(w, c);
      const { rotation } = await propose(r, { path: c.path, reason: "departure" });
      // After the new one is in force everything is refused: an account that was closed, or something that answers in the provider's place.
      const refused: Rotator = { ...r, probe: (s) => (steps(w).includes("promoted") ? Promise.resolve({ verdict: "invalid", code: "CREDENTIAL_REFUSED", message: "refused" }) : r.probe(s)) };
      expect(await codes(advance(refused, rotation, wayOf(refused)))).toEqual(["ROTATION_INCONCLUSIVE"]);
      expect(steps(w)).not.toContain("buried");
      await tell(w, "vapi", old, "dead");
      expect((await advance(r, rotation, wayOf(r))).record.steps.at(-1)!.step).toBe("closed");
    } finally {
      await w.close();
    }
  }, 60_000);
});
describe("a way back", () => {
  it.each([["vapi.token", "valid", ["ROTATION_UNUSED_ALIVE"]], ["twilio.authToken", "invalid", []]] as const)("%s: says whether the new one that isn't used is dead", async (path, verdict, found) => {
    const c = CASES.find((x) => x.path === path)!;
    const w = await world(c);
    try {
      const r = await quick(w, c);
      const { rotation } = await propose(r, { path, reason: "scheduled" });
      const dark: Rotator = { ...r, probe: () => Promise.resolve({ verdict: "inconclusive", code: "NO_ANSWER", message: "no answer" }) };
      expect(await codes(advance(dark, rotation, wayOf(dark)))).toEqual(["ROTATION_INCONCLUSIVE"]);
      const back = await abort(r, rotation, wayOf(r));
      const last = back.record.steps.at(-1)!;
      expect([last.step, last.verdict, back.findings.map((f) => f.code)]).toEqual(["aborted", verdict, found]);
    } finally {
      await w.close();
    }
  }, 60_000);
});
/** What a person does in the dashboard: the endpoint that isn't the new one goes. */
async function endOld(w: World, r: Rotator): Promise<void> {
  const record = readRecords(w.root, "local", null).records.at(-1)!.record;
  const old = record.steps.find((s) => s.step === "minting")!.providerId!;
  const key = (await unsealed(r, "payments")).values.get("stripe.secretKey") ?? "";
  await fetch(`${w.sandbox.urls.stripe}/v1/webhook_endpoints/${old}`, { method: "DELETE", headers: { authorization: `Bearer ${key}` } });
}

describe("Amazon SES's password of an access key", () => {
  // The public vectors of the Terraform AWS provider's unit tests.
  it.each([
    ["some+secret+key", "eu-central-1", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"], ["some+secret+key", "us-west-1", "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj"], // stackseal:allow a public test vector
    ["another+secret+key", "eu-central-1", "BBbphbrQmrKMx42d1N6+C7VINYEBGI5v9VsZeTxwskfh"], ["another+secret+key", "us-west-1", "BKVmjjMDFk/qqw8EROW99bjCS65PF8WKvK5bSr4Y6EqF"], // stackseal:allow a public test vector
  ])("of %s in %s is as its documentation's algorithm gives it", (secret, region, password) => { expect(sesSmtpPassword(secret, region)).toBe(password); });
});

describe("a machine whose clock is wrong", () => {
  it.each([["behind", -7_200_000], ["ahead", 7_200_000]])("%s, and is set right in the middle of an overlap: the overlap lasts as long as it should", async (_name, wrong) => {
    const c = CASES[0]!;
    const w = await world(c);
    try {
      const clock = (ms: number): Partial<Rotator> => ({ clock: { now: () => new Date(Date.now() + ms) } });
      const go = async (more: Partial<Rotator>) => {
        const r = { ...(await quick(w, c)), ...more, options: { waitMs: 0, graceSeconds: 3600, confirmed: ["vapi"], now: false, settleMs: 0 } };
        const id = readRecords(w.root, "local", null).records.at(-1)?.record.rotation ?? (await propose(r, { path: c.path, reason: "scheduled" })).rotation;
        return advance(r, id, wayOf(r));
      };
      expect((await go(clock(wrong))).waiting?.wait.code).toBe("ROTATION_GRACE");
      expect((await go({})).waiting?.wait.code).toBe("ROTATION_GRACE");
      await mustServe(w, c);
      // An hour later by both clocks.
      const r = await quick(w, c);
      const hour: Partial<Rotator> = { ...clock(3_700_000), send: async (call) => { const reply = await r.send(call); return reply.ok ? { ...reply, headers: { ...reply.headers, date: new Date(Date.now() + 3_700_000).toUTCString() } } : reply; } };
      expect((await go(hour)).record.steps.at(-1)!.step).toBe("closed");
    } finally {
      await w.close();
    }
  }, 60_000);
  it("measures the overlap by the provider's clock, says so, and never writes a step before another", async () => {
    const c = CASES[0]!;
    const w = await world(c);
    try {
      const behind = { clock: { now: () => new Date(Date.now() - 3_600_000) } };
      const r = { ...(await quick(w, c)), ...behind };
      const { rotation } = await propose(r, { path: c.path, reason: "scheduled" });
      const done = await advance(r, rotation, wayOf(r));
      expect(done.findings.map((f) => f.code)).toContain("ROTATION_CLOCK_SKEW");
      const { steps: all } = done.record;
      expect(all.find((s) => s.step === "sealed")!.skewSeconds).toBeGreaterThan(3_500);
      expect(Math.abs(Date.parse(all.find((s) => s.step === "promoted")!.until!) - Date.now())).toBeLessThan(120_000);
      expect(all.at(-1)!.step).toBe("closed");
      // Set right in the middle of a rotation, and wrong again: the record's times never run backwards.
      const next = await propose(await quick(w, c), { path: c.path, reason: "scheduled" });
      const again = await advance(r, next.rotation, wayOf(r));
      const times = again.record.steps.map((s) => s.at);
      expect(times).toEqual([...times].sort());
      expect(readRecords(w.root, "local", signersIn(r)).findings).toEqual([]);
    } finally {
      await w.close();
    }
  }, 120_000);
});
