import { randomUUID } from "node:crypto";
import { FindingError } from "../../lib/finding.ts";
import { defineCommand } from "../command.ts";
import { bodyFrom, requestFrom, requestOptions, schemeFrom, schemeOptions, secretFrom } from "../webhooking.ts";

export default defineCommand({
  name: "webhook sign",
  summary: "Sign a webhook's body: the headers that a receiver checks",
  wants: "any",
  args: [{ name: "[file]", description: "the body; a pipe otherwise" }],
  options: [...schemeOptions, ...requestOptions, { flags: "--id <id>", description: "the message's id (a new one otherwise)" }],
  examples: ["stackseal webhook sign body.json --env dev --credential outbound-webhooks.crm-sync.signingSecret", "stackseal webhook sign --scheme stripe --secret-file whsec.txt < event.json"],
  run: async (context, [file], options) => {
    const scheme = schemeFrom(options);
    const secret = await secretFrom(context, options);
    const request = requestFrom(scheme, options, await bodyFrom(context, file));
    try {
      const { headers, url } = await scheme.sign(request, secret, context.clock.now(), (options["id"] as string | undefined) ?? `msg_${randomUUID()}`);
      return { exit: 0, json: { scheme: scheme.id, headers, url }, text: Object.entries(headers).map(([k, v]) => `${k}: ${v}`).join("\n") + (url !== request.url ? `\n# call ${url}` : "") };
    } catch (e) {
      if (!(e instanceof RangeError)) throw e;
      throw new FindingError({ code: "WEBHOOK_SECRET_WRONG", severity: "error", message: e.message }, 2);
    }
  },
});
