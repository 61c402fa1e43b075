import { FindingError } from "../../lib/finding.ts";
import { sealedFile } from "../../schemas/layout.ts";
import { readClear } from "../../seal/clear.ts";
import { identitiesFor } from "../../seal/identity.ts";
import { openSealed } from "../../seal/open.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { expectedOf } from "../sealing.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "secret get",
  summary: "Decrypt one credential: to a pipe as it is, to a terminal only with --reveal",
  wants: "one",
  args: [{ name: "<path>", description: "such as twilio.authToken" }],
  options: [{ flags: "--reveal", description: "print the value to a terminal" }],
  examples: ["stackseal secret get twilio.authToken --env dev | clip", "stackseal secret get twilio.authToken --env dev --reveal"],
  run: async (context, [path = ""], options) => {
    const [env = ""] = knownEnvironments(context);
    if (context.json) return { exit: 2, findings: [{ code: "USAGE_JSON", severity: "error", message: "secret get has no --json: a value doesn't belong into a report" }] };
    if (process.stdout.isTTY && options["reveal"] !== true) return { exit: 2, findings: [{ code: "REVEAL_NEEDED", severity: "error", message: "a value is printed to a terminal only with --reveal" }] };
    const d = readProject(context.root, { only: [env], clock: context.clock }).environments[0];
    const e = expectedOf(d?.expected ?? [], path, env);
    const { sealed, findings } = readClear(context.root, sealedFile(env, e.spec.class));
    if (!sealed) throw new FindingError(findings, 2);
    const value = (await openSealed(sealed, identitiesFor(context.root, env, context.env))).values.get(path);
    if (value === undefined) throw new FindingError({ code: "CREDENTIAL_MISSING", severity: "error", message: `${path} has no sealed value in ${env}`, hint: `stackseal secret set ${path} --env ${env} --reason initial` }, 2);
    await new Promise<void>((done) => { process.stdout.write(process.stdout.isTTY ? `${value}\n` : value, () => { done(); }); });
    return { exit: 0 };
  },
});
