import { readPeople } from "../../seal/deploy.ts";
import { readJournal } from "../../seal/people-change.ts";
import { defineCommand } from "../command.ts";
import { changePeople, memberOf, syncPeople } from "../people.ts";

export default defineCommand({
  name: "people remove",
  summary: "A leaver: out of people.yaml and every recipient list, new pepper generations, and the list of what they could know",
  wants: "none",
  args: [{ name: "<name>", description: "a name in people.yaml" }],
  examples: ["stackseal people remove engineer-1"],
  run: async (context, [name = ""]) => {
    const people = readPeople(context.root, "");
    // The interrupted removal of the same person is finished, not asked again.
    if (readJournal(context.root)?.gone.includes(name)) return syncPeople(context);
    memberOf(people, name);
    return changePeople(context, { what: `remove ${name}`, edit: { op: "remove", name }, gone: [name], departure: true });
  },
});
