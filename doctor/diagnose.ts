import type { Http } from "../lib/http.ts";
import type { Tier } from "../schemas/access.ts";
import type { Environment, Payments } from "../schemas/environment.ts";
import { onThisMachine } from "../schemas/fields.ts";
import { expectedSecrets, integrationOf, integrations, type ExpectedSecret } from "../schemas/integrations/index.ts";
import type { IntegrationSpec } from "../schemas/integration.ts";
import type { HttpProbe } from "../schemas/probe.ts";
import { digestOf, sharedAccount, type Neighbour, type SeenAccount } from "./accounts.ts";
import { unreachable } from "./answer.ts";
import { examineApi, type Examined } from "./api.ts";
import { requestOf, type Target } from "./call.ts";
import type { Controls } from "./controls.ts";
import { examineMail, type MailSettings } from "./mail.ts";
import type { AwsAccess } from "./ses.ts";
import { judgeMode, judgeShape } from "./shape.ts";
import { step, type StepResult } from "./step.ts";
import { deliverSelfTest, examineEndpoints } from "./stripe-endpoints.ts";
import { unread, type Unread } from "./unread.ts";
import { examineHook, examineOutbound } from "./urls.ts";

export interface Diagnosis extends StepResult {
  readonly integration: string;
  /** The checklist's sentence of the step. */
  readonly title: string;
}
export interface DiagnoseOptions {
  readonly name: string;
  readonly tier: Tier;
  readonly environment: Environment;
  readonly payments: Payments | null;
  /** The integrations to examine; all declared ones where empty. */
  readonly only: readonly string[];
  /** A credential's value by its path; null where it can't be read, with the reason. */
  readonly value: (path: string) => { readonly value: string } | Unread;
  /** What a negative control is remembered by, beside the path. */
  readonly issueOf: (path: string) => string;
  /** The sandbox's services; null where none is wanted or runs. */
  readonly sandbox: Readonly<Record<string, string>> | null;
  /** Everything goes to the sandbox, whatever is declared. */
  readonly allSandbox: boolean;
  readonly http: Http;
  readonly controls: Controls;
  readonly neighbours: readonly Neighbour[];
  readonly seen: readonly SeenAccount[];
  readonly signal: AbortSignal;
  readonly now: Date;
  readonly ca?: string;
  /** The AWS credentials of this process, where it has any: SES's quota is asked with them. */
  readonly aws?: () => Promise<AwsAccess | null>;
  /** Set where a signed self-test is to be sent to the platform: the endpoint's signing secret. */
  readonly deliver?: (endpoint: string) => Promise<{ readonly secret: string | null; readonly why: string }>;
  /** Told as each integration is finished. */
  readonly done?: (integration: string) => void;
  /** After so long what hasn't answered is inconclusive. */
  readonly budgetMs?: number;
}
export interface Diagnosed {
  readonly results: readonly Diagnosis[];
  readonly accounts: readonly SeenAccount[];
}

/** Runs every declared integration's checklist, all at once, each within its time; results in the order of registry and checklist. */
export async function diagnose(o: DiagnoseOptions): Promise<Diagnosed> {
  const settings: Readonly<Record<string, unknown>> = { ...o.environment.integrations, ...(o.payments && { stripe: o.payments.stripe }) };
  const chosen = integrations.filter((i) => settings[i.id] !== undefined && (o.only.length === 0 || o.only.includes(i.id)));
  const expected = expectedSecrets(settings, o.tier);
  const accounts: SeenAccount[] = [];
  const all = await Promise.all(chosen.map(async (i) => {
    const own = settings[i.id] as Readonly<Record<string, unknown>>;
    const aborter = new AbortController();
    const one: One = { o, i, own, expected: expected.filter((e) => e.integration === i.id), signal: AbortSignal.any([o.signal, aborter.signal]) };
    const got = await within(examine(one), o.budgetMs ?? 10_000, () => { aborter.abort(); });
    o.done?.(i.id);
    if (got.account !== null && !sandboxed(o, own)) accounts.push({ environment: o.name, tier: o.tier, integration: i.id, account: digestOf(got.account), live: got.live });
    const shared = sharedAccount(i.id, { name: o.name, tier: o.tier, settings: own, account: sandboxed(o, own) ? null : got.account, live: got.live }, o.neighbours, o.seen);
    return inOrder(i, [...got.steps, ...(shared ? [shared] : [])]);
  }));
  return { results: all.flat(), accounts };
}
interface One { readonly o: DiagnoseOptions; readonly i: IntegrationSpec; readonly own: Readonly<Record<string, unknown>>; readonly expected: readonly ExpectedSecret[]; readonly signal: AbortSignal }

const sandboxed = (o: DiagnoseOptions, own: Readonly<Record<string, unknown>>): boolean => o.allSandbox || own["apiBase"] !== undefined;
/** Where an integration's calls go: the provider, the sandbox, or the loopback address that is declared. Throws RangeError where a sandbox is wanted and none runs. */
function baseOf(one: One, service: string): string | null {
  const declared = one.own["apiBase"];
  if (!one.o.allSandbox && declared === undefined) return null;
  if (!one.o.allSandbox && typeof declared === "string" && declared !== "sandbox") return onThisMachine(declared) ? declared : raise(`apiBase of ${one.i.id} isn't a loopback address`);
  return one.o.sandbox?.[service] ?? raise(`no sandbox runs for ${service}`);
}
/** Stricter than elsewhere: a credential goes there, and a name may be answered by a name server. */
function raise(message: string): never {
  throw new RangeError(message);
}

async function examine(one: One): Promise<Examined> {
  const { o, i } = one;
  if (i.id === "outbound-webhooks") return plain(await Promise.all(Object.entries((one.own["endpoints"] ?? {}) as Record<string, { url: string; disabled?: boolean }>).map(([name, e]) => examineOutbound({ name, url: e.url, disabled: e.disabled, secret: o.value(`outbound-webhooks.${name}.signingSecret`) }, o.tier, o.allSandbox))));
  if (i.id === "zapier") return plain(await Promise.all(one.expected.map((e) => examineHook(e.entry ?? "", o.value(e.path), e.format.pattern, o.allSandbox))));
  // What another one stands in for, and isn't there, isn't missed.
  const asked = one.expected.filter((e) => !(e.optional && missing(o.value(e.path))));
  const all = await Promise.all(asked.map(async (e) => ({ e, r: await examineOne(one, e) })));
  return {
    steps: all.flatMap(({ e, r }) => r.steps.map((s) => (all.length > 1 ? { ...s, message: `${e.path}: ${s.message}` } : s))),
    account: all.map((x) => x.r.account).find((a) => a !== null) ?? null, live: all.map((x) => x.r.live).find((l) => l !== null) ?? null,
  };
}
const missing = (got: ReturnType<DiagnoseOptions["value"]>): boolean => got.value === null && got.code === "VALUE_MISSING";
/** Where the steps of an API's credential stand in the checklist of mail. */
const IN_MAIL: Readonly<Record<string, string>> = { credentials: "settings", test: "login", account: "login", permissions: "login" };

async function examineOne(one: One, e: ExpectedSecret): Promise<Examined> {
  const { o, i } = one;
  const { probe } = e.spec;
  if (probe.kind === "none") return plain([]);
  if (probe.kind === "http" && i.id === "smtp") {
    const r = await examineKey(one, e, probe);
    return { ...r, steps: r.steps.map((s) => ({ ...s, step: IN_MAIL[s.step] ?? s.step })) };
  }
  if (probe.kind === "http") return examineKey(one, e, probe);
  const got = o.value(e.path);
  const shape = got.value === null ? null : judgeShape(got.value, e, "settings");
  const value = shape?.verdict === "invalid" ? null : got.value;
  const r = await examineMail({ ...subjectOf(one, e), settings: one.own as unknown as MailSettings, value, sandbox: o.allSandbox ? (o.sandbox ?? raise("no sandbox runs for smtp")) : null, ...(o.ca !== undefined && { ca: o.ca }), aws: o.aws, timeoutMs: 4_000 });
  const own = shape && shape.verdict !== "valid" ? [shape] : [];
  const login = got.value === null ? [unread("login", "no login was tried", got)] : own.length ? [step("login", "skipped", "NOT_ASKED", "not tried: the password hasn't the right form")] : null;
  return { ...r, steps: [...own, ...r.steps.filter((s) => (s.step !== "login" || login === null)), ...(login ?? [])] };
}
const subjectOf = ({ o, i, signal }: One, e: ExpectedSecret) => ({ http: o.http, signal, title: i.title, path: e.path, environment: { name: o.name, tier: o.tier }, tier: o.tier, controls: o.controls, controlKey: `${o.name}/${e.path}/${o.issueOf(e.path)}` });
async function examineKey(one: One, e: ExpectedSecret, probe: HttpProbe): Promise<Examined> {
  const { o, i } = one;
  const got = o.value(e.path);
  const shape = got.value === null ? null : judgeShape(got.value, e, "credentials");
  const target: Target = { http: o.http, signal: one.signal, settings: one.own, sandbox: baseOf(one, probe.service ?? i.id), tier: o.tier };
  if (got.value === null) return plain([[...await withoutValue(probe, target, i, got)]]);
  if (shape?.verdict === "invalid") return plain([[shape, step("test", "skipped", "NOT_ASKED", "not sent: what hasn't the right form isn't shown to anybody"), step("logs", "skipped", "LOG_LINE", `in the application's log look for: ${probe.logLine}`)]]);
  const mode = judgeMode(got.value, e, o.tier);
  const r = await examineApi({ ...subjectOf(one, e), title: probe.provider ?? i.title, ...target, probe, value: got.value });
  const accepted = r.steps.some((s) => s.step === "test" && s.verdict === "valid");
  const stripe = i.id === "stripe" && o.payments && accepted ? await stripeSteps(one, target, got.value, o.payments) : [];
  const account = mode && !r.steps.some((s) => s.code === "ENVIRONMENT_WRONG") ? [mode] : [];
  return { ...r, steps: [...(shape ? [shape] : []), ...account, ...r.steps.filter((s) => !(account.length > 0 && s.step === "account" && s.verdict === "valid")), ...stripe] };
}
async function stripeSteps(one: One, target: Target, value: string, payments: Payments): Promise<StepResult[]> {
  const { o } = one;
  const endpoints = await examineEndpoints({ ...target, value, payments, environment: o.name, platformUrl: o.environment.platform.url });
  const deliver = o.deliver;
  if (!deliver) return endpoints;
  return [...endpoints, ...await Promise.all(Object.entries(payments.stripe.webhooks).map(async ([name, w]) => deliverSelfTest({ http: o.http, signal: one.signal, name, url: new URL(w.path, o.environment.platform.url).href, ...(await deliver(name)), apiVersion: w.apiVersion, live: payments.stripe.mode === "live", now: o.now })))];
}
const plain = (lists: readonly (readonly StepResult[])[]): Examined => ({ steps: lists.flat(), account: null, live: null });

/** What can be said without the credential: that the provider is reached from here. */
async function withoutValue(probe: HttpProbe, t: Target, i: IntegrationSpec, got: Unread): Promise<StepResult[]> {
  const request = requestOf({ ...probe.call, auth: { kind: "bearer" } }, t, "");
  const origin = new URL(request.url).origin;
  const answer = await t.http.send({ method: "GET", url: `${origin}/` }, t.signal);
  const reach = answer.ok ? step("test", "valid", "PROVIDER_REACHABLE", t.sandbox === null ? `${i.title} answers from here: name, port and TLS are fine` : `the sandbox's ${i.title} answers`) : { ...unreachable(answer), step: "test" };
  return [
    unread("credentials", "not judged", got),
    { step: reach.step, verdict: reach.verdict, code: reach.code, message: reach.message, next: reach.next },
    ...["account", "permissions"].map((s) => step(s, "skipped", "NOT_ASKED", "not asked: it takes the credential")),
    step("logs", "skipped", "LOG_LINE", `in the application's log look for: ${probe.logLine}`),
    step("limits", "skipped", "LIMITS_NOT_TOLD", probe.limitsKnown),
  ];
}
async function within(work: Promise<Examined>, ms: number, late: () => void): Promise<Examined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Examined>((done) => {
    timer = setTimeout(() => {
      late();
      done(plain([[step("", "inconclusive", "OUT_OF_TIME", `not finished within ${ms / 1000} s`, "run again with --only; then look at the network between here and the provider")]]));
    }, ms);
  });
  try {
    return await Promise.race([work, limit]);
  } catch (e) {
    if (!(e instanceof RangeError)) throw e;
    return plain([[step("", "inconclusive", "SANDBOX_NOT_RUNNING", e.message, "stackseal sandbox, in another terminal")]]);
  } finally {
    clearTimeout(timer);
  }
}
/** In the checklist's order; a step that nobody knows is the second one, the provider's answer. */
function inOrder(i: IntegrationSpec, steps: readonly StepResult[]): Diagnosis[] {
  const fallback = i.checklist[1]?.id ?? "";
  const known = new Map(i.checklist.map((c, n) => [c.id, { n, title: c.title }]));
  return steps.map((s) => (s.step === "" ? { ...s, step: fallback } : s)).map((s, at) => ({ s, at, place: known.get(s.step) }))
    .sort((a, b) => (a.place?.n ?? 99) - (b.place?.n ?? 99) || a.at - b.at)
    .map(({ s, place }) => ({ integration: i.id, ...s, title: place?.title ?? s.step }));
}
export const knownIntegration = (id: string): boolean => integrationOf(id) !== null;
