import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parseBlockYaml } from "./block-yaml.ts";
import { parseYaml, type Path } from "./document.ts";

const root = resolve(import.meta.dirname, "..");
const sealed = readdirSync(join(root, "stacks"), { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".sops.yaml")).map((f) => readFileSync(join(root, "stacks", f), "utf8"));

function paths(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [at];
  return [at, ...Object.entries(value).flatMap(([k, v]) => paths(v, [...at, k])), [...at, "absent"], [...at, "absent", "deeper"]];
}
/** Where the quick reader answers, the full one answers the same: value and places. */
function agree(text: string): boolean {
  const quick = parseBlockYaml(text, "f", () => parseYaml(text, "f").document);
  if (!quick) return false;
  const full = parseYaml(text, "f");
  expect(full.findings).toEqual([]);
  expect(JSON.stringify(quick.value)).toBe(JSON.stringify(full.document!.value));
  for (const p of paths(quick.value)) for (const t of ["key", "value"] as const) if (p.length) expect([p, t, quick.locate(p, t)]).toEqual([p, t, full.document!.locate(p, t)]);
  return true;
}
it("reads every sealed file of the project, as the full parser does", () => {
  expect(sealed.length).toBeGreaterThan(5);
  for (const t of sealed) expect(agree(t)).toBe(true);
});
it("agrees with the full parser, or leaves the text to it, whatever is changed in one", () => {
  const bits = ["", " ", "    ", "\n", "#", "# x", ":", ": ", "- ", "|", "\"", "'", "[", "]", "{}", "0", "0x1F", "1e3", ".inf", "true", "null", "~", "a: b", "&a ", "*a", "!!str ", "\t", "key:\n", "2026-11-24", "0E12", "é", "---\n", "...\n", "? ", "0755", "1_000", "\\n"];
  const base = sealed.sort((a, b) => a.length - b.length)[0]!;
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(12), fc.constantFrom(...bits)), { minLength: 1, maxLength: 3 }), (edits) => {
    let text = base;
    for (const [where, drop, put] of edits) {
      const at = where % text.length;
      text = text.slice(0, at) + put + text.slice(at + drop);
    }
    agree(text);
  }), { numRuns: 1500 });
});
it("agrees on any words as values", () => {
  const word = fc.string({ unit: fc.constantFrom(..."abcxEeINF0123456789.:_+-/=,[]^$@#'\"{}|>!&*%~ ".split("")), maxLength: 12 });
  fc.assert(fc.property(fc.array(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9_-]{0,6}$/), word), { minLength: 1, maxLength: 4 }), (pairs) => { agree(pairs.map(([k, v]) => `${k}: ${v}\n`).join("")); }), { numRuns: 3000 });
});
