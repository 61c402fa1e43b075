import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Stripe from "stripe";
import { describe, expect, it } from "vitest";
import { LABELS } from "../../providers/stores/contract.ts";
import { advance } from "../../rotation/machine.ts";
import { inOrder, targets } from "../../rotation/plan.ts";
import { settingsOf } from "../../rotation/deliver.ts";
import { propose, wayOf } from "../../rotation/start.ts";
import { signingSecretName, storeSecretName } from "../../schemas/layout.ts";
import { expand } from "../../schemas/template.ts";
import { CASES } from "./cases.ts";
import { makeWorld, settingsBeside, tell, type World } from "./world.ts";

const pause = (ms: number): Promise<void> => new Promise((done) => { setTimeout(done, ms); });

/** An application that takes what its store has in force and calls the provider, 50 times a second, until told to stop. */
async function client(w: World, path: string): Promise<{ stop: () => Promise<{ calls: number; refused: string[] }> }> {
  const r = await w.rotator();
  const e = r.declared.expected.find((x) => x.path === path)!;
  const name = storeSecretName("local", e.spec.class, e.integration);
  const refused: string[] = [];
  const flying = new Set<Promise<void>>();
  let calls = 0;
  const call = async (): Promise<void> => {
    const values = (await w.store.read(name))!;
    const settings = settingsBeside(r, e, values);
    const p = await r.probe({ path, kind: e.kind, integration: e.integration, value: values[e.spec.env[0]!]!, settings });
    calls++;
    if (p.verdict !== "valid") refused.push(`${p.verdict} ${p.code} ${p.message}`);
  };
  const timer = setInterval(() => {
    if (flying.size > 10) return; // a loaded machine: no pile of calls that began long ago
    const one = call().finally(() => flying.delete(one));
    flying.add(one);
  }, 20);
  return { stop: async () => { clearInterval(timer); await Promise.all(flying); return { calls, refused }; } };
}

describe("a client that uses the credential 50 times a second", () => {
  it.each([["twilio.authToken", "twilio", "sendgrid"], ["vonage.apiSecret", "vonage", "sendgrid"], ["salesforce.consumerSecret", "salesforce", "sendgrid"], ["smtp.password", "smtp", "sendgrid"], ["smtp.password", "smtp", "mailgun"], ["twilio.apiKeySecret", "twilio", "sendgrid"], ["smtp.apiKey", "smtp", "mailgun-key"]])("is never refused while %s of %s is rotated (mail: %s)", async (path, only, mail) => {
    const w = await makeWorld({ only: [only], mail, settings: path === "twilio.apiKeySecret" ? CASES.find((c) => c.path === path)!.settings! : {} });
    try {
      const c = await client(w, path);
      await pause(300);
      const r = await w.rotator({ graceSeconds: 3, waitMs: 30_000 });
      const done = await advance(r, (await propose(r, { path, reason: "scheduled" })).rotation, wayOf(r));
      await pause(300);
      const { calls, refused } = await c.stop();
      expect(done.record.steps.at(-1)!.step).toBe("closed");
      expect(refused).toEqual([]);
      expect(calls).toBeGreaterThan(20);
    } finally {
      await w.close();
    }
  }, 120_000);
});

describe("a signing secret's roll", () => {
  it("loses none of 1,000 events and gives none twice to a receiver that knows both secrets and every event's id", async () => {
    const secrets = new Set<string>();
    const seen = new Set<string>();
    let rejected = 0;
    const load = async (): Promise<void> => { for (const l of LABELS) { const s = (await w.store.read(signingSecretName("local", "payments"), l))?.["current"]; if (s !== undefined) secrets.add(s); } };
    const known = (body: string, signature: string): string | null => {
      for (const s of secrets) {
        try {
          return Stripe.webhooks.constructEvent(body, signature, s).id;
        } catch {
          // Another slot's.
        }
      }
      return null;
    };
    let processed = 0;
    const receiver = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on("data", (c: Buffer) => chunks.push(c)).on("end", () => void (async () => {
        const [body, signature] = [Buffer.concat(chunks).toString("utf8"), String(req.headers["stripe-signature"])];
        let id = known(body, signature);
        // A new secret was delivered before anything is signed with it: an unknown signature is a reason to look.
        if (id === null) { await load(); id = known(body, signature); }
        if (id === null) { rejected++; res.writeHead(400).end(); return; }
        if (!seen.has(id)) { seen.add(id); processed++; }
        res.writeHead(200).end();
      })());
    });
    await new Promise<void>((done) => { receiver.listen(0, "127.0.0.1", done); });
    const w: World = await makeWorld({ only: ["twilio"], webhookUrl: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}` });
    try {
      const sent: string[] = [];
      const attempts: number[] = [];
      let left = 1000;
      const sender = async (): Promise<void> => {
        while (left-- > 0) {
          const d = await w.sandbox.stripe.deliver("invoice.paid");
          sent.push(d.event);
          attempts.push(...d.deliveries.map((x) => x.attempts));
          await pause(2);
        }
      };
      const senders = Promise.all(Array.from({ length: 6 }, sender));
      await pause(200);
      const r = await w.rotator({ graceSeconds: 1, waitMs: 30_000 });
      const done = await advance(r, (await propose(r, { path: "stripe.webhooks.payments.signingSecret", reason: "scheduled" })).rotation, wayOf(r));
      expect(done.waiting?.wait.message).toBeUndefined();
      expect(done.record.steps.at(-1)!.step).toBe("closed");
      expect(done.record.steps.find((s) => s.step === "revoked")!.evidence).toMatch(/^evt_/);
      expect(sent.length).toBeGreaterThan(10);
      await senders;
      expect(sent).toHaveLength(1000);
      expect(rejected).toBe(0);
      expect(sent.filter((id) => !seen.has(id))).toEqual([]);
      expect(processed).toBe(seen.size);
      expect(attempts.every((a) => a === 1)).toBe(true);
      // Both endpoints sent for a while: more deliveries than events.
      expect(attempts.length).toBeGreaterThan(1000);
    } finally {
      await w.close();
      receiver.close();
      receiver.closeAllConnections();
    }
  }, 240_000);
});

describe("all of an environment", () => {
  it("is rotated in order of danger, every old one refused, with the time from the report written down", async () => {
    const w = await makeWorld();
    try {
      const all = inOrder(targets((await w.rotator()).declared));
      expect(all.map((t) => t.path).slice(0, 2)).toEqual(["stripe.secretKey", "twilio.authToken"]);
      expect(all.length).toBeGreaterThanOrEqual(12);
      const service: Record<string, [Parameters<typeof tell>[1], string]> = { stripe: ["stripe", ""], vapi: ["vapi", ""], hubspot: ["hubspot", ""], pipedrive: ["pipedrive", ""], gohighlevel: ["gohighlevel", ""], zapier: ["vapi", ""] };
      const reportedAt = new Date();
      const began = Date.now();
      const ends: Record<string, string> = {};
      for (const t of all) {
        const guided = t.rotation.kind === "guided";
        const [id = ""] = t.path.split(".");
        const e = (await w.rotator()).declared.expected.find((x) => x.path === t.path);
        const old = e ? await w.value(t.path) : "";
        const console_ = async (value: string, state: "active" | "dead"): Promise<void> => {
          if (id === "stripe") await fetch(`${w.sandbox.urls.stripe}/_sandbox/keys`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ key: value, state }) });
          else if (id !== "zapier") await tell(w, service[id]![0], value, state, "", settingsOf(await w.rotator(), e!));
        };
        const receive = async (): Promise<string> => {
          const value = expand(e!.sample);
          // At the sandbox a registered account has registered credentials alone: both live until the old one is ended.
          await console_(old, "active");
          await console_(value, "active");
          return value;
        };
        const r = await w.rotator({ confirmed: ["event"] }, guided ? { receive } : {});
        const record = await propose(r, { path: t.path, reason: t.path.startsWith("zapier.") ? "scheduled" : "compromise", reportedAt });
        if (guided && id !== "zapier") {
          await expect(advance(r, record.rotation, wayOf(r))).rejects.toThrow("ROTATION_OLD_ALIVE");
          await console_(old, "dead");
        }
        const done = await advance(r, record.rotation, wayOf(r));
        ends[t.path] = `${done.record.steps.at(-1)!.step} ${done.record.steps.find((s) => s.step === "buried")?.verdict ?? ""}`;
        if (!t.path.startsWith("zapier.")) expect(done.record.steps.find((s) => s.step === "buried")!.sinceReportSeconds).toBeGreaterThanOrEqual(0);
      }
      expect(ends).toEqual(Object.fromEntries(all.map((t) => [t.path, `closed ${t.path.startsWith("zapier.") ? "skipped" : "invalid"}`])));
      // Measured: well under a minute; a loaded machine gets more.
      expect(Date.now() - began).toBeLessThan(240_000);
    } finally {
      await w.close();
    }
  }, 300_000);
});
