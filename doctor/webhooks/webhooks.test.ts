import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";
import twilioSdk from "twilio";
import { afterEach, describe, expect, it } from "vitest";
import { expand } from "../../schemas/template.ts";
import { schemes } from "./index.ts";
import { receive, type Received, type Receiver } from "./receiver.ts";
import type { Scheme, WebhookRequest } from "./scheme.ts";

const NOW = new Date();
const later = (s: number): Date => new Date(NOW.getTime() + s * 1000);
const SECRETS: Readonly<Record<string, string>> = { standard: "whsec_{bytes64:32}", stripe: "whsec_{alnum:32}", twilio: "{hex:32}", calcom: "{alnum:20}", vapi: "{uuid}", hubspot: "{uuid}" };
const secretOf = (s: Scheme): string => expand(SECRETS[s.id] ?? "");
const body = JSON.stringify({ id: "evt_1234567890", object: "event", type: "contact.created", triggerEvent: "BOOKING_CREATED", createdAt: "2026-11-24T09:00:00Z", payload: { uid: "u1" }, data: { object: {} } });
const bare: WebhookRequest = { method: "POST", url: "https://app.acme.example/hooks?a=1%3A2", headers: { "content-type": "application/json" }, body };
const signed = async (s: Scheme, secret: string, at = NOW): Promise<WebhookRequest> => {
  const r = await s.sign(bare, secret, at, "msg_1");
  return { ...bare, url: r.url, headers: { ...bare.headers, ...r.headers } };
};

describe.each(schemes.map((s) => [s.id, s] as const))("%s", (_id, s) => {
  const secret = secretOf(s);
  it("verifies what it signed", async () => { expect(await s.verify(await signed(s, secret), secret, later(3))).toMatchObject({ ok: true, code: "WEBHOOK_VERIFIED" }); });
  it("refuses another secret", async () => { expect(await s.verify(await signed(s, secret), secretOf(s), NOW)).toMatchObject({ ok: false, code: "WEBHOOK_SIGNATURE_WRONG" }); });
  it("refuses a body with one byte changed", async () => {
    const r = await s.verify({ ...(await signed(s, secret)), body: body.replace("contact", "contacT") }, secret, NOW);
    expect(r.ok).toBe(false);
    expect(["WEBHOOK_SIGNATURE_WRONG", "WEBHOOK_BODY_CHANGED"]).toContain(r.code);
  });
  it("refuses a request without a signature", async () => { expect(await s.verify(bare, secret, NOW)).toMatchObject({ ok: false, code: "WEBHOOK_SIGNATURE_MISSING" }); });
});

describe.each(schemes.filter((s) => s.tolerance !== null).map((s) => [s.id, s] as const))("%s signs the time", (_id, s) => {
  const secret = secretOf(s);
  it("shows an old one as a replay or a slow clock, with its age", async () => { expect(await s.verify(await signed(s, secret), secret, later(301))).toMatchObject({ ok: false, code: "WEBHOOK_TOO_OLD", ageSeconds: 301 }); });
  it("tells a clock that is ahead", async () => {
    const r = await s.verify(await signed(s, secret, later(400)), secret, NOW);
    expect(r.ageSeconds).toBe(-400);
    // Stripe's own library takes signatures from the future; so it is said, and not refused.
    expect(r.ok).toBe(s.id === "stripe");
    expect(r.message).toMatch(/in the future/);
  });
});
describe.each(schemes.filter((s) => s.tolerance === null).map((s) => [s.id, s] as const))("%s signs no time", (_id, s) => {
  const secret = secretOf(s);
  it("says that it signs no time", async () => { expect((await s.verify(await signed(s, secret), secret, later(9999))).message).toMatch(/signs no time/); });
});

describe("the vendors' own libraries judge what we sign", () => {
  const of = (id: string): Scheme => schemes.find((s) => s.id === id)!;
  it("Standard Webhooks", async () => {
    const secret = expand(SECRETS["standard"]!);
    expect(new Webhook(secret).verify(body, (await signed(of("standard"), secret)).headers as Record<string, string>)).toMatchObject({ type: "contact.created" });
  });
  it("Stripe, and ours judges what Stripe's signs", async () => {
    const secret = expand(SECRETS["stripe"]!);
    expect(Stripe.webhooks.constructEvent(body, (await signed(of("stripe"), secret)).headers["stripe-signature"]!, secret).type).toBe("contact.created");
    const header = Stripe.webhooks.generateTestHeaderString({ payload: body, secret });
    expect((await of("stripe").verify({ ...bare, headers: { "stripe-signature": `${header},v1=${"0".repeat(64)}` } }, secret, new Date())).ok).toBe(true);
  });
  it.each([
    ["a form", "application/x-www-form-urlencoded", "To=%2B15005550006&From=%2B15005550001&Body=a%20b%26c&MediaUrl=2&MediaUrl=1&MediaUrl=1"],
    ["an empty form", "application/x-www-form-urlencoded", ""],
  ])("Twilio: %s", async (_name, type, form) => {
    const token = expand("{hex:32}");
    const request = { ...bare, headers: { "content-type": type }, body: form };
    const r = await of("twilio").sign(request, token, NOW, "");
    const params: Record<string, unknown> = {};
    for (const [k, v] of new URLSearchParams(form)) params[k] = params[k] === undefined ? v : [...(Array.isArray(params[k]) ? (params[k] as string[]) : [params[k] as string]), v];
    expect(twilioSdk.validateRequest(token, r.headers["x-twilio-signature"]!, r.url, params)).toBe(true);
    const theirs = createHmac("sha1", token).update(`https://app.acme.example:443/hooks?a=1%3A2${[...new URLSearchParams(form).keys()].length ? "Bodya b&cFrom+15005550001MediaUrl1MediaUrl2To+15005550006" : ""}`).digest("base64");
    expect((await of("twilio").verify({ ...request, headers: { ...request.headers, "x-twilio-signature": theirs } }, token, NOW)).ok).toBe(true);
  });
  it("Twilio: a JSON body by its digest in the URL", async () => {
    const token = expand("{hex:32}");
    const r = await signed(of("twilio"), token);
    expect(twilioSdk.validateRequestWithBody(token, r.headers["x-twilio-signature"]!, r.url, body)).toBe(true);
    expect(twilioSdk.validateRequestWithBody(token, r.headers["x-twilio-signature"]!, r.url, `${body} `)).toBe(false);
    // A rightly signed URL without a digest says nothing of a JSON body.
    const form = await of("twilio").sign({ ...bare, body: "" }, token, NOW, "");
    expect(await of("twilio").verify({ ...bare, headers: { ...bare.headers, ...form.headers } }, token, NOW)).toMatchObject({ ok: false, code: "WEBHOOK_BODY_CHANGED" });
  });
  it("HubSpot signs the decoded URI", async () => {
    const [secret, stamp] = [expand("{uuid}"), String(NOW.getTime())];
    const theirs = createHmac("sha256", secret).update(`POSThttps://app.acme.example/hooks?a=1:2${body}${stamp}`).digest("base64");
    expect((await of("hubspot").verify({ ...bare, headers: { "x-hubspot-signature-v3": theirs, "x-hubspot-request-timestamp": stamp } }, secret, NOW)).ok).toBe(true);
  });
  it("Cal.com without a secret is refused by name", async () => {
    expect(await of("calcom").verify({ ...bare, headers: { "x-cal-signature-256": "no-secret-provided" } }, "x", NOW)).toMatchObject({ ok: false, code: "WEBHOOK_UNSIGNED" });
  });
  it("Vapi's legacy header is the secret itself, and that is said", async () => {
    const r = await of("vapi").verify({ ...bare, headers: { "x-vapi-secret": "s3cret-value" } }, "s3cret-value", NOW);
    expect(r).toMatchObject({ ok: true });
    expect(r.message).toMatch(/signs neither/);
  });
  it("says of a secret of another form what is wanted, and doesn't repeat it", async () => {
    await expect(of("standard").sign(bare, "not base64 !", NOW, "x")).rejects.toThrow(/whsec_/);
  });
});

describe("the receiver", () => {
  let receiver: Receiver | undefined;
  afterEach(async () => { await receiver?.close(); });
  it("takes a delivery once, calls the second one a replay, and refuses an unsigned one", async () => {
    const scheme = schemes[0]!;
    const secret = secretOf(scheme);
    const got: Received[] = [];
    receiver = await receive({ scheme, secret, port: 0, publicUrl: null, now: () => new Date(), each: (r) => { got.push(r); } });
    const { headers } = await scheme.sign(bare, secret, new Date(), "msg_1");
    const post = async (h: Readonly<Record<string, string>>): Promise<number> => (await fetch(`${receiver!.url}/x`, { method: "POST", headers: h, body })).status;
    expect([await post(headers), await post(headers), await post({})]).toEqual([204, 204, 401]);
    expect(got.map((r) => [r.verified.code, r.replay, r.type])).toEqual([["WEBHOOK_VERIFIED", false, "contact.created"], ["WEBHOOK_VERIFIED", true, "contact.created"], ["WEBHOOK_SIGNATURE_MISSING", false, "contact.created"]]);
    expect(receiver.url).toMatch(/^http:\/\/127\.0\.0\.1:/);
  });
});
