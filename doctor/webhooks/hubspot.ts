import { hmac, judgeAge, no, same, type Scheme, type WebhookRequest } from "./scheme.ts";

const TOLERANCE = 300;
/** HubSpot signs the URI with these characters decoded. */
const DECODED: Readonly<Record<string, string>> = { "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";" };
const uri = (url: string): string => url.replace(/%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi, (x) => DECODED[x.toUpperCase()] as string);
const signature = (r: WebhookRequest, secret: string, stamp: string): string => hmac("sha256", secret, `${r.method.toUpperCase()}${uri(r.url)}${r.body}${stamp}`, "base64");

/** HubSpot v3: base64 HMAC-SHA256 of method, URI, body and time in milliseconds, with the app's client secret. */
export const hubspot: Scheme = {
  id: "hubspot", title: "HubSpot v3", kind: null, covers: "url", tolerance: TOLERANCE,
  sign: (r, secret, at) => Promise.resolve({ url: r.url, headers: { "x-hubspot-request-timestamp": String(at.getTime()), "x-hubspot-signature-v3": signature(r, secret, String(at.getTime())) } }),
  verify: (r, secret, now) => {
    const [given, stamp] = [r.headers["x-hubspot-signature-v3"], r.headers["x-hubspot-request-timestamp"]];
    if (given === undefined || stamp === undefined || !/^\d{10,16}$/.test(stamp)) return Promise.resolve(no("WEBHOOK_SIGNATURE_MISSING", "X-HubSpot-Signature-v3 and X-HubSpot-Request-Timestamp must be there"));
    const age = Math.floor((now.getTime() - Number(stamp)) / 1000);
    const id = /"eventId":\s*(\d+)/.exec(r.body)?.[1] ?? null;
    return Promise.resolve(same(given, signature(r, secret, stamp)) ? judgeAge(id, age, TOLERANCE, true) : no("WEBHOOK_SIGNATURE_WRONG", "the signature doesn't fit: another app's client secret, or another method or URL than HubSpot called", id, age));
  },
};
