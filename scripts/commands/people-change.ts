import { FindingError } from "../../lib/finding.ts";
import { ROLES } from "../../schemas/access.ts";
import { readPeople } from "../../seal/deploy.ts";
import { publicBlob } from "../../seal/signature.ts";
import { defineCommand } from "../command.ts";
import { changePeople, memberOf } from "../people.ts";
import { amended, FIELD_OPTIONS, fieldsOf } from "../people-fields.ts";

export default defineCommand({
  name: "people change",
  summary: "Change a person or a machine: role, tiers, keys, dates, second factor; what is sealed to them is sealed anew",
  wants: "none",
  args: [{ name: "<name>", description: "a name in people.yaml" }],
  options: [
    { flags: "--role <role>", description: "the role in the access matrix", choices: ROLES }, ...FIELD_OPTIONS,
    { flags: "--add-recipient <age1…>", description: "one more age recipient", many: true }, { flags: "--remove-recipient <age1…>", description: "one less", many: true },
    { flags: "--add-signing <key>", description: "one more SSH public key, or its .pub file", many: true }, { flags: "--remove-signing <key>", description: "one less", many: true },
    { flags: "--clear <field>", description: "remove a field", choices: ["handle", "from", "until", "secondFactor"], many: true },
  ],
  examples: ["stackseal people change engineer-1 --tier development --tier staging", "stackseal people change engineer-1 --add-recipient age1… --remove-recipient age1…", "stackseal people change engineer-1 --until 2026-12-31", "stackseal people change engineer-1 --second-factor 2026-11-24 --attested-by super-admin-1"],
  run: (context, [name = ""], options) => {
    const { entry } = memberOf(readPeople(context.root, ""), name);
    const recipients = amended(entry.recipients, options["addRecipient"], options["removeRecipient"], (a, b) => a === b);
    const signing = amended(entry.signing, options["addSigning"], options["removeSigning"], (a, b) => publicBlob(a).equals(publicBlob(b)));
    const cleared = Array.isArray(options["clear"]) ? Object.fromEntries((options["clear"] as string[]).map((f) => [f, undefined])) : {};
    const fields = { ...fieldsOf(options), ...(recipients && { recipients }), ...(signing && { signing }), ...cleared };
    if (Object.keys(fields).length === 0) throw new FindingError({ code: "USAGE", severity: "error", message: "nothing to change was given", hint: "stackseal people change --help" }, 2);
    return changePeople(context, { what: `change ${name}`, edit: { op: "change", name, fields } });
  },
});
