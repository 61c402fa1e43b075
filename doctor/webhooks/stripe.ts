import type Stripe from "stripe";
import { judgeAge, no, seconds, type Scheme } from "./scheme.ts";

const TOLERANCE = 300;
const library = async (): Promise<typeof Stripe.webhooks> => (await import("stripe")).default.webhooks;

/** Stripe: signed and verified by its own library. It takes signatures from the future; that is said. */
export const stripe: Scheme = {
  id: "stripe", title: "Stripe", kind: null, covers: "body", tolerance: TOLERANCE,
  sign: async (r, secret, at) => ({ url: r.url, headers: { "stripe-signature": (await library()).generateTestHeaderString({ payload: r.body, secret, timestamp: seconds(at) }) } }),
  verify: async (r, secret, now) => {
    const header = r.headers["stripe-signature"];
    const stamp = /(?:^|,)t=(\d{1,12})(?:,|$)/.exec(header ?? "")?.[1];
    if (header === undefined || stamp === undefined) return no("WEBHOOK_SIGNATURE_MISSING", "the header Stripe-Signature must be there, with t= and v1=");
    const age = seconds(now) - Number(stamp);
    const id = /"id":\s*"(evt_[A-Za-z0-9_]+)"/.exec(r.body)?.[1] ?? null;
    try {
      // Age is judged below: a tolerance of 0 leaves it out.
      (await library()).constructEvent(r.body, header, secret, 0);
    } catch (e) {
      return e instanceof SyntaxError ? no("WEBHOOK_BODY_CHANGED", "rightly signed, and the body is no JSON", id, age) : no("WEBHOOK_SIGNATURE_WRONG", "no signature fits body and secret: another endpoint's secret, or a body that isn't the one that was sent", id, age);
    }
    return judgeAge(id, age, TOLERANCE, false);
  },
};
