import { hmac, no, same, yes, type Scheme } from "./scheme.ts";

/** What tells a Cal.com delivery from others: it carries no id of its own. */
function idOf(body: string): string | null {
  try {
    const b = JSON.parse(body) as { triggerEvent?: unknown; createdAt?: unknown; payload?: { uid?: unknown } };
    const parts = [b.payload?.uid, b.triggerEvent, b.createdAt].filter((x) => typeof x === "string");
    return parts.length === 3 ? parts.join("/") : null;
  } catch {
    return null;
  }
}
/** Cal.com: hexadecimal HMAC-SHA256 of the raw body. No time is signed; a webhook without a secret says so and is refused. */
export const calcom: Scheme = {
  id: "calcom", title: "Cal.com", kind: null, covers: "body", tolerance: null,
  sign: (r, secret) => Promise.resolve({ url: r.url, headers: { "x-cal-signature-256": hmac("sha256", secret, r.body, "hex") } }),
  verify: (r, secret) => {
    const signature = r.headers["x-cal-signature-256"];
    const id = idOf(r.body);
    if (signature === undefined) return Promise.resolve(no("WEBHOOK_SIGNATURE_MISSING", "the header X-Cal-Signature-256 must be there", id));
    if (signature === "no-secret-provided") return Promise.resolve(no("WEBHOOK_UNSIGNED", "the webhook has no secret at Cal.com: anybody could have sent this", id));
    if (!same(signature, hmac("sha256", secret, r.body, "hex"))) return Promise.resolve(no("WEBHOOK_SIGNATURE_WRONG", "the signature doesn't fit body and secret", id));
    return Promise.resolve(yes(`verified; Cal.com signs no time: tell replays by ${id ?? "uid, triggerEvent and createdAt"}`, id, null));
  },
};
