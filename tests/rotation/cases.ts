import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import type { Rotator } from "../../rotation/context.ts";
import { sesSmtpPassword } from "../../rotation/strategies/iam.ts";
import { storeSecretName } from "../../schemas/layout.ts";
import { expand } from "../../schemas/template.ts";
import { fakeIam, makeWorld, settingsBeside, tell, type World } from "./world.ts";

// Every way of rotating, each with the world that it needs.

export interface Case {
  readonly name: string;
  readonly path: string;
  readonly only: readonly string[];
  readonly mail?: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Whose credentials of that service are counted. */
  readonly owner?: RegExp;
  /** The sandbox's service, whose living credentials are counted. */
  readonly service: string | null;
  readonly cut?: boolean;
  /** What a person does: a new value, and the old one ended. */
  readonly guided?: { readonly template: string; readonly service: "vapi" | "pipedrive"; readonly cut?: boolean };
}
export const CASES: readonly Case[] = [
  { name: "Twilio's secondary token", path: "twilio.authToken", only: ["twilio", "vapi"], service: "twilio" },
  { name: "Twilio's API keys", path: "twilio.apiKeySecret", only: ["twilio"], settings: { twilio: `{ accountSid: AC${"0".repeat(32)}, apiKeySid: SK${"0".repeat(32)}, from: "+15005550006" }` }, service: "twilio", owner: /^SK/ },
  { name: "SendGrid's API keys", path: "smtp.password", only: ["smtp"], service: "sendgrid" },
  { name: "Mailgun's SMTP logins", path: "smtp.password", only: ["smtp"], mail: "mailgun", service: null },
  { name: "Mailgun's API keys", path: "smtp.apiKey", only: ["smtp"], mail: "mailgun-key", service: "mailgun", owner: /^api$/ },
  { name: "Mailtrap's API tokens", path: "smtp.password", only: ["smtp"], mail: "mailtrap", service: "mailtrap" },
  { name: "SES by two IAM keys", path: "smtp.password", only: ["smtp"], mail: "ses", service: null },
  { name: "Vonage's two secrets", path: "vonage.apiSecret", only: ["vonage"], service: "vonage" },
  { name: "Salesforce's staged pair", path: "salesforce.consumerSecret", only: ["salesforce"], service: "salesforce" },
  { name: "Cal.com's hard cut", path: "calcom.apiKey", only: ["calcom"], service: "calcom", cut: true },
  { name: "an outbound webhook's secret", path: "outbound-webhooks.crm-sync.signingSecret", only: ["outbound-webhooks"], service: null },
  { name: "a Stripe endpoint", path: "stripe.webhooks.payments.signingSecret", only: ["twilio"], service: "stripe" },
  { name: "Vapi by hand", path: "vapi.token", only: ["vapi"], service: null, guided: { template: "{uuid}", service: "vapi" } },
];

/** Without the sweep of all integrations, which another test covers: its verdicts are those of the environment as it was. */
export function quick(w: World, c: Case, extra: Partial<Rotator> = {}): Promise<Rotator> {
  return w.rotator({}, { ...(iamOf.get(w) && { accessKeys: () => Promise.resolve(iamOf.get(w)!) }), ...(c.guided && { receive: () => person(w, c) }), ...extra });
}
export const iamOf = new WeakMap<World, ReturnType<typeof fakeIam>>();
export const made = new WeakMap<World, string>();
/** A person at the provider's console: makes a value, and gives it again when asked again. */
async function person(w: World, c: Case): Promise<string> {
  const value = made.get(w) ?? expand(c.guided!.template);
  if (!made.has(w)) await tell(w, c.guided!.service, value, "active");
  made.set(w, value);
  return value;
}
export async function world(c: Case): Promise<World> {
  // A platform that takes every event: the endpoint's way waits for one.
  const receiver = c.service === "stripe" ? createServer((_req, res) => { res.writeHead(200).end(); }) : null;
  if (receiver) await new Promise<void>((done) => { receiver.listen(0, "127.0.0.1", done); });
  const bare = await makeWorld({ only: c.only, ...(c.mail !== undefined && { mail: c.mail }), ...(c.settings && { settings: c.settings }), ...(receiver && { webhookUrl: `http://127.0.0.1:${String((receiver.address() as AddressInfo).port)}` }) });
  const w: World = receiver ? { ...bare, close: async () => { receiver.closeAllConnections(); receiver.close(); await bare.close(); } } : bare;
  if (c.mail === "ses") iamOf.set(w, fakeIam(w, "eu-west-1", sesSmtpPassword, { id: ["AKIA", "IOSFODNN7EXAMPLQ"].join(""), password: await w.value("smtp.password") }));
  if (c.guided) await tell(w, c.guided.service, await w.value(c.path), "active");
  return w;
}
/** What an application has now is accepted by its provider: the store's value in force, with the settings delivered beside it. */
export async function mustServe(w: World, c: Case): Promise<void> {
  const r = await w.rotator();
  const e = r.declared.expected.find((x) => x.path === c.path);
  if (!e || e.spec.probe.kind === "none") return;
  const values = (await w.store.read(storeSecretName("local", e.spec.class, e.integration)))!;
  const settings = settingsBeside(r, e, values);
  const p = await r.probe({ path: e.path, kind: e.kind, integration: e.integration, value: values[e.spec.env[0]!]!, settings });
  expect({ step: "what is delivered is accepted", verdict: p.verdict }).toEqual({ step: "what is delivered is accepted", verdict: "valid" });
}
