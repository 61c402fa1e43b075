import { calcom } from "./calcom.ts";
import { hubspot } from "./hubspot.ts";
import type { Scheme } from "./scheme.ts";
import { standard } from "./standard.ts";
import { stripe } from "./stripe.ts";
import { twilio } from "./twilio.ts";
import { vapi } from "./vapi.ts";

export const schemes: readonly Scheme[] = [standard, stripe, twilio, calcom, vapi, hubspot];
export const SCHEME_IDS = schemes.map((s) => s.id);
export const schemeOf = (id: string): Scheme | null => schemes.find((s) => s.id === id) ?? null;
