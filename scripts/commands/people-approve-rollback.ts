import { join } from "node:path";
import { stringify } from "yaml";
import { writeAtomic } from "../../lib/atomic.ts";
import { isoDate } from "../../lib/clock.ts";
import { FindingError } from "../../lib/finding.ts";
import { ROLLBACK_NAMESPACE, rollbackSchema, ROLLBACKS_DIR, rollbackText } from "../../schemas/rollback.ts";
import { readPeople } from "../../seal/deploy.ts";
import { signText } from "../../seal/signature.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { signerOf } from "../signer.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "people approve-rollback",
  summary: "Say, as a second person, that a retired issue may be in force again: a signed file that check asks for",
  wants: "one",
  args: [{ name: "<issueId>", description: "the issue id that is back in the sealed file" }],
  options: [{ flags: "--reason <text>", description: "why" }],
  examples: ["stackseal people approve-rollback 01JD… --env prod --reason \"the new key was refused\""],
  run: (context, [issueId = ""], options) => {
    const [env = ""] = knownEnvironments(context);
    const reason = options["reason"];
    const credential = readProject(context.root, { only: [env], clock: context.clock }).environments[0]?.credentials.find((c) => c.claims.issueId === issueId);
    const refuse = (message: string, hint: string): FindingError => new FindingError({ code: "USAGE", severity: "error", message, hint }, 2);
    if (typeof reason !== "string" || reason === "") throw refuse("a rollback wants a --reason", "stackseal people approve-rollback --help");
    if (!credential) throw refuse(`no credential of ${env} has that issue id`, `stackseal secret list --env ${env} --json`);
    const signer = signerOf(context, env, readPeople(context.root, env));
    if (signer.name === credential.claims.sealedBy) throw refuse(`${signer.name} sealed it: another person must approve`, "ask somebody else who may seal it");
    const r = { issueId, environment: env, path: credential.path, reason, by: signer.name, on: isoDate(context.clock.now()) };
    const file = `${ROLLBACKS_DIR}/${issueId}.yaml`;
    const whole = rollbackSchema.parse({ ...r, signature: signText(signer.key, rollbackText(r), ROLLBACK_NAMESPACE) });
    writeAtomic(join(context.root, file), stringify(whole, { indent: 4, lineWidth: 0, defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" }));
    return Promise.resolve({ exit: 0, json: { written: [file], by: signer.name }, text: `wrote ${file}, signed by ${signer.name}` });
  },
});
