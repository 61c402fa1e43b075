import { StandardWebhook } from "../standard-webhooks.ts";
import { judgeAge, no, same, seconds, type Scheme } from "./scheme.ts";

const TOLERANCE = 300;
function library(secret: string): StandardWebhook {
  try {
    return new StandardWebhook(secret);
  } catch {
    throw new RangeError("a Standard Webhooks secret is whsec_ and base64 of 24 to 64 bytes");
  }
}

/** Standard Webhooks: the platform's own outbound webhooks. Signed by the scheme's library. */
export const standard: Scheme = {
  id: "standard", title: "Standard Webhooks", kind: "outbound-webhooks.signingSecret", covers: "body", tolerance: TOLERANCE,
  sign: (r, secret, at, id) => Promise.resolve().then(() => ({ url: r.url, headers: { "webhook-id": id, "webhook-timestamp": String(seconds(at)), "webhook-signature": library(secret).sign(id, at, r.body) } })),
  verify: (r, secret, now) => {
    const [id, stamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((h) => r.headers[h]);
    if (id === undefined || stamp === undefined || signatures === undefined || !/^\d{1,12}$/.test(stamp)) return Promise.resolve(no("WEBHOOK_SIGNATURE_MISSING", "webhook-id, webhook-timestamp and webhook-signature must be there"));
    let expected: string;
    try {
      expected = library(secret).sign(id, new Date(Number(stamp) * 1000), r.body);
    } catch (e) {
      return Promise.resolve(no("WEBHOOK_SECRET_WRONG", (e as Error).message, id));
    }
    const age = seconds(now) - Number(stamp);
    return Promise.resolve(signatures.split(" ").some((s) => same(s, expected)) ? judgeAge(id, age, TOLERANCE, true) : no("WEBHOOK_SIGNATURE_WRONG", "no signature fits body and secret: another secret, or a body that isn't the one that was sent", id, age));
  },
};
