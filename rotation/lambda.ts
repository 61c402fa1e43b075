import { companionsOf, expectedSecrets, integrationOf, type ExpectedSecret } from "../schemas/integrations/index.ts";
import type { Tier } from "../schemas/access.ts";
import { variablesOf } from "../schemas/integrations/index.ts";
import type { ApiRotation } from "../schemas/rotation.ts";
import { expand } from "../schemas/template.ts";
import { Calls, type Voice } from "./calls.ts";
import type { HttpCall, HttpReply, Probed, Subject } from "./context.ts";
import { lookAround, oldNames, orphansOf } from "./strategies/provider-side.ts";
import { at, fill, type Variables } from "./template.ts";

/** Secrets Manager's rotation event, one of four. */
export interface RotationEvent {
  readonly Step: "createSecret" | "setSecret" | "testSecret" | "finishSecret";
  readonly SecretId: string;
  readonly ClientRequestToken: string;
}
/** Secrets Manager as the four steps need it. */
export interface SecretVersions {
  describe(secretId: string): Promise<{ readonly rotationEnabled: boolean; readonly stages: Readonly<Record<string, readonly string[]>> }>;
  /** Null where no version has that stage. */
  get(secretId: string, stage: "AWSCURRENT" | "AWSPENDING" | "AWSPREVIOUS", versionId?: string): Promise<string | null>;
  putPending(secretId: string, token: string, value: string): Promise<void>;
  moveCurrent(secretId: string, to: string, from: string | undefined): Promise<void>;
  /** Takes AWSPENDING off a version that has it. */
  settle(secretId: string, versionId: string): Promise<void>;
}
export interface LambdaOptions {
  readonly kind: string;
  /** Of `outbound-webhooks.<entry>.signingSecret`. */
  readonly entry?: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly environment: string;
  readonly tier: Tier;
  readonly secrets: SecretVersions;
  readonly send: (call: HttpCall) => Promise<HttpReply>;
  readonly probe: (s: Subject) => Promise<Probed>;
  readonly env: Readonly<Record<string, string | undefined>>;
}
type Values = Readonly<Record<string, string>>;
/** What a version keeps besides its variables: the provider's id of what was made. */
const ID = "_STACKSEAL_ID";

/** Why a kind can't be rotated by the four steps; null where it can. */
export function notForLambda(e: Pick<ExpectedSecret, "rotation">): string | null {
  if (e.rotation.kind === "own") return null;
  if (e.rotation.kind !== "api") return "a person or another service must act";
  return e.rotation.hardCut ? "it cuts: an answer that is lost between two steps locks everybody out" : null;
}

/**
 * Secrets Manager's four steps by the same strategies: createSecret gets the new value and keeps it as AWSPENDING at once, setSecret makes the provider
 * know what we made, testSecret asks the doctor, finishSecret moves AWSCURRENT and ends what must end with it. What can outlive its label is ended at the
 * start of the next rotation. Every step may be run again. Throws Error; no message carries a value.
 */
export function lambdaHandler(o: LambdaOptions): (event: RotationEvent) => Promise<void> {
  const [integration = "", secret = ""] = o.kind.split(".");
  const e = expectedSecrets({ [integration]: o.settings }, o.tier).find((x) => x.kind === o.kind && x.entry === o.entry);
  if (!e) throw new Error(`no declared ${o.kind}`);
  const why = notForLambda(e);
  if (why !== null) throw new Error(`${o.kind} isn't rotated by Secrets Manager: ${why}`);
  const spec = e.rotation.kind === "api" ? e.rotation : null;
  const variables = variablesOf(e.spec, e.entry);
  const names = Object.entries(companionsOf(integration, [secret], o.settings)).map(([variable]) => variable);
  const clock = { now: () => new Date() };
  const valueIn = (v: Values): string => {
    const value = v[variables[0] ?? ""];
    if (value === undefined) throw new Error(`the secret has no ${variables[0] ?? ""}`);
    return value;
  };
  /** The settings that a version's own companions say: a user name that changed with its password. */
  const settingsIn = (v: Values): Readonly<Record<string, unknown>> => ({ ...o.settings, ...Object.fromEntries((e.spec.pairs ?? []).flatMap((p, i) => { const t = v[names[i] ?? ""]; return t === undefined ? [] : [[p, t]]; })) });
  const subject = (v: Values): Subject => ({ path: e.path, kind: e.kind, integration, value: valueIn(v), settings: settingsIn(v) });
  const read = async (id: string, stage: "AWSCURRENT" | "AWSPENDING" | "AWSPREVIOUS", version?: string): Promise<Values | null> => {
    const text = await o.secrets.get(id, stage, version);
    return text === null ? null : (JSON.parse(text) as Values);
  };
  /** Another secret of the integration stands in the same version. */
  const beside = (s: ApiRotation, v: Values): Voice => {
    const fallback = s.admin?.fallback;
    const value = typeof fallback === "object" ? v[integrationOf(integration)?.secrets[fallback.secret]?.env[0] ?? ""] : undefined;
    return value === undefined ? {} : { beside: value };
  };
  const callsOf = (s: ApiRotation, current: Values, next?: Values): Calls => new Calls({ send: o.send, env: o.env, clock }, e.path, s, { current: valueIn(current), ...(next && { next: valueIn(next) }), ...beside(s, next ?? current) });
  const vars = (v: Values, token: string): Variables => ({ ...oldNames(settingsIn(v)), marker: `stackseal-${token.slice(0, 24)}` });

  /** What the rotation before left to its own overlap. */
  async function retire(id: string, s: ApiRotation, current: Values, token: string): Promise<void> {
    const previous = await read(id, "AWSPREVIOUS");
    if (!previous || !s.revoke || s.mint.by === "us" && previous[ID] === undefined && s.old?.from === "list") return;
    if ((await o.probe(subject(previous))).verdict !== "valid") return;
    const old = s.old?.from === "value" ? s.old.pattern.exec(valueIn(previous))?.[1] : previous[ID];
    const v = { ...vars(previous, token), ...(old !== undefined && { old }) };
    const c = callsOf(s, previous, current);
    const { taken } = await lookAround(s, callsOf(s, current), v);
    await c.run(s.revoke, { ...v, ...taken, ...(current[ID] !== undefined && { id: current[ID] }) });
  }
  async function create(id: string, token: string): Promise<void> {
    if (await read(id, "AWSPENDING", token)) return;
    const current = await read(id, "AWSCURRENT");
    if (!current) throw new Error("the secret has no current version");
    const put = (value: string, more: Values = {}): Promise<void> => o.secrets.putPending(id, token, JSON.stringify({ ...current, ...more, ...Object.fromEntries(variables.map((x) => [x, value])) }));
    if (!spec) return put(expand(e?.spec.generate ?? ""));
    // Twilio's second slot must be free; everything else outlived its label for one period.
    await retire(id, spec, current, token);
    const v = vars(current, token);
    const changed = (settings: Readonly<Record<string, string>> | undefined): Values => Object.fromEntries((e?.spec.pairs ?? []).flatMap((p, i) => (settings?.[p] === undefined ? [] : [[names[i] ?? "", settings[p]]])));
    if (spec.mint.by === "us") return put(expand(spec.mint.template), changed(spec.mint.settings && Object.fromEntries(Object.entries(spec.mint.settings).map(([k, t]) => [k, fill(t, v)]))));
    const c = callsOf(spec, current);
    const around = await lookAround(spec, c, v);
    const all = { ...v, ...around.taken };
    // Made by a run of this very rotation whose answer never came to be kept.
    if (spec.discard) {
      if (!spec.list) await c.run(spec.discard, all);
      else for (const x of orphansOf(around.listed ?? [], String(v["marker"]), null)) await c.run(spec.discard, { ...all, id: x.id });
    }
    const { json } = await c.run(spec.mint.step, all);
    const value = at(json, spec.mint.value);
    const made = spec.mint.id === undefined ? undefined : at(json, spec.mint.id);
    if (typeof value !== "string") throw new Error("the provider's answer shows no new value");
    const settings = spec.mint.settings && Object.fromEntries(Object.entries(spec.mint.settings).map(([k, p]) => [k, at(json, p) as string]));
    try {
      await put(value, { ...changed(settings), ...(typeof made === "string" || typeof made === "number" ? { [ID]: String(made) } : {}) });
    } catch (error) {
      if (spec.discard) await c.run(spec.discard, { ...all, ...(made !== undefined && { id: made }) });
      throw error;
    }
  }
  async function set(id: string, token: string): Promise<void> {
    if (spec?.mint.by !== "us") return;
    const [current, next] = [await read(id, "AWSCURRENT"), await read(id, "AWSPENDING", token)];
    if (!current || !next) throw new Error("nothing is pending");
    if ((await o.probe(subject(next))).verdict === "valid") return;
    const c = callsOf(spec, current);
    const v = vars(current, token);
    const { taken } = await lookAround(spec, c, v);
    await c.run(spec.mint.step, { ...v, ...taken, next: valueIn(next) });
  }
  async function test(id: string, token: string): Promise<void> {
    const next = await read(id, "AWSPENDING", token);
    if (!next) throw new Error("nothing is pending");
    if (!spec) return;
    const p = await o.probe(subject(next));
    if (p.verdict !== "valid") throw new Error(`the new ${o.kind} isn't accepted: ${p.verdict}, ${p.code}`);
  }
  async function finish(id: string, token: string): Promise<void> {
    const { stages } = await o.secrets.describe(id);
    const current = Object.entries(stages).find(([, s]) => s.includes("AWSCURRENT"))?.[0];
    if (current !== token) await o.secrets.moveCurrent(id, token, current);
    if (stages[token]?.includes("AWSPENDING") === true) await o.secrets.settle(id, token);
    // A secondary token is promoted: the old one ends with it, and readers have the new one by now.
    const [now, before] = [await read(id, "AWSCURRENT"), await read(id, "AWSPREVIOUS")];
    if (spec?.revoke && !spec.list && !spec.old && now && before) await callsOf(spec, before, now).run(spec.revoke, vars(before, token));
  }

  return async (event) => {
    const { Step: step, SecretId: id, ClientRequestToken: token } = event;
    const { stages, rotationEnabled } = await o.secrets.describe(id);
    if (!rotationEnabled) throw new Error("rotation isn't enabled for this secret");
    const mine = stages[token];
    if (!mine) throw new Error("the secret has no such version");
    if (mine.includes("AWSCURRENT") && step !== "finishSecret") return;
    if (!mine.includes("AWSPENDING") && !mine.includes("AWSCURRENT")) throw new Error("the version isn't staged as AWSPENDING");
    await { createSecret: create, setSecret: set, testSecret: test, finishSecret: finish }[step](id, token);
  };
}
