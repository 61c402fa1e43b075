import { defineCommand } from "../command.ts";
import { removePerson } from "../people-removal.ts";

export default defineCommand({
  name: "people remove",
  summary: "A leaver: out of people.yaml and every recipient list, new pepper generations, and the list of what they could know",
  wants: "none",
  args: [{ name: "<name>", description: "a name in people.yaml" }],
  options: [{ flags: "--reason <reason>", description: "what the rotation commands say", choices: ["departure", "compromise"], default: "departure" }],
  examples: ["stackseal people remove engineer-1"],
  run: (context, [name = ""], options) => removePerson(context, name, options["reason"] as "departure" | "compromise"),
});
