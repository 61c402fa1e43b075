import type { Tier } from "../schemas/access.ts";
import type { HttpProbe, ProbeResource } from "../schemas/probe.ts";
import { read, readingFields, type Reading } from "./answer.ts";
import { answered, ask, requestOf, setting, type Kept, type Target } from "./call.ts";
import type { Controls } from "./controls.ts";
import { corrupt } from "./corrupt.ts";
import { judgeFacts, judgeLimits, type Judged } from "./facts.ts";
import { step, type StepResult } from "./step.ts";

export interface ApiSubject extends Target {
  readonly probe: HttpProbe;
  readonly title: string;
  /** `twilio.authToken`: for the commands that messages name. */
  readonly path: string;
  readonly value: string;
  readonly environment: { readonly name: string; readonly tier: Tier };
  readonly controls: Controls;
  /** What the negative control is remembered by: a new issue of the credential is controlled anew. */
  readonly controlKey: string;
}
export interface Examined {
  readonly steps: readonly StepResult[];
  /** Names the live account, for comparison between environments. */
  readonly account: string | null;
  readonly live: boolean | null;
}

/** Asks the provider: is it accepted, is a corrupted copy refused, what account is it of, what may it do, what is left of its limits. */
export async function examineApi(s: ApiSubject): Promise<Examined> {
  const { probe, title } = s;
  let granted: string | undefined;
  const grants = probe.grants;
  const got = await ask(probe.call, s, s.value, [...probe.keep, ...readingFields(probe), ...(grants === undefined ? [] : [grants])]);
  if (grants !== undefined && answered(got)) {
    const token = got.fields.get(grants);
    granted = typeof token === "string" ? token : undefined;
  }
  const main = read(got, probe, title, s.path);
  if (main.verdict !== "valid" && main.account !== true) return { steps: [refusal(main, await otherRegion(s, main)), ...rest(s, main)], account: null, live: null };
  const accepted: Kept = got as Kept;
  const facts = main.verdict === "valid" && accepted.status < 300 ? judgeFacts(probe.facts, accepted, s.settings, s.environment, title) : { steps: [], good: [], account: null };
  const usable = main.account !== true && main.mode === undefined;
  const [control, more, permissions, errors] = await Promise.all([
    negativeControl(s, main),
    usable ? Promise.all(probe.more.map((m) => further(s, m, granted))) : [],
    usable ? Promise.all(probe.permissions.filter((r) => wanted(r, s)).map((r) => reach(s, r, granted))) : [],
    usable ? recentErrors(s) : [],
  ]);
  // Whatever takes a corrupted copy is no provider: nothing of what it says counts.
  if (control.code === "CONTROL_ACCEPTED") return { steps: [control, ...rest(s, main, "not judged: what answers takes a corrupted copy too")], account: null, live: null };
  const judged: Judged[] = [facts, ...more.map((m) => m.judged)];
  const all = judged.flatMap((j) => j.steps);
  const live = liveOf(probe, accepted) ?? (main.mode === undefined ? null : main.mode === "live");
  const limits = [...judgeLimits(probe.limits, accepted), ...more.flatMap((m) => m.limits)];
  return {
    account: judged.map((j) => j.account).find((a) => a !== null) ?? null, live,
    steps: [
      control,
      ...accountSteps(s, main, judged, all),
      ...errors,
      ...all.filter((x) => x.step === "permissions"), ...permissions,
      ...(usable ? [step("permissions", "skipped", "WRITE_UNPROVABLE", probe.unprovable)] : [step("permissions", "skipped", "NOT_ASKED", main.mode === "test" ? "test credentials may not read: nothing more is asked" : "not asked: the account has to be mended first")]),
      ...(limits.length ? limits : [step("limits", "skipped", "LIMITS_NOT_TOLD", probe.limitsKnown)]),
    ],
  };
}

/** Dead, unreachable or unclear: what the remaining steps can still say. */
function rest(s: ApiSubject, main: Reading, because?: string): StepResult[] {
  const why = because ?? (main.verdict === "invalid" ? "not asked: the credential isn't accepted" : "not asked: there was no usable answer");
  return [
    step("account", "skipped", "NOT_ASKED", why), logLine(s), step("permissions", "skipped", "NOT_ASKED", why),
    main.code === "RATE_LIMITED" ? step("limits", "inconclusive", "RATE_LIMITED", main.message, main.next) : step("limits", "skipped", "LIMITS_NOT_TOLD", s.probe.limitsKnown),
  ];
}
const refusal = (main: Reading, region: StepResult | null): StepResult => region ?? step("test", main.verdict, main.code, main.message, main.next);

/** A key of another region looks dead at this one's host. */
async function otherRegion(s: ApiSubject, main: Reading): Promise<StepResult | null> {
  if (main.code !== "CREDENTIAL_REFUSED") return null;
  for (const r of s.probe.regions ?? []) {
    if (requestOf(s.probe.call, { ...s, sandbox: null }, "").url.startsWith(`${r.origin}/`)) continue;
    const there = read(await ask(s.probe.call, s, s.value, readingFields(s.probe), { origin: r.origin }), s.probe, s.title, s.path);
    if (there.verdict === "valid") return step("test", "invalid", "REGION_WRONG", `${s.title} accepts it in region ${r.name} and refuses it where it is declared`, r.declare);
  }
  return null;
}

/** Whether what was accepted means anything: a corrupted copy must be refused. */
async function negativeControl(s: ApiSubject, main: Reading): Promise<StepResult> {
  const fine = step("test", "valid", main.account ? "CREDENTIAL_ACCEPTED" : main.code, main.account ? `${s.title} knows the credential` : main.message, main.account ? "" : main.next);
  if (s.probe.control === "never") return { ...fine, message: `${fine.message}; no corrupted copy was sent: ${s.title} locks accounts` };
  // Of this address and this answer: a refusal that was seen elsewhere, or of another answer, shows nothing here.
  const key = `${s.controlKey} ${new URL(requestOf(s.probe.call, s, "").url).origin} ${main.code}`;
  if (s.controls.refusedBefore(key)) return fine;
  const copy = corrupt(s.value);
  if (copy === null) return step("test", "inconclusive", "CONTROL_UNCLEAR", "accepted; the value is too short for a corrupted copy of the same shape", "look at the provider's dashboard: is the credential listed there?");
  const other = await ask(s.probe.call, s, copy, readingFields(s.probe));
  const said = read(other, s.probe, s.title, s.path);
  if (said.verdict === "invalid" && said.account !== true) {
    s.controls.refused(key);
    return fine;
  }
  return said.verdict === "valid" || said.account === true
    ? step("test", "inconclusive", "CONTROL_ACCEPTED", `accepted, and so is a corrupted copy: this answer proves nothing of the credential`, "find out what answers in the provider's place: a proxy, a cache or a mock")
    : step("test", "inconclusive", "CONTROL_UNCLEAR", `accepted; that a corrupted copy is refused couldn't be seen (${said.code})`, "run again later");
}

interface Further { readonly judged: Judged; readonly limits: readonly StepResult[] }
async function further(s: ApiSubject, m: HttpProbe["more"][number], granted: string | undefined): Promise<Further> {
  const got = await ask(m.call, s, s.value, [...m.keep, ...readingFields({ readings: m.readings ?? [] })], granted === undefined ? {} : { granted });
  const none = (steps: StepResult[]): Further => ({ judged: { steps, good: [], account: null }, limits: [] });
  if (answered(got) && got.status >= 200 && got.status < 300 && got.json) return { judged: judgeFacts(m.facts, got, s.settings, s.environment, s.title), limits: judgeLimits(m.limits ?? [], got) };
  const own = answered(got) && m.readings?.some((x) => x.status === got.status) === true ? read(got, { readings: m.readings, page: s.probe.page }, s.title, s.path) : null;
  if (own && own.code !== "ANSWER_UNKNOWN") return none([step("account", own.verdict, own.code, own.message, own.next)]);
  if (answered(got) && got.status === 403 && !got.page) return none([step("account", "skipped", "FACT_NOT_TOLD", m.forbidden)]);
  const r = read(got, { readings: [], page: s.probe.page }, s.title, s.path);
  return none([step("account", "inconclusive", r.verdict === "inconclusive" ? r.code : "ANSWER_UNKNOWN", `${m.what}: ${r.message}`, r.verdict === "inconclusive" ? r.next : "run again")]);
}

function wanted(r: ProbeResource, s: ApiSubject): boolean {
  if (r.when === undefined) return true;
  const v = s.settings[r.when];
  return v !== undefined && v !== null && (r.mentions === undefined || JSON.stringify(v).includes(`"${r.mentions}`));
}
async function reach(s: ApiSubject, r: ProbeResource, granted: string | undefined): Promise<StepResult> {
  const got = await ask(r.call, s, s.value, r.some === undefined ? [] : [`${r.some}.length`], granted === undefined ? {} : { granted });
  const absent = step("permissions", "invalid", "RESOURCE_MISSING", `${r.what}${r.when !== undefined && r.declared ? ` (${r.when}: ${setting(s.settings, r.when) ?? ""})` : ""} doesn't exist in this account`, `compare ${r.when ?? "the declaration"} in stacks/${s.environment.name} with ${s.title}`);
  const told = answered(got) && (r.some === undefined ? got.json : typeof got.fields.get(`${r.some}.length`) === "number");
  if (!answered(got) || got.page || got.status === 429 || got.status >= 500) {
    const u = read(got, { readings: [], page: s.probe.page }, s.title, s.path);
    return step("permissions", "inconclusive", u.code, `${r.what}: ${u.message}`, u.next);
  }
  if (got.status >= 200 && got.status < 300 && !told) return step("permissions", "inconclusive", "ANSWER_UNREADABLE", `${r.what}: the answer ${got.status} isn't of the form that ${s.title} documents`, "this isn't the provider's answer, or its API changed: look at a proxy in between, then at its changelog");
  if (got.status >= 200 && got.status < 300) return r.some !== undefined && got.fields.get(`${r.some}.length`) === 0 ? absent : step("permissions", "valid", r.declared ? "RESOURCE_FOUND" : "PERMISSION_PROVEN", r.declared ? `${r.what} exists` : `may read ${r.what}`);
  if (got.status === 404 && r.declared) return absent;
  if (got.status === 403 && r.forbidden !== undefined) return step("permissions", "skipped", "FACT_NOT_TOLD", r.forbidden);
  if (got.status === 401 || got.status === 403) return step("permissions", "invalid", "PERMISSION_MISSING", `may not read ${r.what} (${got.status})`, `give it the right to read ${r.what} at ${s.probe.page}`);
  return step("permissions", "inconclusive", "ANSWER_UNKNOWN", `${r.what}: ${s.title} answered with ${got.status}`, "compare the declaration with the provider's dashboard");
}
const logLine = (s: ApiSubject): StepResult => step("logs", "skipped", "LOG_LINE", `in the application's log look for: ${s.probe.logLine}`);
async function recentErrors(s: ApiSubject): Promise<StepResult[]> {
  const e = s.probe.errors;
  if (!e) return [logLine(s)];
  const codes = Array.from({ length: 20 }, (_, i) => `${e.list}.${i}.${e.code}`);
  const got = await ask(e.call, s, s.value, [...codes, `${e.list}.length`]);
  if (!answered(got) || got.status !== 200 || typeof got.fields.get(`${e.list}.length`) !== "number") return [step("logs", "skipped", "ERRORS_NOT_TOLD", `${e.what} can't be read with this credential`), logLine(s)];
  const counts = new Map<string, number>();
  for (const c of codes) {
    const v = got.fields.get(c);
    const name = typeof v === "string" || typeof v === "number" ? String(v) : "";
    if (/^\w{1,20}$/.test(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const said = [...counts].map(([c, n]) => `${c}${n > 1 ? ` (${n} times)` : ""}`).join(", ");
  return [counts.size === 0 ? step("logs", "valid", "NO_RECENT_ERRORS", `${e.what}: none`) : step("logs", "valid", "RECENT_ERRORS", `${e.what}: ${said}`, `look them up in ${s.title}'s error reference`), logLine(s)];
}

function accountSteps(s: ApiSubject, main: Reading, judged: readonly Judged[], all: readonly StepResult[]): StepResult[] {
  if (main.account === true) return [step("account", main.verdict, main.code, main.message, main.next)];
  const own = all.filter((x) => x.step === "account");
  const wrongMode = main.mode !== undefined && (main.mode === "live") !== (s.environment.tier === "production") ? [step("account", "invalid", "ENVIRONMENT_WRONG", `a working credential of the wrong environment: ${main.mode} credentials in tier ${s.environment.tier}`, s.environment.tier === "production" ? `use ${s.title}'s live credential here` : `use ${s.title}'s test credential here`)] : [];
  const bad = [...own.filter((x) => x.verdict !== "skipped"), ...wrongMode];
  if (bad.length) return bad;
  const good = [...new Set(judged.flatMap((j) => j.good))];
  if (good.length) return [step("account", "valid", "ACCOUNT_ACTIVE", good.join(", "))];
  return own.length ? own.slice(0, 1) : [main.mode !== undefined ? step("account", "valid", "ACCOUNT_TEST", `${main.mode} credentials, as tier ${s.environment.tier} wants`) : step("account", "skipped", "ACCOUNT_NOT_TOLD", `${s.title}'s API doesn't tell the account's standing; that it answers says that it is open`)];
}
function liveOf(probe: HttpProbe, got: Kept): boolean | null {
  const f = probe.facts.find((x) => x.kind === "tier");
  const v = f && got.fields.get(f.field);
  return f?.kind === "tier" && v !== undefined ? f.production.some((p) => p === v) : null;
}
