import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { createHttp } from "../lib/http.ts";
import type { Payments } from "../schemas/environment.ts";
import { expand } from "../schemas/template.ts";
import { examineApi } from "./api.ts";
import type { Controls } from "./controls.ts";
import { alwaysControl } from "./controls.ts";
import { probeCredential, type Probed } from "./index.ts";
import { specOf } from "../schemas/integrations/index.ts";
import type { HttpProbe } from "../schemas/probe.ts";
import { reachSmtp } from "./smtp-reach.ts";
import { deliverSelfTest, examineEndpoints } from "./stripe-endpoints.ts";

// Whoever answers in a provider's place: nothing that they say may become a verdict on a credential, and nothing that they send back may be shown.

const http = createHttp({ timeoutMs: 2_000, retries: 0 });
const open: Server[] = [];
afterAll(async () => {
  for (const s of open) s.close();
  await http.close();
});
const listen = (s: Server): Promise<number> => new Promise((done) => { open.push(s); s.listen(0, "127.0.0.1", () => { done((s.address() as AddressInfo).port); }); });

interface Said { readonly status: number; readonly body?: string; readonly type?: string }
/** A server that says what it is told to, of each request whether it carried this value. */
async function impostor(value: string, say: (mine: boolean, req: IncomingMessage) => Said): Promise<string> {
  const server = createHttpServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (d: Buffer) => chunks.push(d)).on("end", () => {
      const basic = Buffer.from((req.headers.authorization ?? "").replace(/^Basic /, ""), "base64").toString();
      const said = say([...Object.values(req.headers), basic, Buffer.concat(chunks).toString()].join("\n").includes(value), req);
      res.writeHead(said.status, { "content-type": said.type ?? "application/json", connection: "close" }).end(said.body ?? "{}");
    });
  });
  return `http://127.0.0.1:${await listen(server)}`;
}
const SUBJECTS: readonly (readonly [kind: string, service: string, sample: string, settings: Readonly<Record<string, unknown>>])[] = [
  ["twilio.authToken", "twilio", "{hex:32}", { accountSid: `AC${"1".repeat(32)}`, from: "+15005550006" }],
  ["twilio.apiKeySecret", "twilio", "{alnum:29}aB3", { accountSid: `AC${"1".repeat(32)}`, apiKeySid: `SK${"1".repeat(32)}`, from: "+15005550006" }],
  ["smtp.apiKey", "mailgun", "{hex:32}-{hex:8}-{hex:8}", { provider: "mailgun", username: "postmaster@mg.acme.example", host: "smtp.mailgun.org", apiKeyId: "00000000-00000000" }],
  ["vapi.token", "vapi", "{uuid}", { assistantId: "00000000-0000-4000-8000-000000000009" }],
  ["vonage.apiSecret", "vonage", "{alnum:13}aB3", { apiKey: "00000009" }],
  ["calcom.apiKey", "calcom", "cal_{hex:32}", { eventTypeId: 12349, baseUrl: "https://api.cal.com" }],
  ["stripe.secretKey", "stripe", "sk_test_{alnum:32}", { mode: "test", webhooks: { payments: { events: ["payment_intent.succeeded"] } } }],
  ["hubspot.accessToken", "hubspot", "pat-na1-{uuid}", { portalId: 123459 }],
  ["salesforce.consumerSecret", "salesforce", "{hex:64}", { domain: "acme.my.salesforce.com", consumerKey: `3MVG9${"1".repeat(81)}` }],
  ["pipedrive.apiToken", "pipedrive", "{hex:40}", { companyDomain: "acme-dev" }],
  ["gohighlevel.accessToken", "gohighlevel", "pit-{uuid}", { locationId: "0000000000000000000A" }],
];
const PAGE = "\n<!DOCTYPE html><html><body>Sign in to the network</body></html>";
describe.each(SUBJECTS)("%s", (kind, service, sample, settings) => {
  const value = expand(sample);
  const probe = async (say: Parameters<typeof impostor>[1], controls: Controls = alwaysControl): Promise<Probed> =>
    probeCredential({ kind, value, settings, environment: { name: "dev", tier: "development" }, http, signal: AbortSignal.timeout(20_000), clock: systemClock, sandbox: { [service]: await impostor(value, say) }, controls });

  it.each([200, 400, 401, 402, 403, 404, 511])("a web page with %i says nothing of it", async (status) => {
    expect(await probe(() => ({ status, body: PAGE, type: "text/html" }))).toMatchObject({ verdict: "inconclusive", code: "ANSWER_UNREADABLE" });
  });
  it("an answer that any copy gets says nothing of it either, whatever it tells of an account", async () => {
    const probed = await probe(() => ({ status: 200, body: JSON.stringify({ sid: "another", status: "suspended", type: "Odd", livemode: true, portalId: 1, accountType: "STANDARD", data: { id: 1, company_domain: "another" }, domain: { name: "another", state: "disabled", is_disabled: true }, location: { id: "another" } }) }));
    expect(probed).toMatchObject({ verdict: "inconclusive", code: "CONTROL_ACCEPTED" });
  });
  it("what is sent back is never shown, as it is or encoded", async () => {
    for (const echo of [value, Buffer.from(`user:${value}`).toString("base64").replaceAll("=", ""), `active ${value}`]) {
      const fields = { sid: echo, status: echo, type: echo, value: echo, account_sid: echo, livemode: echo, portalId: echo, accountType: echo, hubId: echo, data: { id: echo, company_domain: echo }, domain: { name: echo, state: echo, is_disabled: echo }, location: { id: echo }, code: echo };
      const said = JSON.stringify(await probe((mine) => ({ status: mine ? 200 : 401, body: JSON.stringify(fields) })));
      expect([said.includes(value), said.includes(echo)]).toEqual([false, false]);
    }
  });
  it("a refusal that was seen at one address isn't remembered for another", async () => {
    const known = new Set<string>();
    const controls: Controls = { refusedBefore: (k) => known.has(k), refused: (k) => { known.add(k); } };
    await probe((mine) => ({ status: mine ? 200 : 401 }), controls);
    expect((await probe(() => ({ status: 200 }), controls)).verdict).not.toBe("valid");
  });
});

describe("half an answer", () => {
  const value = expand("{hex:32}");
  const twilio = specOf("twilio.authToken")!.probe as HttpProbe;
  const sid = `AC${"1".repeat(32)}`;
  const examine = async (say: (path: string) => Said) => {
    const sandbox = await impostor(value, (mine, req) => (mine ? say(req.url ?? "") : { status: 401 }));
    const { steps } = await examineApi({ http, signal: AbortSignal.timeout(10_000), settings: { accountSid: sid, from: "+15005550006" }, sandbox, tier: "development", probe: twilio, title: "Twilio", path: "twilio.authToken", value, environment: { name: "dev", tier: "development" }, controls: alwaysControl, controlKey: "x" });
    return steps.map((s) => `${s.step} ${s.verdict} ${s.code}`);
  };
  it.each([["an empty object", "{}"], ["a page", PAGE], ["nothing", ""]])("%s instead of a list finds no phone number and no errors", async (_name, body) => {
    const steps = await examine((path) => (path.endsWith(`${sid}.json`) ? { status: 200, body: JSON.stringify({ sid, status: "active", type: "Full" }) } : { status: 200, body }));
    expect(steps).toContain("test valid CREDENTIAL_ACCEPTED");
    expect(steps.filter((s) => /RESOURCE_|NO_RECENT/.test(s))).toEqual([]);
    expect(steps).toContain("permissions inconclusive ANSWER_UNREADABLE");
    expect(steps).toContain("logs skipped ERRORS_NOT_TOLD");
  });
  const stripe = async (say: (n: number) => Said) => {
    let n = 0;
    const sandbox = await impostor(value, () => say(n++));
    const payments = { environment: "dev", stripe: { mode: "test", webhooks: { payments: { path: "/hook", apiVersion: "2026-10-28.endive", events: ["invoice.paid"] } } } } as unknown as Payments;
    const steps = await examineEndpoints({ http, signal: AbortSignal.timeout(10_000), settings: {}, sandbox, tier: "development", value, payments, environment: "dev", platformUrl: "https://dev.acme.example" });
    return { steps: steps.map((s) => `${s.verdict} ${s.code}`), asked: n };
  };
  it("an answer that is no list isn't an account without endpoints", async () => {
    expect((await stripe(() => ({ status: 200 }))).steps).toEqual(["inconclusive ANSWER_UNREADABLE"]);
  });
  it("a list without an end is left after as many pages as there can be", async () => {
    expect((await stripe((i) => ({ status: 200, body: JSON.stringify({ has_more: true, data: [{ id: `we_${i}` }] }) }))).asked).toBeLessThan(10);
  });
});

describe("a self-test event", () => {
  const deliver = async (right: number, wrong: number | null): Promise<string> => {
    const secret = "whsec_test";
    let n = 0;
    const server = createHttpServer((req, res) => {
      req.resume();
      const status = n++ === 0 ? wrong : right;
      if (status === null) res.destroy();
      else res.writeHead(status, { connection: "close" }).end();
    });
    const s = await deliverSelfTest({ http, signal: AbortSignal.timeout(10_000), name: "payments", url: `http://127.0.0.1:${await listen(server)}/`, secret, why: "", apiVersion: "2026-10-28.endive", live: false, now: new Date() });
    return `${s.verdict} ${s.code}`;
  };
  it.each([
    [200, 400, "valid SELF_TEST_TAKEN"], [200, 200, "invalid SIGNATURE_NOT_CHECKED"], [400, 400, "invalid SELF_TEST_REFUSED"],
    [200, null, "inconclusive PLATFORM_UNREACHABLE"], [200, 502, "inconclusive PLATFORM_UNREACHABLE"], [503, 503, "inconclusive PLATFORM_UNREACHABLE"], [429, 400, "inconclusive PLATFORM_UNREACHABLE"],
  ] as const)("right: %s, wrong: %s → %s", async (right, wrong, expected) => {
    expect(await deliver(right, wrong)).toBe(expected);
  });
});

describe("a mail server that ends in the middle", () => {
  const MIDDLE: readonly (readonly [name: string, encryption: "tls" | "ssl", serve: (s: Socket) => void, code: string])[] = [
    ["is busy at EHLO", "tls", (s) => { s.write("220 hi\r\n"); s.once("data", () => s.end("421 busy\r\n")); }, "SMTP_BUSY"],
    ["refuses EHLO", "tls", (s) => { s.write("220 hi\r\n"); s.on("data", () => s.write("554 blocked\r\n")); }, "SMTP_BUSY"],
    ["hangs up at EHLO", "tls", (s) => { s.write("220 hi\r\n"); s.once("data", () => s.destroy()); }, "SMTP_CLOSED"],
    ["answers half of EHLO", "tls", (s) => { s.write("220 hi\r\n"); s.once("data", () => s.end("250-hi\r\n250-SI")); }, "SMTP_CLOSED"],
    ["falls silent at EHLO", "tls", (s) => { s.write("220 hi\r\n"); }, "SMTP_CLOSED"],
    ["hangs up after STARTTLS", "tls", (s) => { s.write("220 hi\r\n"); s.on("data", (d) => { if (String(d).startsWith("EHLO")) s.write("250-hi\r\n250 STARTTLS\r\n"); else if (String(d).startsWith("STARTTLS")) s.end("220 go\r\nnot TLS\r\n"); }); }, "SMTP_TLS"],
    ["is a web server on the port of TLS", "ssl", (s) => { s.once("data", () => s.end("HTTP/1.1 400 Bad Request\r\n\r\n")); }, "SMTP_TLS"],
  ];
  it.each(MIDDLE)("%s (%s): inconclusive", async (_name, encryption, serve, code) => {
    const sockets = new Set<Socket>();
    const server = createServer((s) => { sockets.add(s); s.on("error", () => undefined); serve(s); });
    const r = await reachSmtp({ host: "127.0.0.1", port: await listen(server), encryption, timeoutMs: 500 }, AbortSignal.timeout(10_000));
    for (const s of sockets) s.destroy();
    expect(r.verdict).toBe("inconclusive");
    expect(code === "SMTP_TLS" ? ["SMTP_TLS", "SMTP_TLS_TIMEOUT"] : [code]).toContain(r.code);
  });
  it("one that greets in clear where TLS is declared is told apart", async () => {
    const port = await listen(createServer((s) => { s.on("error", () => undefined).write("220 hi\r\n"); }));
    expect(await reachSmtp({ host: "127.0.0.1", port, encryption: "ssl", timeoutMs: 1_000 }, AbortSignal.timeout(10_000))).toMatchObject({ verdict: "invalid", code: "SMTP_WANTS_STARTTLS" });
  });
});
