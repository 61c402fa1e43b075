import { join, resolve } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { laravelMail, laravelServices, typedVariables, typescriptModule, variablesSchema } from "../../schemas/typed-access.ts";
import { variables } from "../../schemas/variables.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "types",
  summary: "Write typed access to the variables: a TypeScript module, a JSON Schema, samples for Laravel's config",
  wants: "any",
  options: [{ flags: "--out <dir>", description: "write the files there; without it the TypeScript module is printed" }],
  examples: ["stackseal types --out src/config", "stackseal types --env dev > env.ts"],
  run: (context, _args, options) => {
    const names = knownEnvironments(context);
    const project = readProject(context.root, { only: context.envs, clock: context.clock });
    const all = project.environments.map((d) => variables({ ...d.environment.integrations, ...(d.payments && { stripe: d.payments.stripe }) }, d.expected));
    if (all.length === 0) return Promise.resolve({ exit: 2, findings: project.findings });
    const typed = typedVariables(all);
    const files: Readonly<Record<string, string>> = {
      "stackseal-env.ts": typescriptModule(typed, names),
      "stackseal-env.schema.json": `${JSON.stringify(variablesSchema(typed, names), null, 2)}\n`,
      "laravel/mail.php": laravelMail(),
      "laravel/services.php": laravelServices(typed),
    };
    const json = { variables: typed.map(({ name, integration, secret, required }) => ({ name, integration, secret, required })) };
    if (typeof options["out"] !== "string") return Promise.resolve({ exit: 0, json, text: files["stackseal-env.ts"] ?? "" });
    const dir = resolve(context.root, options["out"]);
    for (const [name, text] of Object.entries(files)) writeAtomic(join(dir, name), text);
    return Promise.resolve({ exit: 0, json: { ...json, files: Object.keys(files) }, text: `${Object.keys(files).map((f) => `wrote ${join(options["out"] as string, f)}`).join("\n")}\n${typed.length} variables of ${names.join(", ")}` });
  },
});
