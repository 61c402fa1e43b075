import { hmac, judgeAge, no, same, seconds, yes, type Scheme } from "./scheme.ts";

const TOLERANCE = 300;
/** Vapi: HMAC-SHA256 of `timestamp.body` in x-signature and x-timestamp, its defaults; or the legacy header X-Vapi-Secret, which is the secret itself and signs nothing. */
export const vapi: Scheme = {
  id: "vapi", title: "VAPI", kind: null, covers: "body", tolerance: TOLERANCE,
  sign: (r, secret, at) => Promise.resolve({ url: r.url, headers: { "x-timestamp": String(seconds(at)), "x-signature": hmac("sha256", secret, `${seconds(at)}.${r.body}`, "hex") } }),
  verify: (r, secret, now) => {
    const [signature, stamp, shared] = [r.headers["x-signature"], r.headers["x-timestamp"], r.headers["x-vapi-secret"]];
    const id = /"call":\s*\{[^{}]*?"id":\s*"([0-9a-f-]{36})"/.exec(r.body)?.[1] ?? null;
    if (signature === undefined && shared !== undefined) return Promise.resolve(same(shared, secret) ? yes("the secret is the right one; X-Vapi-Secret signs neither body nor time: prefer an HMAC credential", id, null) : no("WEBHOOK_SIGNATURE_WRONG", "X-Vapi-Secret is another secret", id));
    if (signature === undefined || stamp === undefined || !/^\d{1,14}$/.test(stamp)) return Promise.resolve(no("WEBHOOK_SIGNATURE_MISSING", "x-signature and x-timestamp must be there (or X-Vapi-Secret)", id));
    const given = signature.replace(/^sha256=/, "");
    // Seconds and milliseconds have both been seen.
    const age = seconds(now) - Math.floor(Number(stamp) / (stamp.length > 11 ? 1000 : 1));
    return Promise.resolve(same(given, hmac("sha256", secret, `${stamp}.${r.body}`, "hex")) ? judgeAge(id, age, TOLERANCE, true) : no("WEBHOOK_SIGNATURE_WRONG", "the signature doesn't fit: another secret, or another payload format than {timestamp}.{body} in the Vapi credential", id, age));
  },
};
