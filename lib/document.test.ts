import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseDocument, readDocument } from "./document.ts";

const codes = (text: string): string[] => parseDocument(text, "f.yaml").findings.map((f) => `${f.code} ${f.at!.line}:${f.at!.column}`);

describe("a hostile file is a coded finding", () => {
  it.each([
    ["", ["YAML_EMPTY 1:1"]],
    ["# only a comment\n", ["YAML_EMPTY 1:1"]],
    ["a: 1\na: 2\n", ["YAML_DUPLICATE_KEY 2:1"]],
    ["a:\n\tb: 1\n", ["YAML_TAB 2:1"]],
    ["a: [1\nb: 2\n", expect.arrayContaining([expect.stringMatching(/^YAML_SYNTAX /)])],
    ["a: 1\n---\nb: 2\n", [expect.stringMatching(/^YAML_SEVERAL_DOCUMENTS /)]],
    ["a: &x [1]\nb: *x\n", expect.arrayContaining([expect.stringMatching(/^YAML_ALIAS /)])],
    ["__proto__: { polluted: 1 }\n", ["YAML_KEY_FORBIDDEN 1:1"]],
    ["? [a]\n: 1\n", [expect.stringMatching(/^YAML_KEY_NOT_TEXT /)]],
    [`a: ${"[".repeat(60)}${"]".repeat(60)}\n`, [expect.stringMatching(/^YAML_TOO_DEEP /)]],
  ])("%j", (text, expected) => {
    expect(codes(text)).toEqual(expected);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
  it.each([
    ["FILE_BOM", Buffer.from("\ufeffa: 1\n")],
    ["FILE_NOT_UTF8", Buffer.from([0x61, 0x3a, 0x20, 0xff, 0x0a])],
    ["FILE_TOO_LARGE", Buffer.alloc((1 << 20) + 1, 0x61)],
  ])("%s", (code, bytes) => {
    const root = mkdtempSync(join(tmpdir(), "doc-"));
    writeFileSync(join(root, "f.yaml"), bytes);
    expect(readDocument(root, "f.yaml")).toMatchObject({ document: null, findings: [{ code, at: { file: "f.yaml", line: 1 } }] });
  });
  it("warns of Windows line ends and goes on", () => {
    const root = mkdtempSync(join(tmpdir(), "doc-"));
    writeFileSync(join(root, "f.yaml"), "a: 1\r\nb: 2\r\n");
    expect(readDocument(root, "f.yaml")).toMatchObject({ document: { value: { a: 1, b: 2 } }, findings: [{ code: "FILE_CRLF", severity: "warning" }] });
  });
  it("refuses what is missing, a folder, and a link out of the project", () => {
    const root = mkdtempSync(join(tmpdir(), "doc-"));
    symlinkSync("/etc/hostname", join(root, "link.yaml"));
    expect(readDocument(root, "no.yaml").findings[0]!.code).toBe("FILE_MISSING");
    expect(readDocument(root, ".").findings[0]!.code).toBe("FILE_NOT_A_FILE");
    expect(readDocument(root, "link.yaml").findings[0]!.code).toBe("FILE_NOT_A_FILE");
  });
});

it("places a value, a key, and the parent of what is missing", () => {
  const d = parseDocument("a:\n    b:\n        - x\n        - y: 1\n    c: 2\n", "f.yaml").document!;
  expect(d.locate(["a", "b", 1, "y"])).toEqual({ file: "f.yaml", line: 4, column: 14 });
  expect(d.locate(["a", "b", 1, "y"], "key")).toEqual({ file: "f.yaml", line: 4, column: 11 });
  expect(d.locate(["a", "missing"])).toEqual({ file: "f.yaml", line: 1, column: 1 });
  expect(d.locate(["a", "c"])).toEqual({ file: "f.yaml", line: 5, column: 8 });
});
