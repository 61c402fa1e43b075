import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { FindingError } from "../../lib/finding.ts";
import { defineCommand, type Context } from "../command.ts";
import { bodyFrom, requestFrom, requestOptions, schemeFrom, schemeOptions, secretFrom } from "../webhooking.ts";

/** `Name: value` lines, from the options and from a file. Throws FindingError. */
function headersFrom(context: Context, options: Readonly<Record<string, unknown>>): Record<string, string> {
  const file = options["headersFile"] as string | undefined;
  let lines = [...((options["header"] as string[] | undefined) ?? [])];
  try {
    if (file !== undefined) lines = [...readFileSync(resolve(context.root, file), "utf8").split(/\r?\n/).filter((l) => l.trim() !== "" && !l.startsWith("#")), ...lines];
  } catch {
    throw new FindingError({ code: "HEADERS_FILE", severity: "error", message: "--headers-file names a file that can't be read" }, 2);
  }
  return Object.fromEntries(lines.map((l) => {
    const at = l.indexOf(":");
    if (at < 1) throw new FindingError({ code: "USAGE_HEADER", severity: "error", message: '--header wants "Name: value"' }, 2);
    return [l.slice(0, at).trim().toLowerCase(), l.slice(at + 1).trim()];
  }));
}
export default defineCommand({
  name: "webhook verify",
  summary: "Verify a webhook as its receiver must: signature, age, clock skew",
  wants: "any",
  args: [{ name: "[file]", description: "the body as it came, byte for byte; a pipe otherwise" }],
  options: [...schemeOptions, ...requestOptions, { flags: "--header <line>", description: 'a header of the request: "Name: value"; may be repeated', many: true }, { flags: "--headers-file <file>", description: "the same from a file, a line each" }],
  examples: ['stackseal webhook verify body.json --scheme stripe --secret-file whsec.txt --header "Stripe-Signature: t=…,v1=…"', "stackseal webhook verify body.json --env dev --credential twilio.authToken --scheme twilio --url https://app.acme.example/twilio --headers-file headers.txt"],
  run: async (context, [file], options) => {
    const scheme = schemeFrom(options);
    const secret = await secretFrom(context, options);
    const body = await bodyFrom(context, file);
    const v = await scheme.verify(requestFrom(scheme, options, body, headersFrom(context, options)), secret, context.clock.now());
    return {
      exit: v.ok ? 0 : 1, json: { scheme: scheme.id, verified: v.ok, code: v.code, message: v.message, id: v.id, ageSeconds: v.ageSeconds, toleranceSeconds: scheme.tolerance },
      text: `${v.ok ? "✓" : "✗"} ${scheme.title}: ${v.message}${v.ok ? "" : `  ${v.code}`}${v.id === null ? "" : `\n  id ${v.id}: a receiver keeps it and refuses it the second time`}`,
    };
  },
});
