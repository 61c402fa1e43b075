import { chmodSync, mkdirSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { FindingError } from "../../lib/finding.ts";
import { defineCommand, type Context } from "../command.ts";
import { identityCodes } from "../identity/codes.ts";
import { ROLE_OPTION, withMachine } from "../identity/with-machine.ts";

export default defineCommand({
  name: "identity fetch",
  summary: "Write a machine's age identity, read from its account's Secrets Manager under the role at hand, into a file of one's own",
  wants: "one",
  options: [
    ROLE_OPTION,
    { flags: "--out <file>", description: "where; outside the repository (SOPS_AGE_KEY_FILE where absent)" },
    { flags: "--signing-out <file>", description: "where its signing key goes, of a machine that has one (STACKSEAL_SIGNING_KEY where absent)" },
  ],
  examples: ["stackseal identity fetch --env dev --out \"$HOME/identity.age\"", "SOPS_AGE_KEY_FILE=$RUNNER_TEMP/identity.age stackseal identity fetch --env prod --role payments-deployer"],
  run: (context, _args, options) => withMachine(context, options, async ({ d, role, m, names }) => {
    const out = placeOf(context, options["out"] ?? context.env["SOPS_AGE_KEY_FILE"]);
    if (out === null) throw new FindingError(identityCodes.finding("IDENTITY_PLACE", { message: "where shall the identity be written?", hint: "--out FILE, or SOPS_AGE_KEY_FILE" }), 2);
    const signing = placeOf(context, options["signingOut"] ?? context.env["STACKSEAL_SIGNING_KEY"]);
    const keys = await m.fetch();
    if (options["signingOut"] !== undefined && keys.signing === null) throw new FindingError(identityCodes.finding("IDENTITY_ABSENT", { message: `${m.secretId} holds no signing key`, path: m.secretId, hint: `stackseal identity put --env ${d.name} --role ${role} --file F --signing-key F` }));
    secret(out, `${keys.age}\n`);
    if (signing !== null && keys.signing !== null) secret(signing, keys.signing);
    return { exit: 0, json: { file: out }, text: `${names}: identity of ${m.secretId} written to ${out}; remove it when the job is done\n` };
  }),
});
/** A file outside the repository; null where none is named. Throws FindingError IDENTITY_PLACE. */
function placeOf(context: Context, named: unknown): string | null {
  if (typeof named !== "string" || named === "") return null;
  const out = resolve(context.root, named);
  const inside = relative(context.root, out);
  if (inside.startsWith("..") || inside.startsWith("/")) return out;
  throw new FindingError(identityCodes.finding("IDENTITY_PLACE", { message: `${inside} is inside the repository: an identity there would be committed, or uploaded, one day`, hint: "name a file outside of it" }), 2);
}
function secret(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeAtomic(file, text, 0o600);
  chmodSync(file, 0o600);
}
