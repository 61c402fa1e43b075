import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { commands } from "../scripts/commands/index.ts";
import { integrationsTable } from "../tools/integrations-table.ts";

const repo = resolve(import.meta.dirname, "..");
const readme = readFileSync(join(repo, "README.md"), "utf8");

it("has the table of integrations as they are declared, in under 250 lines", () => {
  expect(readme, "put what tools/integrations-table.ts makes between the marks").toContain(`<!-- integrations -->\n${integrationsTable()}\n<!-- /integrations -->`);
  expect(readme.split("\n").length).toBeLessThan(250);
});
it("names only commands that there are", () => {
  const names = new Set(commands.flatMap((c) => [c.name, c.name.split(" ")[0] as string]));
  const said = [...readme.matchAll(/`stackseal ([a-z]+)/g)].map((m) => m[1] as string);
  expect(said.filter((w) => !names.has(w))).toEqual([]);
});
it("says why of every dependency that runs", () => {
  const { dependencies } = JSON.parse(readFileSync(join(repo, "package.json"), "utf8")) as { dependencies: Record<string, string> };
  expect(Object.keys(dependencies).filter((d) => !readme.includes(`\`${d}\``) && !readme.includes(`\`${d.split("/")[0] ?? ""}/*\``))).toEqual([]);
});
