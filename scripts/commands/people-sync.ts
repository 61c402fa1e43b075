import { defineCommand } from "../command.ts";
import { syncPeople } from "../people.ts";

export default defineCommand({
  name: "people sync",
  summary: "Finish an interrupted change; bring .sops.yaml and every sealed file in accord with people.yaml and the access matrix",
  wants: "none",
  examples: ["stackseal people sync"],
  run: (context) => syncPeople(context),
});
