import { FindingError } from "../../lib/finding.ts";
import { REASONS, type Reason } from "../../schemas/claims.ts";
import { defineCommand } from "../command.ts";
import { readValue } from "../read-value.ts";
import { expectedOf, maySeal, sealingOf, sealNew } from "../sealing.ts";
import { knownEnvironments } from "./check.ts";

const usage = (code: string, message: string, hint?: string): FindingError => new FindingError({ code, severity: "error", message, hint }, 2);

export default defineCommand({
  name: "secret set",
  summary: "Seal a new value: from a pipe, a prompt without echo or a file, never an argument",
  wants: "one",
  args: [{ name: "<path>", description: "such as stripe.secretKey" }],
  options: [{ flags: "--reason <reason>", description: "why the value is new", choices: REASONS }, { flags: "--file <file>", description: "read the value from this file" }],
  examples: ["printf %s \"$TOKEN\" | stackseal secret set twilio.authToken --env dev --reason initial", "stackseal secret set stripe.secretKey --env prod --reason scheduled"],
  run: async (context, [path = ""], options) => {
    const [env = ""] = knownEnvironments(context);
    if (typeof options["reason"] !== "string") throw usage("USAGE_REASON", `--reason is missing: ${REASONS.join(", ")}`);
    const sealing = sealingOf(context, env);
    const e = expectedOf(sealing.declared.expected, path, env);
    maySeal(sealing, e);
    const value = await readValue(context, options["file"]);
    const claims = await sealNew(sealing, e, value, options["reason"] as Reason);
    return { exit: 0, json: { path, environment: env, issueId: claims.issueId, fingerprint: claims.fingerprint }, text: `sealed ${path} of ${env}: issue ${claims.issueId}, by ${claims.sealedBy}. Next: stackseal preview --env ${env}` };
  },
});
