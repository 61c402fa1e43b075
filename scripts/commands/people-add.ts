import { FindingError } from "../../lib/finding.ts";
import { HUMAN_ROLES, ROLES, type Role } from "../../schemas/access.ts";
import { members, personName, type Machine } from "../../schemas/people.ts";
import { sealCodes } from "../../seal/codes.ts";
import { readPeople } from "../../seal/deploy.ts";
import { defineCommand } from "../command.ts";
import { changePeople } from "../people.ts";
import { FIELD_OPTIONS, fieldsOf } from "../people-fields.ts";

export default defineCommand({
  name: "people add",
  summary: "Add a person or a machine: people.yaml signed, .sops.yaml, and what is sealed to them sealed anew",
  wants: "none",
  args: [{ name: "<name>", description: "lower case letters, digits and hyphens" }],
  options: [{ flags: "--role <role>", description: "the role in the access matrix", choices: ROLES }, { flags: "--machine", description: "a machine, not a person" }, ...FIELD_OPTIONS],
  examples: ["stackseal people add engineer-2 --role engineer --tier development --recipient age1… --signing ~/.ssh/id_ed25519.pub --handle engineer-2", "stackseal people add rotator-prod --machine --role rotator --tier production --recipient age1…"],
  run: (context, [name = ""], options) => {
    const fields = fieldsOf(options) as Partial<Machine> & { role?: Role };
    const usage = (message: string): FindingError => new FindingError({ code: "USAGE", severity: "error", message, hint: "stackseal people add --help" }, 2);
    if (!personName.safeParse(name).success) throw usage(`"${name}" is no name: lower case letters, digits and hyphens`);
    if (fields.role === undefined || !fields.tiers?.length) throw usage("a new entry wants --role and at least one --tier");
    const machine = options["machine"] === true || !(HUMAN_ROLES as readonly Role[]).includes(fields.role);
    if (members(readPeople(context.root, "")).some((m) => m.name === name)) throw new FindingError(sealCodes.finding("PERSON_EXISTS", { message: `${name} is in people.yaml already`, hint: `stackseal people change ${name}` }), 2);
    return changePeople(context, { what: `add ${name}`, edit: { op: "add", group: machine ? "machines" : "people", name, entry: { ...fields, recipients: fields.recipients ?? [] } } });
  },
});
