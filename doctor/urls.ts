import { lookup } from "node:dns/promises";
import { loopback } from "../schemas/fields.ts";
import { unread, type Unread } from "./unread.ts";
import { step, type StepResult } from "./step.ts";

/** Whether a host has an address here; nobody is connected to. */
export async function resolveHost(host: string, id: string, timeoutMs: number, sandbox: boolean): Promise<StepResult> {
  if (loopback(host) || /^[\d.]+$|^\[/.test(host)) return step(id, "valid", "DNS_RESOLVES", `${host} is an address`);
  if (sandbox) return step(id, "skipped", "NOT_ASKED", `${host} isn't looked up in the sandbox`);
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.race([lookup(host), new Promise((_, no) => { timer = setTimeout(() => { no(Object.assign(new Error(), { code: "ETIMEOUT" })); }, timeoutMs); })]);
    return step(id, "valid", "DNS_RESOLVES", `${host} resolves`);
  } catch (e) {
    const code = (e as { code?: string }).code ?? "failed";
    return step(id, "inconclusive", code === "ENOTFOUND" ? "DNS_UNKNOWN" : "DNS_FAILED", `${host} doesn't resolve from here (${code})`, code === "ENOTFOUND" ? "look for a typo, or ask the receiver whether the name is public" : "look at this machine's DNS");
  } finally {
    clearTimeout(timer);
  }
}

export interface OutboundEndpoint {
  readonly name: string;
  readonly url: string;
  readonly disabled?: boolean | undefined;
  readonly secret: { readonly value: string } | Unread;
}
/** A customer's endpoint: never called. Its form, its host, and that what we sign is verified by the scheme's own library. */
export async function examineOutbound(e: OutboundEndpoint, tier: string, sandbox: boolean): Promise<StepResult[]> {
  const u = new URL(e.url);
  const named = (s: StepResult): StepResult => ({ ...s, message: `${e.name}: ${s.message}` });
  const form = u.protocol === "https:" || (tier === "local" && loopback(u.hostname)) ? step("url", "valid", "URL_FINE", `${u.protocol.slice(0, -1)}, no credentials in it`) : step("url", "invalid", "URL_NOT_HTTPS", "not https", "https alone keeps what is sent from others' eyes");
  return [form, await resolveHost(u.hostname, "dns", 4_000, sandbox), await signatureStep(e), step("logs", "skipped", "NEVER_CALLED", "a customer's URL is never called as a check; in the platform's log look for the receiver's answers")].map(named);
}
async function signatureStep(e: OutboundEndpoint): Promise<StepResult> {
  if (e.secret.value === null) return unread("signature", "not tried", e.secret);
  const { StandardWebhook } = await import("./standard-webhooks.ts");
  try {
    const at = new Date();
    const body = JSON.stringify({ type: "contact.created", timestamp: at.toISOString(), data: {} });
    const webhook = new StandardWebhook(e.secret.value);
    const headers = { "webhook-id": "msg_stackseal", "webhook-timestamp": String(Math.floor(at.getTime() / 1000)), "webhook-signature": webhook.sign("msg_stackseal", at, body) };
    webhook.verify(body, headers);
    return step("signature", "valid", "SIGNATURE_VERIFIES", "signed with the sealed secret and verified by the Standard Webhooks library; that the receiver does so too is theirs to show");
  } catch {
    return step("signature", "invalid", "SIGNATURE_FAILS", "the sealed secret can't sign by the scheme", `stackseal secret generate outbound-webhooks.${e.name}.signingSecret`);
  }
}
/** A catch hook: every call fires the Zap, so nobody calls it. */
export async function examineHook(name: string, got: { readonly value: string } | Unread, pattern: RegExp, sandbox: boolean): Promise<StepResult[]> {
  const named = (s: StepResult): StepResult => ({ ...s, message: `${name}: ${s.message}` });
  const { value } = got;
  const form = value === null ? unread("url", "not judged", got)
    : value !== value.trim() ? step("url", "invalid", "SHAPE_STRAY_SPACE", "stray spaces or newlines around the URL", `set the bare value: stackseal secret set zapier.${name}.hookUrl`)
    : pattern.test(value) ? step("url", "valid", "SHAPE_FINE", "has the form of a catch hook's URL") : step("url", "invalid", "SHAPE_WRONG", "not of the form of a catch hook's URL", `copy it from the Zap's trigger, then stackseal secret set zapier.${name}.hookUrl`);
  return [
    form, await resolveHost("hooks.zapier.com", "dns", 4_000, sandbox), step("signature", "skipped", "NO_SIGNATURE", "Zapier verifies nothing: whoever has the URL can fire the Zap"),
    step("logs", "skipped", "NEVER_CALLED", "any call fires the Zap: nobody calls it as a check; look at Zap history, and that the Zap is on and within its task limit"),
  ].map(named);
}
