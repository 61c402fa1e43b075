import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { parseDotenv } from "./dotenv.ts";

const read = (text: string): Record<string, string> => Object.fromEntries(parseDotenv(text, ".env").entries.map((e) => [e.name, e.value]));

describe("a .env file", () => {
  it.each([
    ["a bare value", "A=b", { A: "b" }], ["export and spaces", "  export A = b  ", { A: "b" }], ["a comment behind a bare value", "A=b # c", { A: "b" }], ["a hash inside a bare value", "A=b#c", { A: "b#c" }],
    ["single quotes, literally", "A='b \\n #$C'", { A: "b \\n #$C" }], ["double quotes with escapes", 'A="b\\n\\"c\\" \\$d"', { A: 'b\n"c" $d' }], ["backticks", "A=`it's \"so\"`", { A: "it's \"so\"" }],
    ["several lines", 'A="b\nc"\nD=e', { A: "b\nc", D: "e" }], ["an empty value", "A=\nB=''", { A: "", B: "" }], ["Windows line ends", "A=b\r\nC=d\r\n", { A: "b", C: "d" }], ["interpolation, kept literal", "A=${B}c\nD=\"$E\"", { A: "${B}c", D: "$E" }],
    ["an equals sign in a value", "A=b=c==", { A: "b=c==" }], ["a comment alone", "# A=b\n\n", {}], ["an empty value with a comment", "A= # nothing", { A: "" }],
  ])("gives %s", (_says, text, wanted) => { expect(parseDotenv(text, ".env").findings).toEqual([]); expect(read(text)).toEqual(wanted); });
  it.each([
    ["a line that is no assignment", "A=b\nnonsense\n", "DOTENV_SYNTAX", 2], ["an open quote", 'A="b\nC=d', "DOTENV_QUOTE", 1], ["a name twice", "A=b\nA=c", "DOTENV_DUPLICATE", 2], ["text behind a quote", "A='b'c", "DOTENV_SYNTAX", 1],
  ])("places %s", (_says, text, code, line) => {
    const [f] = parseDotenv(text, ".env").findings;
    expect([f?.code, f?.at?.line]).toEqual([code, line]);
    expect(f?.message).not.toContain("nonsense");
  });
  it("marks what another reader would expand", () => { expect(parseDotenv("A=$B\nC='$D'\nE=5$", ".env").entries.map((e) => e.interpolated)).toEqual([true, false, false]); });
  it("reads back whatever double quotes can say", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme" }).filter((s) => !s.includes("\r")), (s) => { expect(read(`A="${s.replace(/[\\"$]/g, "\\$&").replaceAll("\n", "\\n")}"`)).toEqual({ A: s }); }));
  });
});
