import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { rules } from "../policies/index.ts";
import { integrations } from "../schemas/integrations/index.ts";
import { jsonSchemas } from "../tools/json-schemas.ts";
import { commands } from "../scripts/commands/index.ts";

const root = resolve(import.meta.dirname, "..");
const product = readFileSync(join(root, "tests/fixtures/product-lines.txt"), "utf8").trimEnd().split("\n");
const page = readFileSync(join(root, "docs/coverage.md"), "utf8");
interface Row { id: string; line: string; served: string }
const rowsOf = (text: string): Row[] => [...text.matchAll(/^\| (L\d+) \| (.*?) \| ([^|]*) \|$/gm)].map((m) => ({ id: m[1]!, line: m[2]!, served: m[3]! }));
type Properties = Record<string, { properties?: Properties; additionalProperties?: unknown }>;
const schemas = jsonSchemas() as Record<string, { properties: Properties }>;
const settings = (id: string): Properties => (id === "stripe" ? schemas["payments"]!.properties["stripe"] : schemas["environment"]!.properties["integrations"]!.properties![id])?.properties ?? {};

const extras = (text: string): string[] => [...text.slice(text.indexOf("## Commands that serve no single line")).matchAll(/^\| `(stackseal [^`]+)` \| [^|]{10,} \|$/gm)].map((m) => m[1]!);
/** What is wrong with one reference of the table; null where it exists. */
async function wrong(reference: string): Promise<string | null> {
  const [kind = "", rest = ""] = /^(policy|integration|setting|secret):(.+)$/.exec(reference)?.slice(1) ?? [];
  const [id = "", name = ""] = rest.split(".");
  if (kind === "policy") return rules.some((r) => r.id === rest) ? null : `no policy ${rest}`;
  if (kind === "integration") return integrations.some((i) => i.id === rest) ? null : `no integration ${rest}`;
  if (kind === "setting") return name in settings(id) ? null : `no setting ${rest}`;
  if (kind === "secret") return integrations.find((i) => i.id === id)?.secrets[name] ? null : `no secret ${rest}`;
  const words = reference.split(" ").slice(1);
  const entry = commands.find((c) => c.name === words.slice(0, 2).join(" ")) ?? commands.find((c) => c.name === words[0]);
  if (!reference.startsWith("stackseal ") || !entry) return `no command ${reference}`;
  const flags = ((await entry.load()).options ?? []).map((o) => o.flags.split(/[ ,]/)[0]);
  const missing = words.filter((w) => w.startsWith("--") && !flags.includes(w));
  return missing.length ? `${entry.name} has no ${missing.join(", ")}` : null;
}
async function faults(text: string): Promise<string[]> {
  const rows = rowsOf(text);
  const out = product.flatMap((line, i) => (rows.some((r) => r.id === `L${i + 1}` && r.line === line) ? [] : [`L${i + 1} is missing: ${line}`]));
  for (const r of rows) {
    const references = [...r.served.matchAll(/`([^`]+)`/g)].map((m) => m[1]!);
    if (references.length === 0 && r.served !== "heading" && !/^excluded: .{10}/.test(r.served)) out.push(`${r.id} is served by nothing`);
    for (const x of references) {
      const w = await wrong(x);
      if (w !== null) out.push(`${r.id}: ${w}`);
    }
  }
  for (const x of extras(text)) {
    const w = await wrong(x);
    if (w !== null) out.push(w);
  }
  // A command that nobody told this page of serves nobody.
  for (const c of commands) if (![...rows.map((r) => r.served), ...extras(text).map((e) => `\`${e}\``)].some((s) => new RegExp(`\`stackseal ${c.name}( --[a-z-]+)*\``).test(s))) out.push(`${c.name} is not on the page`);
  return out;
}
describe("docs/coverage.md", () => {
  it("serves every line of the product documentation by something that exists", async () => {
    expect(product.length).toBeGreaterThan(140);
    expect(await faults(page)).toEqual([]);
  });
  it("would be refused without a line, with a command or a rule that isn't there, or with nothing", async () => {
    expect(await faults(page.replace(/^\| L53 .*\n/m, ""))).toHaveLength(1);
    expect(await faults(page.replace("stackseal doctor --deliver", "stackseal doctor --delver"))).toEqual(["L64: doctor has no --delver"]);
    expect(await faults(page.replace("stackseal audit log", "stackseal audit lag"))).toHaveLength(1);
    expect(await faults(page.replace("policy:test-live-mode", "policy:test-mode"))).toHaveLength(1);
    expect(await faults(page.replace("`setting:smtp.port`", "yes"))).toEqual(["L33 is served by nothing"]);
    expect(await faults(page.replace(" · `stackseal drift`", ""))).toEqual(["drift is not on the page"]);
    expect(await faults(page.replace(/^\| `stackseal cancel` .*\n/m, ""))).toEqual(["cancel is not on the page"]);
    expect(await faults(page.replace("Separate Environments: Use different", "Separate Environments: Use other"))).toHaveLength(1);
  });
});
