import fc from "fast-check";
import { parse, stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { flatten, flowLeaves, leaves } from "../lib/flat-yaml.ts";
import { differences, flattenPair } from "./flat.ts";
import { Version } from "./version.ts";

const version = (text: string): Version => new Version(Buffer.from(text));
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
      const [a, b] = [x, y].map((v) => stringify(v, { indent: 4 })) as [string, string];
      const pair = flattenPair(version(a), version(b), "x")!;
      const whole = differences(flatten(a.split("\n"), "x")!, flatten(b.split("\n"), "x")!);
      expect(differences(pair.before, pair.after).sort((p, q) => (p.path < q.path ? -1 : 1))).toEqual(whole.sort((p, q) => (p.path < q.path ? -1 : 1)));
    }));
  });
  it.each([
    ["a whole document at another indent", "  a: 1\n", "  a: 2\n", ["a"]],
    ["a list at the left", "- rule: x\n  until: 1\n", "- rule: x\n  until: 2\n", ["0.until"]],
    ["a list at its key's own indent", "exceptions:\n- rule: x\n- rule: y\n", "exceptions:\n- rule: x\n- rule: z\n", ["exceptions.1.rule"]],
    ["a block that comes and one that goes", "a: 1\nb: 2\n", "b: 2\nc: 3\n", ["a", "c"]],
    ["a document's mark", "---\na: 1\n", "---\na: 2\n", ["a"]],
    ["one value among many, in lists and literal text too", "a:\n    - k: 1\n      l: 2\n    - k: 1\n      l: 3\n    t: |\n        x: 1\n        y: 2\n", "a:\n    - k: 1\n      l: 2\n    - k: 1\n      l: 4\n    t: |\n        x: 1\n        y: 3\n", ["a.1.l", "a.t"]],
    ["another key at the same place", "a:\n    k: 1\n    l: 2\n", "a:\n    k: 1\n    m: 2\n", ["a.l", "a.m"]],
    ["another depth at the same place", "a:\n    k:\n        l: 2\n        m: 3\n", "a:\n    k:\n        l: 2\n    m: 3\n", ["a.k.m", "a.m"]],
    ["a renamed parent", "a:\n    k:\n        l: 2\n", "a:\n    q:\n        l: 2\n", ["a.k.l", "a.q.l"]],
    ["recipients and nothing else that sops writes", "sops:\n    age:\n        - recipient: p\n          enc: x\n    mac: m\n", "sops:\n    age:\n        - recipient: q\n          enc: x\n    mac: m\n", ["sops.age.0.recipient"]],
    ["no new mac alone", "a: 1\nsops:\n    age:\n        - recipient: p\n    mac: m\n", "a: 1\nsops:\n    age:\n        - recipient: p\n    mac: n\n", []],
  ])("compares %s", (_says, a, b, wanted) => {
    const pair = flattenPair(version(a), version(b), "x")!;
    expect(differences(pair.before, pair.after).map((d) => d.path)).toEqual(wanted);
    const whole = differences(flatten(a.split("\n"), "x")!, flatten(b.split("\n"), "x")!).map((d) => d.path);
    expect(whole.filter((p) => p !== "sops.mac")).toEqual(wanted);
  });
  it("finds in flow collections what the real parser finds, whatever their style", () => {
    const paths = (a: string, b: string): string[] => { const [x, y] = flowLeaves(a, b, "p"); return [...new Set([...x.keys(), ...y.keys()])].filter((k) => x.get(k) !== y.get(k)).sort(); };
    const word = fc.oneof(fc.stringMatching(/^[a-z][a-z0-9 .@/-]{0,10}[a-z0-9]$/), fc.string({ maxLength: 12 }), fc.nat(), fc.boolean(), fc.constant(null), fc.constant("+15005550006"), fc.constant("1.50"), fc.constant("a: b, c"));
    const tree = fc.letrec((t) => ({ node: fc.oneof({ maxDepth: 3 }, word, t("map"), fc.array(t("node"), { maxLength: 3 })), map: fc.dictionary(fc.stringMatching(/^[a-z][a-zA-Z0-9-]{0,8}$/), t("node"), { maxKeys: 4 }) })).map;
    fc.assert(fc.property(tree, tree, (x, y) => {
      const [a, b] = [x, y].map((v) => stringify(v, { collectionStyle: "flow", lineWidth: 0 }).trim().replaceAll("\n", " ")) as [string, string];
      const [p, q] = [leaves(parse(a), "p"), leaves(parse(b), "p")];
      expect(paths(a, b)).toEqual([...new Set([...p.keys(), ...q.keys()])].filter((k) => p.get(k) !== q.get(k)).sort());
    }), { numRuns: 300 });
    expect(paths("{ a: 1, b: [x, y] }", "{ a: 2, b: [x, z] }")).toEqual(["p.a", "p.b.1"]);
  });
});
