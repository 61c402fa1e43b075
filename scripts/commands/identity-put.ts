import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { ROLE_OPTION, withMachine } from "../identity/with-machine.ts";
import { readValue } from "../read-value.ts";

export default defineCommand({
  name: "identity put",
  summary: "Put a machine's age identity, from a file or a pipe, where its jobs fetch it: as Super Admin",
  wants: "one",
  options: [
    ROLE_OPTION,
    { flags: "--file <file>", description: "read the identity from this file" },
    { flags: "--signing-key <file>", description: "its SSH key too, of a machine that signs what staging was found to be" },
  ],
  examples: ["stackseal identity put --env dev --file ~/.config/stackseal/acme/deployer-dev.age", "age-keygen | stackseal identity put --env prod --role payments-deployer --yes"],
  run: (context, _args, options) => withMachine(context, options, async ({ d, role, m, names }) => {
    const { file, signingKey } = options;
    const text = await readValue(context, file);
    const signing = signingKey === undefined ? null : await readValue(context, signingKey);
    const no = await confirm(context, `Put the identity of ${names} into ${m.secretId} of account ${d.environment.store.kind === "aws" ? d.environment.store.accountId : ""}?`, `stackseal identity put --env ${d.name} --role ${role}`);
    if (no) return { exit: 2, findings: [no] };
    await m.put({ age: text.trim(), signing });
    return { exit: 0, text: `${m.secretId} holds the identity of ${names}.${typeof file === "string" ? ` Delete ${file}: nobody needs a copy.` : ""}\n` };
  }),
});
