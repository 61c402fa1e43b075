import { randomUUID } from "node:crypto";
import { FindingError } from "../../lib/finding.ts";
import { loopback } from "../../schemas/fields.ts";
import { defineCommand } from "../command.ts";
import { caFrom } from "../doctoring.ts";
import { bodyFrom, requestFrom, requestOptions, schemeFrom, schemeOptions, secretFrom } from "../webhooking.ts";

export default defineCommand({
  name: "webhook send",
  summary: "Sign a webhook and send it, once: to this machine, or with --yes to any other",
  wants: "any",
  args: [{ name: "[file]", description: "the body; a pipe otherwise" }],
  options: [...schemeOptions, ...requestOptions, { flags: "--id <id>", description: "the message's id (a new one otherwise)" }, { flags: "--ca <file>", description: "PEM certificates to trust besides the usual ones" }],
  examples: ["stackseal webhook send body.json --url http://127.0.0.1:8000/hooks --env local --credential outbound-webhooks.crm-sync.signingSecret", "stackseal webhook send event.json --scheme stripe --secret-file whsec.txt --url https://dev.acme.example/webhooks/stripe --yes"],
  run: async (context, [file], options) => {
    const scheme = schemeFrom(options);
    const url = (options["url"] as string | undefined) ?? "";
    if (!URL.canParse(url)) throw new FindingError({ code: "USAGE_URL", severity: "error", message: "webhook send wants --url" }, 2);
    const target = new URL(url);
    if (!loopback(target.hostname) && !context.yes) throw new FindingError({ code: "SEND_NOT_CONFIRMED", severity: "error", message: `${target.host} isn't on this machine`, hint: "add --yes to send there; a customer's receiver acts on what it gets" }, 2);
    const request = requestFrom(scheme, options, await bodyFrom(context, file));
    const { createHttp } = await import("../../lib/http.ts");
    const ca = caFrom(options["ca"] as string | undefined);
    const http = createHttp({ env: context.env, timeoutMs: 15_000, ...(ca !== undefined && { ca }) });
    try {
      const id = (options["id"] as string | undefined) ?? `msg_${randomUUID()}`;
      const signed = await scheme.sign(request, await secretFrom(context, options), context.clock.now(), id);
      const got = await http.send({ method: "POST", url: signed.url, headers: { ...request.headers, ...signed.headers }, body: request.body }, context.signal);
      if (!got.ok) return { exit: 3, json: { id, status: null, error: got.code }, text: `? ${got.message}` };
      const fine = got.status >= 200 && got.status < 300;
      return { exit: fine ? 0 : 1, json: { id, status: got.status, error: null }, text: `${fine ? "✓" : "✗"} ${target.host} answered ${got.status} to ${id}${fine ? "" : got.status >= 300 && got.status < 400 ? ": a redirect counts as a failure" : ""}` };
    } catch (e) {
      if (!(e instanceof RangeError)) throw e;
      throw new FindingError({ code: "WEBHOOK_SECRET_WRONG", severity: "error", message: e.message }, 2);
    } finally {
      await http.close();
    }
  },
});
