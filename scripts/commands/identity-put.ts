import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { declarationOf } from "../identity/declaration.ts";
import { MACHINE_ROLES, type MachineRole } from "../identity/roles.ts";
import { readValue } from "../read-value.ts";

export default defineCommand({
  name: "identity put",
  summary: "Put a machine's age identity, from a file or a pipe, where its jobs fetch it: as Super Admin",
  wants: "one",
  options: [
    { flags: "--role <role>", description: "which machine's", choices: MACHINE_ROLES, default: "deployer" },
    { flags: "--file <file>", description: "read the identity from this file" },
    { flags: "--signing-key <file>", description: "its SSH key too, of a machine that signs what staging was found to be" },
  ],
  examples: ["stackseal identity put --env dev --file ~/.config/stackseal/acme/deployer-dev.age", "age-keygen | stackseal identity put --env prod --role payments-deployer --yes"],
  run: async (context, _args, options) => {
    const d = declarationOf(context);
    const role = options["role"] as MachineRole;
    const { machineIdentity } = await import("../identity/machine-identity.ts");
    const m = await machineIdentity(context, d, role);
    try {
      const text = await readValue(context, options["file"]);
      const signing = options["signingKey"] === undefined ? null : await readValue(context, options["signingKey"]);
      const no = await confirm(context, `Put the identity of ${m.machines.map((x) => x.name).join(", ")} into ${m.secretId} of account ${d.environment.store.kind === "aws" ? d.environment.store.accountId : ""}?`, `stackseal identity put --env ${d.name} --role ${role}`);
      if (no) return { exit: 2, findings: [no] };
      await m.put({ age: text.trim(), signing });
    } finally {
      m.close();
    }
    const file = options["file"];
    return { exit: 0, json: { environment: d.name, role, secret: m.secretId, machines: m.machines.map((x) => x.name) }, text: `${m.secretId} holds the identity of ${m.machines.map((x) => x.name).join(", ")}.${typeof file === "string" ? ` Delete ${file}: nobody needs a copy.` : ""}\n` };
  },
});
