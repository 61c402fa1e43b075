import { probeCredential } from "../doctor/index.ts";
import type { Controls } from "../doctor/controls.ts";
import type { Clock } from "../lib/clock.ts";
import type { Http } from "../lib/http.ts";
import { DECLARED_HEADER, ORIGIN_HEADER, type SandboxApi } from "../schemas/sandbox.ts";
import type { Declared } from "../stacks/read.ts";
import type { HttpCall, HttpReply, Outside, Probed, Subject } from "./context.ts";

/** Which of the sandbox's services stands for a provider's host. */
const SERVICES: readonly (readonly [RegExp, SandboxApi])[] = [
  [/(^|\.)twilio\.com$/, "twilio"], [/(^|\.)nexmo\.com$/, "vonage"], [/(^|\.)stripe\.com$/, "stripe"], [/(^|\.)sendgrid\.com$/, "sendgrid"], [/(^|\.)mailgun\.net$/, "mailgun"],
  [/(^|\.)mailtrap\.io$/, "mailtrap"], [/(^|\.)salesforce\.com$/, "salesforce"], [/(^|\.)hubapi\.com$/, "hubspot"], [/(^|\.)pipedrive\.com$/, "pipedrive"], [/(^|\.)leadconnectorhq\.com$/, "gohighlevel"], [/(^|\.)vapi\.ai$/, "vapi"],
];
export interface PortOptions {
  readonly http: Http;
  readonly declared: Pick<Declared, "name" | "tier" | "environment">;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Base addresses of the sandbox's services: then no provider is ever asked. Null: the providers themselves. */
  readonly sandbox: Readonly<Record<string, string>> | null;
  readonly ca?: string;
  readonly controls?: Controls;
}

/** How a rotation reaches providers: calls that are made once, and the doctor's verdicts. */
export function providerPorts(o: PortOptions): Pick<Outside, "send" | "probe" | "trigger"> {
  const integrations = o.declared.environment.integrations as Readonly<Record<string, unknown>>;
  async function send(call: HttpCall): Promise<HttpReply> {
    let url = new URL(call.url);
    let headers = call.headers;
    if (o.sandbox) {
      const service = SERVICES.find(([host]) => host.test(url.hostname))?.[1] ?? "calcom";
      const base = o.sandbox[service];
      if (base === undefined) return { ok: false, message: `the sandbox has no ${service}` };
      const settings = integrations[service] ?? integrations["smtp"] ?? {};
      headers = { ...headers, [ORIGIN_HEADER]: url.origin, [DECLARED_HEADER]: Buffer.from(JSON.stringify({ settings, tier: o.declared.tier })).toString("base64") };
      url = new URL(url.pathname + url.search, base);
    }
    // What makes or ends something is never repeated by itself: what came of it is looked up first.
    const got = await o.http.send({ method: call.method, url: url.href, headers, ...(call.body !== undefined && { body: call.body }), retry: call.method === "GET" }, o.signal);
    return got.ok ? { ok: true, status: got.status, headers: got.headers, text: got.text } : { ok: false, message: got.message };
  }
  async function probe(s: Subject): Promise<Probed> {
    const { verdict, code, message } = await probeCredential({
      kind: s.kind, value: s.value, settings: s.settings, environment: { name: o.declared.name, tier: o.declared.tier }, http: o.http, signal: o.signal, clock: o.clock,
      ...(o.sandbox && { sandbox: o.sandbox }), ...(o.ca !== undefined && { ca: o.ca }), ...(o.controls && { controls: o.controls }),
    });
    return { verdict, code, message };
  }
  const stripe = o.sandbox?.["stripe"];
  return {
    send, probe,
    trigger: stripe === undefined ? null : async (type) => { await o.http.send({ method: "POST", url: `${stripe}/_sandbox/events`, headers: { "content-type": "application/json" }, body: JSON.stringify({ type }) }, o.signal); },
  };
}
