import { z } from "zod";
import { name } from "../fields.ts";
import { defineIntegration } from "../integration.ts";
import { URL_CHECKLIST } from "./checklist.ts";
import { OUTBOUND_EVENTS } from "./outbound-webhooks.ts";

export const zapier = defineIntegration({
  id: "zapier",
  title: "Zapier",
  chapter: "CRM Integrations",
  file: "environment",
  settings: z.strictObject({ hooks: z.record(name, z.strictObject({ events: z.array(z.enum(OUTBOUND_EVENTS)).min(1) })) }),
  secrets: {
    hookUrl: {
      title: "Catch hook URL",
      class: "standard",
      each: "hooks",
      format: { pattern: /^https:\/\/hooks\.zapier\.com\/hooks\/(catch|standard)\/(\d+\/)?[A-Za-z0-9]+\/?(silent\/)?$/, says: "https://hooks.zapier.com/hooks/catch/…" },
      accepts: ["https://hooks.zapier.com/hooks/catch/{digits:8}/{alnum:7}/", "https://hooks.zapier.com/hooks/catch/{digits:7}/{alnum:6}"],
      rejects: [{ sample: "http://hooks.zapier.com/hooks/catch/{digits:8}/{alnum:7}/", why: "not https" }, { sample: "https://hooks.zapier.example/hooks/catch/{digits:8}/{alnum:7}/", why: "another host" }],
      env: ["ZAPIER_{NAME}_HOOK_URL"],
      maxAgeDays: 366,
      probe: { kind: "none", why: "any call fires the Zap" },
      rotation: { kind: "guided", danger: 20, page: "https://zapier.com/app/zaps", overlap: "both hooks live until the first one is removed", steps: ["Copy the Zap and make a new catch hook in the copy", "Turn the copy on", "Copy the new hook's URL"], revoke: "Turn the old Zap off and delete it" },
    },
  },
  env: {},
  find: [
    { what: "hook URL", where: "Zapier → your Zap → trigger Webhooks by Zapier → Catch Hook → Test", url: "https://zapier.com/app/zaps" },
  ],
  checklist: URL_CHECKLIST,
});
