import fc from "fast-check";
import { stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { differences, flatten, flattenPair, leaves } from "./flat.ts";

const flat = (text: string): Record<string, string> => Object.fromEntries(flatten(text.split("\n"), "x.yaml") ?? []);

describe("flat text of block YAML", () => {
  it.each([
    ["nested maps", "a:\n    b: 1\n    c:\n        d: x # said\ne: y\n", { "a.b": "1", "a.c.d": "x", e: "y" }],
    ["lists of maps, as sops writes them", "age:\n    - recipient: r1\n      enc: |\n        one\n        two\n    - recipient: r2\n      enc: z\n", { "age.0.recipient": "r1", "age.0.enc": "one\ntwo", "age.1.recipient": "r2", "age.1.enc": "z" }],
    ["lists at their key's own indent", "a:\n- x\n- y: 1\n  z: 2\n", { "a.0": "x", "a.1.y": "1", "a.1.z": "2" }],
    ["flow collections as they stand", "a: { b: 1, c: [2, 3] } # x\nd: [\n  1,\n  2 ]\n", { a: "{ b: 1, c: [2, 3] }", d: "[ 1, 2 ]" }],
    ["quotes", "a: \"x: y\"\n'b': 'z'\n", { a: "x: y", b: "z" }],
    ["an empty value", "a:\nb: 1\n", { a: "", b: "1" }],
  ])("reads %s", (_says, text, wanted) => { expect(flat(text)).toEqual(wanted); });
  it("leaves what isn't plain block YAML to the parser, and refuses what is no map", () => {
    expect(flat("a: one\n  two\n")).toEqual({ a: "one two" });
    expect(flatten(["- a"], "x")).toEqual(new Map([["0", "a"]]));
    expect(flatten(["just text"], "x")).toBeNull();
  });
  it("agrees with the real parser on any tree", () => {
    const key = fc.stringMatching(/^[a-z][a-zA-Z0-9-]{0,8}$/).filter((k) => !["null", "true", "false", "yes", "no", "on", "off", "y", "n", "constructor", "prototype"].includes(k));
    const tree = fc.letrec((t) => ({ node: fc.oneof({ maxDepth: 3 }, fc.stringMatching(/^[a-z][a-z0-9 ]{0,10}[a-z0-9]$/), fc.nat(), t("map")), map: fc.dictionary(key, t("node"), { minKeys: 1, maxKeys: 4 }) })).map;
    fc.assert(fc.property(tree, (value) => { expect(flat(stringify(value, { lineWidth: 0, indent: 4 }))).toEqual(Object.fromEntries(leaves(value))); }));
  });
  it("finds by changed blocks what a whole comparison finds", () => {
    const entry = fc.record({ value: fc.stringMatching(/^[a-z]{4}$/), note: fc.stringMatching(/^[a-z]{4}$/) });
    const doc = fc.dictionary(fc.constantFrom("one", "two", "three"), fc.dictionary(fc.constantFrom("k", "l"), entry, { minKeys: 1 }), { minKeys: 1 });
    fc.assert(fc.property(doc, doc, (x, y) => {
      const [a, b] = [x, y].map((v) => stringify(v, { indent: 4 }).split("\n")) as [string[], string[]];
      const pair = flattenPair(a, b, "x")!;
      const whole = differences(flatten(a, "x")!, flatten(b, "x")!);
      expect(differences(pair.before, pair.after).sort((p, q) => (p.path < q.path ? -1 : 1))).toEqual(whole.sort((p, q) => (p.path < q.path ? -1 : 1)));
    }));
  });
});
