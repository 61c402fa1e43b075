import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Controls } from "../../doctor/controls.ts";
import { writeAtomic } from "../../lib/atomic.ts";
import { systemClock, type Clock } from "../../lib/clock.ts";
import { createHttp, type Http } from "../../lib/http.ts";
import { FileStore } from "../../providers/stores/file.ts";
import type { Store } from "../../providers/stores/contract.ts";
import { endpointVersion, secretFingerprint } from "../../providers/stripe/stamp.ts";
import type { AccessKeys, Rotator } from "../../rotation/context.ts";
import { settingsOf, unsealed, versionOf } from "../../rotation/deliver.ts";
import { providerPorts } from "../../rotation/ports.ts";
import { startSandbox, type Sandbox } from "../../sandbox/index.ts";
import { expectedSecrets, integrationOf, type ExpectedSecret } from "../../schemas/integrations/index.ts";
import { LOCAL, signingSecretName } from "../../schemas/layout.ts";
import { readPeople } from "../../seal/deploy.ts";
import { identitiesFor } from "../../seal/identity.ts";
import { openPeppers } from "../../seal/pepper.ts";
import { localSigner, seedLocal } from "../../seal/seed.ts";
import { readProject } from "../../stacks/read.ts";

/** A project with the environment `local` that declares everything, seeded, delivered to its store, and the sandbox that stands for the providers. */
export interface World {
  readonly root: string;
  readonly sandbox: Sandbox;
  readonly store: Store;
  readonly http: Http;
  rotator(options?: Partial<Rotator["options"]>, more?: Partial<Rotator>): Promise<Rotator>;
  value(path: string): Promise<string>;
  close(): Promise<void>;
}
const MAIL: Readonly<Record<string, string>> = {
  sendgrid: "{ provider: sendgrid, driver: smtp, host: smtp.sendgrid.net, port: 25, encryption: null, username: apikey, from: { address: no-reply@local.acme.example, name: Acme } }",
  mailgun: "{ provider: mailgun, driver: smtp, host: smtp.mailgun.org, port: 25, encryption: null, username: postmaster@mg.acme.example, from: { address: no-reply@mg.acme.example, name: Acme } }",
  "mailgun-key": "{ provider: mailgun, driver: smtp, host: smtp.mailgun.org, port: 25, encryption: null, username: postmaster@mg.acme.example, apiKeyId: 00000000-00000000, from: { address: no-reply@mg.acme.example, name: Acme } }",
  mailtrap: "{ provider: mailtrap, driver: smtp, host: live.smtp.mailtrap.io, port: 25, encryption: null, username: api, from: { address: no-reply@local.acme.example, name: Acme } }",
  ses: "{ provider: ses, driver: smtp, host: email-smtp.eu-west-1.amazonaws.com, port: 25, encryption: null, username: AKIAIOSFODNN7EXAMPLQ, from: { address: no-reply@local.acme.example, name: Acme } }",
  generic: "{ provider: generic, driver: smtp, host: 127.0.0.1, port: 1025, encryption: null, username: acme-local, from: { address: no-reply@local.acme.example, name: Acme } }",
  gmail: "{ provider: gmail, driver: smtp, host: smtp.gmail.com, port: 587, encryption: tls, username: acme@gmail.com, from: { address: acme@gmail.com, name: Acme } }",
};
const INTEGRATIONS: Readonly<Record<string, string>> = {
  twilio: '{ accountSid: AC00000000000000000000000000000000, from: "+15005550006" }', vapi: "{ assistantId: 00000000-0000-4000-8000-000000000000 }", vonage: '{ apiKey: "00000000" }', calcom: "{ eventTypeId: 10001 }",
  "outbound-webhooks": "{ endpoints: { crm-sync: { url: http://127.0.0.1:8000/hooks/crm, events: [call.completed] }, reporting: { url: http://127.0.0.1:8000/hooks/reports, events: [campaign.completed] } } }",
  zapier: "{ hooks: { leads: { events: [contact.created] } } }", hubspot: "{ portalId: 123450 }", salesforce: "{ domain: acme--local.sandbox.my.salesforce.com, consumerKey: 3MVG9000000000000000000000000000000000000000000000000000000000000000000000000000000000 }",
  pipedrive: "{ companyDomain: acme-local }", gohighlevel: '{ locationId: "00000000000000000000" }',
};
export async function makeWorld(options: { readonly mail?: string; readonly webhookUrl?: string; readonly only?: readonly string[]; readonly settings?: Readonly<Record<string, string>> } = {}): Promise<World> {
  const root = mkdtempSync(join(tmpdir(), "rotation-"));
  const put = (file: string, text: string): void => { mkdirSync(dirname(join(root, file)), { recursive: true }); writeFileSync(join(root, file), text); };
  put("stacks/local/environment.yaml", `environment: local
tier: local
platform: { url: ${options.webhookUrl ?? "http://127.0.0.1:8000"}, plan: agency }
store: { kind: file }
integrations:
${[...Object.entries({ ...INTEGRATIONS, ...options.settings }), ["smtp", MAIL[options.mail ?? "sendgrid"]!]].filter(([id]) => options.only?.includes(id!) !== false).map(([id, text]) => `    ${id!}: ${text!}`).join("\n")}
`);
  put("stacks/local/payments.yaml", `environment: local
stripe:
    mode: test
    publishableKey: pk_test_000000000000000000000000
    apiBase: sandbox
    webhooks:
        payments: { path: /webhooks/stripe, apiVersion: 2026-10-28.endive, events: [payment_intent.succeeded, invoice.paid] }
`);
  const clock: Clock = systemClock;
  const read = () => readProject(root, { clock });
  const first = read().environments[0]!;
  await seedLocal(root, "local", expectedSecrets({ ...first.environment.integrations, stripe: first.payments!.stripe }, "local"), clock.now());
  const sandbox = await startSandbox({ stateDir: join(root, ".stackseal/sandbox"), retryMs: 50 });
  const http = createHttp({ timeoutMs: 3_000, retries: 0 });
  const store = new FileStore(root, LOCAL, {}, clock);
  const env = { STACKSEAL_ADMIN_SALESFORCE: "a".repeat(63) + "1", ...(options.mail === "mailgun" && { STACKSEAL_ADMIN_MAILGUN: `key-${"a1".repeat(16)}` }) };
  const identities = identitiesFor(root, LOCAL, {});
  const controlled = new Set<string>();
  const controls: Controls = { refusedBefore: (k) => controlled.has(k), refused: (k) => { controlled.add(k); } };

  async function rotator(o: Partial<Rotator["options"]> = {}, more: Partial<Rotator> = {}): Promise<Rotator> {
    const project = read();
    const declared = project.environments[0]!;
    const signer = localSigner(root)!;
    const signal = new AbortController().signal;
    return {
      root, clock, signal, env, ...providerPorts({ http, declared, signal, clock, sandbox: sandbox.urls, ca: sandbox.ca, controls }), store, accessKeys: null,
      write: (f, t, m) => { writeAtomic(f, t, m); }, remove: (f) => { rmSync(f, { force: true }); }, wait: (ms) => new Promise((done) => { setTimeout(done, ms); }), say: () => undefined,
      declared, project, people: readPeople(root, LOCAL), signer, identities, peppers: await openPeppers(root, LOCAL, "local", identities), sandbox: true, receive: null,
      options: { waitMs: 5_000, graceSeconds: 0, confirmed: [], now: false, settleMs: 0, ...o }, ...more,
    };
  }
  const world: World = {
    root, sandbox, store, http, rotator,
    value: async (path) => {
      const r = await rotator();
      const e = r.declared.expected.find((x) => x.path === path)!;
      return (await unsealed(r, e.spec.class)).values.get(path)!;
    },
    close: async () => { await http.close(); await sandbox.close(); rmSync(root, { recursive: true, force: true }); },
  };
  if (options.mail?.startsWith("mailgun")) await tell(world, "mailgun", await world.value("smtp.password"), "active", "login:postmaster@mg.acme.example");
  if (options.only?.includes("vonage") !== false) await tell(world, "vonage", await world.value("vonage.apiSecret"), "active", "00000000");
  await deliverAll(world);
  return world;
}
/** Delivers everything that is sealed, as `up` does; and an endpoint with its signing secret. */
async function deliverAll(w: World): Promise<void> {
  const r = await w.rotator();
  const seen = new Set<string>();
  for (const e of r.declared.expected) {
    const key = `${e.spec.class}/${e.integration}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const v = versionOf(r, e, await unsealed(r, e.spec.class), null, settingsOf(r, e));
    await w.store.put({ name: v.name, versionId: v.id, values: v.values, notes: v.notes, tags: {} });
  }
  const key = (await unsealed(r, "payments")).values.get("stripe.secretKey")!;
  const form = new URLSearchParams({ url: new URL("/webhooks/stripe", r.declared.environment.platform.url).href, "enabled_events[0]": "payment_intent.succeeded", "enabled_events[1]": "invoice.paid", "api_version": "2026-10-28.endive", "metadata[managed_by]": "stackseal", "metadata[stack]": "stackseal/local-payments", "metadata[name]": "payments" });
  const made = await (await fetch(`${w.sandbox.urls.stripe}/v1/webhook_endpoints`, { method: "POST", headers: { authorization: `Bearer ${key}` }, body: form })).json() as { id: string; secret: string };
  await w.store.put({ name: signingSecretName(LOCAL, "payments"), versionId: endpointVersion(made.id), values: { current: made.secret }, tags: {}, notes: { endpoint: made.id, fingerprint: secretFingerprint(made.id, made.secret) } });
  for (const e of r.declared.expected) if (e.spec.probe.kind !== "none") {
    const p = await r.probe({ path: e.path, kind: e.kind, integration: e.integration, value: (await unsealed(r, e.spec.class)).values.get(e.path)!, settings: settingsOf(r, e) });
    if (p.verdict !== "valid") throw new Error(`${e.path}: ${p.verdict} ${p.code} ${p.message}`);
  }
}

/** Tells the sandbox what a provider's console would: a credential is active, or dead. */
export async function tell(w: World, service: keyof Sandbox["urls"], value: string, state: "active" | "dead", owner = "", declared: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const r = await fetch(`${w.sandbox.urls[service]}/_sandbox/credentials`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ value, state, owner, declared, tier: "local" }) });
  if (!r.ok) throw new Error(`${service}: ${r.status}`);
}
/** IAM's access keys in memory, and the SMTP passwords that go with them at the sandbox's mail server. */
export function fakeIam(w: World, region: string, derive: (secret: string, region: string) => string, first: { id: string; password: string }): AccessKeys & { readonly keys: Map<string, string> } {
  const keys = new Map([[first.id, first.password]]);
  let n = 0;
  return {
    keys,
    owner: () => Promise.resolve({ user: "ses-smtp", keys: [...keys.keys()] }),
    create: async () => {
      if (keys.size > 1) throw new Error("LimitExceeded");
      const id = `AKIA${String(n++).padStart(16, "A").replace(/[0189]/g, (d) => "XYZW"["0189".indexOf(d)]!)}`;
      const secret = `secret-${n}-${id}`;
      keys.set(id, derive(secret, region));
      await tell(w, "mail-sink", derive(secret, region), "active", id);
      return { id, secret };
    },
    // What is gone already is no error, as IAM's NoSuchEntity isn't to the rotation.
    deactivate: async (_user, id) => { if (keys.has(id)) await tell(w, "mail-sink", keys.get(id)!, "dead", id); },
    remove: async (_user, id) => { if (keys.has(id)) await tell(w, "mail-sink", keys.get(id)!, "dead", id); keys.delete(id); },
  };
}
/** The plain settings with those that were delivered beside the credential, as an application reads them. */
export function settingsBeside(r: Rotator, e: ExpectedSecret, values: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const pairs = Object.entries(integrationOf(e.integration)!.env).flatMap(([variable, setting]) => (e.spec.pairs?.includes(setting as string) && values[variable] !== undefined ? [[setting as string, values[variable]]] : []));
  return { ...settingsOf(r, e), ...Object.fromEntries(pairs) as Record<string, string> };
}
/** How many credentials of that service live at the sandbox: more than one after a rotation is an orphan. */
export function alive(w: World, service: string, owner = /^(?!token$|api$)/): number {
  const file = join(w.root, ".stackseal/sandbox", `${service}.json`);
  const state = JSON.parse(readFileSync(file, "utf8")) as { keys?: { state: string; owner: string }[]; endpoints?: unknown[] };
  return service === "stripe" ? state.endpoints!.length : state.keys!.filter((k) => k.state !== "dead" && owner.test(k.owner)).length;
}
