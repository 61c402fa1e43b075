import { expect, it } from "vitest";
import { defineCodes, sortFindings } from "./finding.ts";

const codes = defineCodes({ A_CODE: { severity: "error", title: "a" }, B_CODE: { severity: "warning", title: "b" } });

it("sorts by place and says identical findings once", () => {
  const at = (line: number) => ({ file: "f", line, column: 1 });
  const a = codes.finding("A_CODE", { message: "x", at: at(2) });
  const b = codes.finding("B_CODE", { message: "y", at: at(1) });
  expect(sortFindings([a, b, a])).toEqual([b, a]);
});
it("takes the severity of the table unless told otherwise", () => {
  expect(codes.finding("B_CODE", { message: "y" }).severity).toBe("warning");
  expect(codes.finding("B_CODE", { message: "y", severity: "info" }).severity).toBe("info");
});
