import { expect, it } from "vitest";
import type { Finding } from "../lib/finding.ts";
import { sarifOf } from "./sarif.ts";

interface Log { readonly runs: readonly { readonly results: readonly { readonly level: string; readonly locations: readonly { readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } } }[] }[] }[] }
const results = (findings: readonly Finding[]): Log["runs"][number]["results"] => (JSON.parse(sarifOf(findings, [])) as Log).runs[0]?.results ?? [];

it("gives every result a place, for a code host refuses a log of which one has none", () => {
  const [first, second] = results([{ code: "X", severity: "info", message: "m" }, { code: "X", severity: "error", message: "m", at: { file: "a b/ü.yaml", line: 3, column: 4 } }]);
  expect(first?.locations[0]?.physicalLocation.artifactLocation.uri).toBe("Pulumi.yaml");
  expect(second?.locations[0]?.physicalLocation.artifactLocation.uri).toBe("a%20b/%C3%BC.yaml");
});
it("keeps the weightiest where there are more than a code host takes", () => {
  const all = results([...Array.from({ length: 25_000 }, (): Finding => ({ code: "X", severity: "info", message: "m" })), { code: "Y", severity: "error", message: "m" }]);
  expect([all.length, all[0]?.level]).toEqual([25_000, "error"]);
});
