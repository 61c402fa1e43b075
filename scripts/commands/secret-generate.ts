import { FindingError } from "../../lib/finding.ts";
import { REASONS, type Reason } from "../../schemas/claims.ts";
import { expand } from "../../schemas/template.ts";
import { defineCommand } from "../command.ts";
import { expectedOf, maySeal, sealingOf, sealNew } from "../sealing.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "secret generate",
  summary: "Mint and seal a credential that is ours to mint, such as an outbound webhook's signing secret",
  wants: "one",
  args: [{ name: "<path>", description: "such as outbound-webhooks.crm-sync.signingSecret" }],
  options: [{ flags: "--reason <reason>", description: "why the value is new", choices: REASONS, default: "initial" }],
  examples: ["stackseal secret generate outbound-webhooks.crm-sync.signingSecret --env dev --reason scheduled"],
  run: async (context, [path = ""], options) => {
    const [env = ""] = knownEnvironments(context);
    const sealing = sealingOf(context, env);
    const e = expectedOf(sealing.declared.expected, path, env);
    if (e.spec.generate === undefined) throw new FindingError({ code: "NOT_GENERATED", severity: "error", message: `${e.kind} is minted by its provider`, path, hint: `take it from there, then: stackseal secret set ${path} --env ${env} --reason ${String(options["reason"])}` }, 2);
    maySeal(sealing, e);
    const claims = await sealNew(sealing, e, expand(e.spec.generate), options["reason"] as Reason);
    return { exit: 0, json: { path, environment: env, issueId: claims.issueId, fingerprint: claims.fingerprint }, text: `minted and sealed ${path} of ${env}: issue ${claims.issueId}, by ${claims.sealedBy}. Next: stackseal preview --env ${env}` };
  },
});
