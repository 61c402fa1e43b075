import { randomUUID } from "node:crypto";
import { FindingError } from "../lib/finding.ts";
import { jsonIn } from "../lib/json.ts";
import type { ApiRotation, HttpStep, ListStep, StepAuth } from "../schemas/rotation.ts";
import { rotationCodes } from "./codes.ts";
import type { HttpCall, Rotator } from "./context.ts";
import { at, fill, fillJson, fillUrl, type Variables } from "./template.ts";

export interface Answer {
  /** The step was done before, or there was nothing to do. */
  readonly before: boolean;
  /** The JSON of the answer; null where it is none. It may hold a value: nothing of it is printed. */
  readonly json: unknown;
}
export interface Listed {
  readonly id: string;
  readonly name: string | null;
  readonly tail: string | null;
  readonly item: unknown;
}

/** The values that may speak: the one in force, the new one, and another secret of the same integration that may mint. */
export type Voice = Readonly<Partial<Record<"current" | "next" | "beside", string>>>;

/** Speaks with a provider as a strategy says. Throws FindingError; no message carries a value or an answer's text. */
export class Calls {
  /** The provider's clock minus ours in seconds, from its last answer; null before one told. */
  skewSeconds: number | null = null;
  private readonly r: Pick<Rotator, "send" | "env" | "clock">;
  private readonly path: string;
  private readonly spec: Pick<ApiRotation, "admin"> & { readonly strategy?: string };
  private readonly voice: Voice;
  constructor(r: Pick<Rotator, "send" | "env" | "clock">, path: string, spec: Pick<ApiRotation, "admin"> & { readonly strategy?: string }, voice: Voice) {
    this.r = r;
    this.path = path;
    this.spec = spec;
    this.voice = voice;
  }
  /** `more` are fields of a form whose names the strategy doesn't know, such as a list's. */
  async run(step: HttpStep, vars: Variables, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
    // The template, not what it becomes: settings are public and a value never stands in a URL, and still nothing but the call is named.
    const what = `${step.method} ${step.url.replace(/^https:\/\//, "").replace(/\?.*$/, "")}`;
    const reply = await this.r.send(this.filled(step, vars, more, what));
    if (!reply.ok) throw new FindingError(rotationCodes.finding("ROTATION_PROVIDER_DOWN", { message: `${what}: ${reply.message}`, path: this.path, hint: "nothing is lost: go on with stackseal rotate resume" }), 3);
    this.heard(reply.headers["date"]);
    if (step.done?.includes(reply.status) === true) return { before: true, json: null };
    if (reply.status === 429 || reply.status >= 500) throw new FindingError(rotationCodes.finding("ROTATION_PROVIDER_DOWN", { message: `${what}: HTTP ${reply.status}`, path: this.path, hint: "nothing is lost: go on with stackseal rotate resume" }), 3);
    if (reply.status < 200 || reply.status > 299) throw new FindingError(rotationCodes.finding("ROTATION_PROVIDER_REFUSED", { message: `${what}: HTTP ${reply.status}`, path: this.path, hint: reply.status === 401 || reply.status === 403 ? this.adminHint(step.auth) : "look at the account in the provider's console, then stackseal rotate resume or abort" }));
    return { before: false, json: jsonIn(reply.text) ?? null };
  }
  async list(step: ListStep, vars: Variables): Promise<Listed[]> {
    const { json } = await this.run(step, vars);
    const items = at(json, step.items);
    if (!Array.isArray(items)) throw new FindingError(rotationCodes.finding("ROTATION_PROVIDER_REFUSED", { message: "the provider's list isn't of the form that its documentation says", path: this.path }));
    const text = (v: unknown): string | null => (typeof v === "string" ? v : typeof v === "number" ? String(v) : null);
    return items.flatMap((item): Listed[] => {
      const id = text(at(item, step.id));
      return id === null ? [] : [{ id, name: step.name === undefined ? null : text(at(item, step.name)), tail: step.tail === undefined ? null : text(at(item, step.tail)), item }];
    });
  }
  private filled(step: HttpStep, vars: Variables, more: Readonly<Record<string, string>>, what: string): HttpCall {
    try {
      const taken = Object.entries(step.formWith ?? {}).flatMap(([name, fields]) => (tells(vars[name]) ? Object.entries(fields) : []));
      const form = { ...Object.fromEntries([...Object.entries(step.form ?? {}), ...taken].map(([k, v]) => [k, fill(v, vars)])), ...more };
      const body = step.json ? { type: "application/json", text: JSON.stringify(fillJson(step.json, vars)) } : !Object.keys(form).length ? null : step.multipart ? multipart(form) : { type: "application/x-www-form-urlencoded", text: new URLSearchParams(form).toString() };
      return {
        method: step.method, url: fillUrl(step.url, vars),
        headers: { accept: "application/json", authorization: this.authorization(step.auth, vars), ...(body && { "content-type": body.type }), ...step.headers },
        ...(body && { body: body.text }),
      };
    } catch (e) {
      if (!(e instanceof RangeError)) throw e;
      throw new FindingError(rotationCodes.finding("ROTATION_PROVIDER_REFUSED", { message: `${what} can't be made: ${e.message}`, path: this.path, hint: "the provider's answers aren't of the form that its documentation says" }));
    }
  }
  private authorization(auth: StepAuth, vars: Variables): string {
    const value = auth.as === "admin" ? this.admin() : this.voice[auth.as];
    if (value === undefined) throw new RangeError(`nobody speaks as ${auth.as}`);
    return auth.kind === "bearer" ? `Bearer ${value}` : `Basic ${Buffer.from(`${fill(auth.user, vars)}:${value}`).toString("base64")}`;
  }
  private admin(): string {
    const { admin } = this.spec;
    const given = admin && this.r.env[admin.variable];
    if (given !== undefined && given !== "") return given;
    // What ends the old one may be tried again after the old one ended: the new one speaks then.
    const own = this.voice.next ?? this.voice.current;
    if (typeof admin?.fallback === "object" && this.voice.beside !== undefined) return this.voice.beside;
    if (admin?.fallback === "current" && own !== undefined) return own;
    throw new FindingError(rotationCodes.finding("ROTATION_ADMIN_MISSING", { message: `${this.spec.strategy ?? "this"} wants ${admin?.says ?? "a key that may mint"}`, path: this.path, hint: `set ${admin?.variable ?? ""} for this process, then stackseal rotate resume` }), 2);
  }
  private adminHint(auth: StepAuth): string {
    const { admin } = this.spec;
    return auth.as === "admin" && admin ? `the step wants ${admin.says}: set ${admin.variable}, then stackseal rotate resume` : "the provider refuses the credential that speaks: stackseal doctor, then rotate resume or abort";
  }
  private heard(date: string | undefined): void {
    const theirs = date === undefined ? Number.NaN : Date.parse(date);
    if (!Number.isNaN(theirs)) this.skewSeconds = Math.round((theirs - this.r.clock.now().getTime()) / 1000);
  }
}
/** Providers answer null, "" or {} where there is nothing. */
const tells = (v: unknown): boolean => v !== undefined && v !== null && v !== "" && !(typeof v === "object" && Object.keys(v).length === 0);
/** Fields as browsers send them; the boundary is random, so no value can hold it. */
function multipart(fields: Readonly<Record<string, string>>): { readonly type: string; readonly text: string } {
  const boundary = `stackseal-${randomUUID()}`;
  return { type: `multipart/form-data; boundary=${boundary}`, text: `${Object.entries(fields).map(([k, v]) => `--${boundary}\r\ncontent-disposition: form-data; name="${k}"\r\n\r\n${v}\r\n`).join("")}--${boundary}--\r\n` };
}
