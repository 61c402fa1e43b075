import { z } from "zod";
import { name, oneLine, url } from "../fields.ts";
import { defineIntegration } from "../integration.ts";
import { URL_CHECKLIST } from "./checklist.ts";

/** The platform's own events, one by one as its documentation names them. */
export const OUTBOUND_EVENTS = [
  "call.completed",
  "appointment.created", "appointment.updated", "appointment.canceled",
  "campaign.status_changed", "campaign.completed", "campaign.failed",
  "contact.created", "contact.updated", "contact.flagged",
] as const;

export const outboundWebhooks = defineIntegration({
  id: "outbound-webhooks",
  title: "Outbound webhooks",
  chapter: "Outbound Webhooks",
  file: "environment",
  settings: z.strictObject({ endpoints: z.record(name, z.strictObject({ url, events: z.array(z.enum(OUTBOUND_EVENTS)).min(1), description: oneLine.optional(), disabled: z.boolean().optional() })) }),
  secrets: {
    signingSecret: {
      title: "Signing secret (Standard Webhooks)",
      class: "standard",
      each: "endpoints",
      generate: "whsec_{bytes64:32}",
      // 24 to 64 random bytes in base64. Same prefix as Stripe's, another key derivation: told apart by the declared kind.
      format: { pattern: /^whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, says: "whsec_ and base64 of 24 to 64 bytes" },
      accepts: ["whsec_{bytes64:24}", "whsec_{bytes64:32}", "whsec_{bytes64:64}"],
      rejects: [{ sample: "whsec_{bytes64:12}", why: "too short" }, { sample: "{bytes64:32}", why: "no prefix" }, { sample: "whsec_{bytes64:32} ", why: "a trailing space" }],
      env: ["WEBHOOK_{NAME}_SECRET"],
      maxAgeDays: 366,
      probe: { kind: "none", why: "a customer's URL is never called as a check" },
      rotation: { kind: "own", both: true, danger: 30, graceSeconds: 86_400, overlap: "both signatures are sent through the window" },
    },
  },
  env: {},
  find: [
    { what: "endpoint URLs", where: "the receiving partner; signing secrets are ours to mint: stackseal secret generate", url: "https://www.standardwebhooks.com" },
  ],
  checklist: URL_CHECKLIST,
  docs: "https://www.standardwebhooks.com",
});
