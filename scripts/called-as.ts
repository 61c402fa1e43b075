import { commands } from "./commands/index.ts";

const FIRST = new Set(commands.map((c) => c.name.split(" ")[0]));

/** How a person calls this program here: `npx stackseal` in a project that has it as a package, npm's script in a clone, else its bare name. */
export function calledAs(env: Readonly<Record<string, string | undefined>>): string {
  const event = env["npm_lifecycle_event"];
  if (event === "npx" && /^['"]?stackseal\b/.test(env["npm_lifecycle_script"] ?? "")) return "npx stackseal";
  return env["npm_package_name"] === "stackseal" && (event === "start" || event === "stackseal") ? "npm run -s stackseal --" : "stackseal";
}
/** A text whose commands can be copied as they stand: each `stackseal COMMAND` as it is called here. */
export function asCalled(text: string, env: Readonly<Record<string, string | undefined>>): string {
  const own = calledAs(env);
  return own === "stackseal" ? text : text.replace(/(?<![\w/.-])(npx )?stackseal ([a-z]+)(?![\w-])/g, (all, _npx, word: string) => (FIRST.has(word) ? `${own} ${word}` : all));
}
