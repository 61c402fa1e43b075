import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { editPeople, type PeopleEdit } from "./people-edit.ts";

const at = (text: string): Record<string, Record<string, unknown>> => parse(text) as Record<string, Record<string, unknown>>;

describe("people.yaml in flow style", () => {
  const FLOW = `# people of Acme
people: { ana: { role: engineer, tiers: [development], recipients: [one] }, bo: { role: auditor, tiers: [staging], recipients: [two] } } # all of them
machines: {}
`;
  it.each<[string, PeopleEdit, (now: Record<string, Record<string, unknown>>) => void]>([
    ["adds", { op: "add", group: "people", name: "cy", entry: { role: "admin", tiers: ["development"], recipients: ["three"] } }, (n) => { n["people"]!["cy"] = { role: "admin", tiers: ["development"], recipients: ["three"] }; }],
    ["adds a machine to an empty map", { op: "add", group: "machines", name: "m", entry: { role: "deployer", tiers: ["staging"], recipients: ["x"] } }, (n) => { n["machines"]!["m"] = { role: "deployer", tiers: ["staging"], recipients: ["x"] }; }],
    ["removes the first", { op: "remove", name: "ana" }, (n) => { delete n["people"]!["ana"]; }],
    ["removes the last", { op: "remove", name: "bo" }, (n) => { delete n["people"]!["bo"]; }],
    ["changes recipients", { op: "change", name: "bo", fields: { recipients: ["three", "four"] } }, (n) => { (n["people"]!["bo"] as Record<string, unknown>)["recipients"] = ["three", "four"]; }],
    ["takes a field away", { op: "change", name: "bo", fields: { tiers: undefined } }, (n) => { delete (n["people"]!["bo"] as Record<string, unknown>)["tiers"]; }],
  ])("%s, and keeps the rest", (_says, edit, change) => {
    const wanted = at(FLOW);
    change(wanted);
    const after = editPeople(FLOW, edit);
    expect(at(after)).toEqual(wanted);
    expect(after).toContain("# people of Acme\n");
    expect(after).toContain("# all of them");
  });
});

describe("a block list of recipients", () => {
  const BLOCK = `people:
  ana:
    role: engineer
    tiers: [development]
    # hers alone
    recipients:
      - one # the laptop
      # kept in the safe
      - two
      - three
machines: {}
`;
  it.each<[string, string[], string]>([
    ["keeps what stays, with its comments, in the order asked for", ["two", "one"], "      # kept in the safe\n      - two\n      - one # the laptop\n"],
    ["takes a comment away with its item", ["one", "three"], "      - one # the laptop\n      - three\n"],
    ["puts a new one where it was asked for", ["one", "four", "three"], "      - one # the laptop\n      - four\n      - three\n"],
  ])("%s", (_says, recipients, lines) => {
    const [before, after] = BLOCK.split(/ {6}- one[^]*three\n/) as [string, string];
    expect(editPeople(BLOCK, { op: "change", name: "ana", fields: { recipients } })).toBe(before + lines + after);
  });
});

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const entry = fc.record({ role: fc.constantFrom("engineer", "admin"), tiers: fc.uniqueArray(fc.constantFrom("development", "staging", "production"), { minLength: 1 }), recipients: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }) }, { requiredKeys: ["role", "tiers", "recipients"] });
const list = fc.dictionary(name, entry, { minKeys: 1, maxKeys: 4 });
const styles = fc.constantFrom({}, { indentSeq: false }, { indent: 4 }, { collectionStyle: "flow" as const }, { defaultStringType: "QUOTE_DOUBLE" as const });

it("any list in any style: what is asked for changes and nothing else does", () => {
  fc.assert(fc.property(list, list, styles, name, entry, (people, machines, style, fresh, e) => {
    fc.pre(!Object.hasOwn(people, fresh) && Object.keys(machines).every((m) => !Object.hasOwn(people, m)) && !Object.hasOwn(machines, fresh));
    const text = stringify({ people, machines }, style);
    const some = Object.keys(people)[0]!;
    expect(at(editPeople(text, { op: "add", group: "people", name: fresh, entry: e as never }))).toEqual({ people: { ...people, [fresh]: e }, machines });
    const { [some]: _gone, ...others } = people;
    expect(parse(editPeople(text, { op: "remove", name: some }))).toEqual({ people: others, machines });
    expect(at(editPeople(text, { op: "change", name: some, fields: { recipients: e.recipients, role: e.role } }))).toEqual({ people: { ...people, [some]: { ...people[some], recipients: e.recipients, role: e.role } }, machines });
  }), { numRuns: 200 });
});
