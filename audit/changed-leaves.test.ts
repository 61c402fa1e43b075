import fc from "fast-check";
import { stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { flatten } from "../lib/flat-yaml.ts";
import { changedLeaves } from "./changed-leaves.ts";
import { differences, flattenPair } from "./flat.ts";
import { changedBlocks, Version } from "./version.ts";

const version = (text: string): Version => new Version(Buffer.from(text));
const whole = (a: string, b: string): string[] => differences(flatten(a.split("\n"), "x")!, flatten(b.split("\n"), "x")!).map((d) => `${d.change} ${d.path}`);
const pair = (a: string, b: string): string[] => { const p = flattenPair(version(a), version(b), "x")!; return differences(p.before, p.after).map((d) => `${d.change} ${d.path}`); };
const claims = "stripe:\n    secretKey:\n        value: ENC[a]\n        claims:\n            issueId: 01\n            issuedAt: \"2026-01-01\"\n            sealedBy: her\n            signature: +ab/c=\n";

describe("values that changed on the same lines", () => {
  it.each([
    ["plain ones", claims.replace("[a]", "[b]"), ["stripe.secretKey.value"]],
    ["quoted ones", claims.replace("01-01", "02-03"), ["stripe.secretKey.claims.issuedAt"]],
    ["ones that begin with a sign", claims.replace("+ab", "/xy"), ["stripe.secretKey.claims.signature"]],
    ["longer ones", claims.replace("her", "somebody-else"), ["stripe.secretKey.claims.sealedBy"]],
    ["none", claims, []],
  ])("reads %s without the line reader, and who sealed it always", (_says, b, wanted) => {
    const p = changedLeaves([{ before: claims, after: b }]);
    expect([...(p?.before ?? [])].filter(([k, v]) => p?.after.get(k) !== v).map(([k]) => k)).toEqual(wanted);
    expect([p?.before.get("stripe.secretKey.claims.issueId"), p?.after.get("stripe.secretKey.claims.sealedBy")]).toEqual(["01", /sealedBy: (\S+)/.exec(b)?.[1]]);
  });
  it.each([
    ["a comment", "a: 1 # x\n", "a: 2 # x\n"], ["a tab", "a:\n    b: x\ty\n", "a:\n    b: x\tz\n"], ["another key", "a:\n    b: 1\n", "a:\n    c: 1\n"], ["a line more", "a:\n    b: 1\n", "a:\n    b: 1\n    c: 2\n"],
    ["a value that goes on", "a: one\n  two\n", "a: one\n  three\n"], ["a list", "a:\n    - x\n", "a:\n    - y\n"], ["literal text", "a: |\n    x: 1\n", "a: |\n    x: 2\n"], ["an anchor", "a: &x 1\n", "a: &x 2\n"], ["an escape", "a: \"\\x41\"\n", "a: \"\\x42\"\n"],
    ["an open flow collection", "a: { b: 1,\n  c: 2 }\n", "a: { b: 1,\n  c: 3 }\n"], ["another depth", "a:\n    b:\n        c: 1\n", "a:\n    b:\n    c: 1\n"], ["a shallower line than its like", "a:\n    b: 1\n  c: 1\n", "a:\n    b: 1\n  c: 2\n"], ["a value with something inside", "k:\n    a: 1\n        b: 1\n", "k:\n    a: 1\n        b: 2\n"], ["trailing space", "a: 1 \n", "a: 2 \n"],
  ])("leaves %s to the line reader", (_says, before, after) => { expect(changedLeaves([{ before, after }])).toBeNull(); });
});
describe("blocks that differ", () => {
  it.each([
    ["one longer", "a: 1\nb: 2\nc: 3\n", "a: 1\nb: 22\nc: 3\n", ["b"]],
    ["the last, without an end of line", "a: 1\nb: 2", "a: 1\nb: 2 x", ["b"]],
    ["one that goes on", "a:\n- 1\n- 2\nb: 2\n", "a:\n- 1\nb: 2\n", ["a"]],
    ["one with an empty line more", "a: 1\n\nb: 2\n", "a: 1\nb: 2\n", ["a"]],
    ["what looks like the next key inside", "a: |\n    b: 1\nb: 2\n", "a: |\n    b: 9\nb: 2\n", ["a"]],
    ["text in many bytes", "ä: ü\nö: 1\n", "ä: ß\nö: 1\n", ["ä"]],
  ])("are found by the newer version's: %s", (_says, before, after, wanted) => {
    const [a, b] = [version(before), version(after)];
    const found = changedBlocks(a, b);
    expect(found?.map((c) => c.after.slice(0, c.after.indexOf(":")))).toEqual(wanted);
    expect(a.blocks).toEqual(version(before).blocks);
    expect(pair(before, after)).toEqual(whole(before, after));
  });
  it.each([["another order", "a: 1\nb: 2\n", "b: 2\na: 1\n"], ["one more inside", "a: 1\nx: 1\nb: 2\n", "a: 2\nb: 2\n"], ["one less", "a: 1\nb: 2\n", "a: 1\n"], ["one more", "a: 1\n", "a: 1\nb: 2\n"], ["one more at the end", "a: 1\nsops: 1\nz: 1\n", "a: 1\nsops: 2\n"], ["another comment in front", "# x\na: 1\n", "# y\na: 1\n"]])("are told apart otherwise: %s", (_says, a, b) => {
    expect(changedBlocks(version(a), version(b))).toBeNull();
    expect(pair(a, b).sort()).toEqual(whole(a, b).filter((c) => c !== "changed sops").sort());
  });
  it("give what a whole comparison gives, whichever values change", () => {
    const value = fc.constantFrom("x", "yy", "+z", "/q", "1", "{ a: 1 }", "{ a: 2, b: [x] }", "2026-01-01", "true", "ü", "a b", "");
    fc.assert(fc.property(fc.array(fc.tuple(value, value), { minLength: 8, maxLength: 8 }), (values) => {
      const [a, b] = [0, 1].map((side) => { const v = (n: number): unknown => (values[n]![side]!.startsWith("{") ? { a: values[n]![side]!.length } : values[n]![side]!); return stringify({ one: { k: v(0), l: { m: v(1), issueId: v(2) } }, two: v(3), three: { k: v(4) }, four: { deep: { er: { x: v(5), y: v(6) } }, z: v(7) } }, { indent: 4, lineWidth: 0 }); }) as [string, string];
      expect(pair(a, b).sort()).toEqual(whole(a, b).sort());
    }));
  });
});
