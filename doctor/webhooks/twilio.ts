import { hmac, no, same, yes, type Scheme, type WebhookRequest } from "./scheme.ts";
import { sha256 } from "../../lib/sha256.ts";

const isForm = (r: WebhookRequest): boolean => (r.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded");
/** The URL, then every parameter sorted by name, name and value; a repeated one sorted and once. */
function signed(url: string, r: WebhookRequest): string {
  if (!isForm(r)) return url;
  const all = new Map<string, Set<string>>();
  for (const [k, v] of new URLSearchParams(r.body)) all.set(k, (all.get(k) ?? new Set()).add(v));
  return [...all.keys()].sort().reduce((text, k) => text + [...(all.get(k) ?? [])].sort().map((v) => k + v).join(""), url);
}
const bodyHash = (body: string): string => sha256(body);
/** Twilio signs with or without the port, as it pleases: both are right. */
function spellings(url: string): string[] {
  const m = /^(https?):\/\/([^/?#]*)(.*)$/i.exec(url);
  if (!m) return [url];
  const host = (m[2] as string).replace(/:\d+$/, "");
  const port = /:\d+$/.exec(m[2] as string)?.[0] ?? (m[1]?.toLowerCase() === "https" ? ":443" : ":80");
  return [...new Set([url, `${m[1] ?? ""}://${host}${m[3] ?? ""}`, `${m[1] ?? ""}://${host}${port}${m[3] ?? ""}`])];
}

/** Twilio: HMAC-SHA1 of URL and sorted parameters, with the account's auth token, never an API key. No time is signed. */
export const twilio: Scheme = {
  id: "twilio", title: "Twilio", kind: "twilio.authToken", covers: "url", tolerance: null,
  sign: (r, secret) => {
    const url = isForm(r) || r.body === "" ? r.url : `${r.url}${r.url.includes("?") ? "&" : "?"}bodySHA256=${bodyHash(r.body)}`;
    return Promise.resolve({ url, headers: { "x-twilio-signature": hmac("sha1", secret, signed(url, r), "base64") } });
  },
  verify: (r, secret) => {
    const signature = r.headers["x-twilio-signature"];
    if (signature === undefined) return Promise.resolve(no("WEBHOOK_SIGNATURE_MISSING", "the header X-Twilio-Signature must be there"));
    const id = r.headers["i-twilio-idempotency-token"] ?? null;
    if (!spellings(r.url).some((u) => same(signature, hmac("sha1", secret, signed(u, r), "base64")))) return Promise.resolve(no("WEBHOOK_SIGNATURE_WRONG", "the signature doesn't fit: another auth token (a secondary one signs only once promoted; an API key never), or another URL than Twilio called, scheme, host and query included", id));
    const hash = URL.canParse(r.url) ? new URL(r.url).searchParams.get("bodySHA256") : null;
    if (hash !== null && !same(hash.toLowerCase(), bodyHash(r.body))) return Promise.resolve(no("WEBHOOK_BODY_CHANGED", "the URL is rightly signed, and the body isn't the one that bodySHA256 names", id));
    if (hash === null && !isForm(r) && r.body !== "") return Promise.resolve(no("WEBHOOK_BODY_CHANGED", "the URL is rightly signed, and nothing signs this body: no bodySHA256", id));
    return Promise.resolve(yes("verified; Twilio signs no time: a replay can't be told by its age, only by a token that was seen", id, null));
  },
};
