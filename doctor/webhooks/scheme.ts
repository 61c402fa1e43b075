import { createHmac, timingSafeEqual } from "node:crypto";

/** A request that is signed, or was. Header names are lower case; `url` is the one that the sender used, public name and all. */
export interface WebhookRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As sent, byte for byte: a re-serialised body has another signature. */
  readonly body: string;
}
export interface Verified {
  readonly ok: boolean;
  /** `WEBHOOK_VERIFIED`, or why not. */
  readonly code: "WEBHOOK_VERIFIED" | "WEBHOOK_SIGNATURE_MISSING" | "WEBHOOK_SIGNATURE_WRONG" | "WEBHOOK_TOO_OLD" | "WEBHOOK_IN_FUTURE" | "WEBHOOK_UNSIGNED" | "WEBHOOK_SECRET_WRONG" | "WEBHOOK_BODY_CHANGED";
  readonly message: string;
  /** What tells this delivery from others, for whoever looks for replays; null where the scheme has nothing. */
  readonly id: string | null;
  /** Seconds since it was signed, negative in the future; null where the scheme signs no time. */
  readonly ageSeconds: number | null;
}
export interface Scheme {
  readonly id: string;
  readonly title: string;
  /** The kind of credential that signs. */
  readonly kind: string | null;
  /** The signature covers the URL. */
  readonly covers: "body" | "url";
  /** Seconds; null where the scheme signs no time: a replay can't be told by age. */
  readonly tolerance: number | null;
  /** The headers (and, for a JSON body of Twilio's, the URL) that carry the signature. Throws RangeError where the secret hasn't the scheme's form. */
  sign(request: WebhookRequest, secret: string, at: Date, id: string): Promise<{ readonly headers: Readonly<Record<string, string>>; readonly url: string }>;
  verify(request: WebhookRequest, secret: string, now: Date): Promise<Verified>;
}
export const hmac = (algorithm: "sha1" | "sha256", key: string, text: string, encoding: "hex" | "base64"): string => createHmac(algorithm, key).update(text, "utf8").digest(encoding);
/** In constant time for equal lengths. */
export const same = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
export const seconds = (d: Date): number => Math.floor(d.getTime() / 1000);

export const no = (code: Verified["code"], message: string, id: string | null = null, ageSeconds: number | null = null): Verified => ({ ok: false, code, message, id, ageSeconds });
export const yes = (message: string, id: string | null, ageSeconds: number | null): Verified => ({ ok: true, code: "WEBHOOK_VERIFIED", message, id, ageSeconds });
/** A rightly signed request, judged by its age. */
export function judgeAge(id: string | null, ageSeconds: number, tolerance: number, futureToo: boolean): Verified {
  if (ageSeconds > tolerance) return no("WEBHOOK_TOO_OLD", `rightly signed, ${ageSeconds} s ago: older than ${tolerance} s, so a replay or a clock that is slow`, id, ageSeconds);
  if (ageSeconds < -tolerance && futureToo) return no("WEBHOOK_IN_FUTURE", `rightly signed, ${-ageSeconds} s in the future: the clocks differ by more than ${tolerance} s`, id, ageSeconds);
  return yes(ageSeconds < -5 ? `verified; signed ${-ageSeconds} s in the future by this clock: the clocks differ` : `verified; signed ${Math.max(0, ageSeconds)} s ago, tolerance ${tolerance} s`, id, ageSeconds);
}
