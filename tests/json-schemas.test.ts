import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import type { z } from "zod";
import { describe, expect, it } from "vitest";
import { parseDocument } from "../lib/document.ts";
import { environmentSchema, paymentsSchema } from "../schemas/environment.ts";
import { peopleSchema } from "../schemas/people.ts";
import { jsonSchemas } from "../tools/json-schemas.ts";
import { stripeFacts } from "../tools/stripe-events.ts";

const repo = resolve(import.meta.dirname, "..");
const dir = join(repo, "schemas/json");
const read = (name: string): Record<string, unknown> => JSON.parse(readFileSync(join(dir, name), "utf8")) as Record<string, unknown>;
const compile = (name: string): ValidateFunction => new Ajv({ allErrors: true, strict: false, validateFormats: false }).compile(read(`${name}.schema.json`));

it("checks in what the zod schemas generate, and nothing else", () => {
  const made = jsonSchemas();
  expect(readdirSync(dir).sort()).toEqual(Object.keys(made).map((n) => `${n}.schema.json`).sort());
  for (const [name, schema] of Object.entries(made)) expect(read(`${name}.schema.json`), `${name}: npm run generate`).toEqual(JSON.parse(JSON.stringify(schema)));
});
it("checks in the events and API versions of the installed Stripe SDK", () => {
  const facts = JSON.parse(readFileSync(join(repo, "schemas/stripe-facts.json"), "utf8")) as { events: string[] };
  expect(facts).toEqual(stripeFacts());
  expect(facts.events.length).toBeGreaterThan(200);
});
it("gives ajv schemas that compile, every one", () => {
  for (const f of readdirSync(dir)) expect(() => compile(f.replace(".schema.json", "")), f).not.toThrow();
});

type Path = readonly (string | number)[];
const DELETE = Symbol("delete");
/** A copy of the value with one place changed; DELETE takes the key away. */
function change(value: unknown, [head, ...rest]: Path, to: unknown): unknown {
  const copy: Record<string | number, unknown> = Array.isArray(value) ? ([...(value as unknown[])] as never) : { ...(value as object) };
  if (head === undefined) return to;
  if (rest.length) copy[head] = change(copy[head], rest, to);
  else if (to === DELETE) Reflect.deleteProperty(copy, head);
  else copy[head] = to;
  return copy;
}
const value = (file: string): unknown => {
  const { document, findings } = parseDocument(readFileSync(join(repo, file), "utf8"), file);
  expect(findings).toEqual([]);
  return document?.value;
};

const documents: readonly { name: string; schema: z.ZodType; files: readonly string[]; wrong: readonly (readonly [string, Path, unknown])[] }[] = [
  {
    name: "environment", schema: environmentSchema, files: ["local", "dev", "staging", "prod"].map((e) => `stacks/${e}/environment.yaml`),
    wrong: [
      ["a missing tier", ["tier"], DELETE], ["an unknown tier", ["tier"], "dev"], ["an unknown key", ["color"], "red"], ["an unknown integration", ["integrations", "slack"], {}],
      ["a port that is text", ["integrations", "smtp", "port"], "587"], ["a port of its own kind", ["integrations", "smtp", "port"], 70000], ["an unknown encryption", ["integrations", "smtp", "encryption"], "starttls"],
      ["a SID that is none", ["integrations", "twilio", "accountSid"], "AC1"], ["an unknown event", ["integrations", "outbound-webhooks", "endpoints", "crm-sync", "events"], ["call.ended"]],
      ["no event", ["integrations", "outbound-webhooks", "endpoints", "crm-sync", "events"], []], ["an unknown store", ["store"], { kind: "redis" }], ["a number for a name", ["environment"], 1], ["a list for a map", ["integrations"], []],
      ["an unknown key deep inside", ["integrations", "smtp", "from", "reply"], "x"], ["an unknown plan", ["platform", "plan"], "gold"],
    ],
  },
  {
    name: "payments", schema: paymentsSchema, files: ["local", "dev", "staging", "prod"].map((e) => `stacks/${e}/payments.yaml`),
    wrong: [["no mode", ["stripe", "mode"], DELETE], ["an unknown mode", ["stripe", "mode"], "sandbox"], ["a secret in the place of the publishable key", ["stripe", "publishableKey"], "sk_test_x"], ["an unknown key", ["stripe", "webhookSecret"], "x"], ["an unknown schedule", ["rotation"], { payments: "monthly" }]],
  },
  {
    name: "people", schema: peopleSchema, files: ["stacks/people.yaml"],
    wrong: [["an unknown role", ["people", "super-admin-1", "role"], "root"], ["a recipient that is none", ["people", "super-admin-1", "recipients"], ["age1x"]], ["no tier", ["people", "super-admin-1", "tiers"], []], ["a bare year", ["people", "super-admin-1", "from"], "2026"], ["an unknown key", ["people", "super-admin-1", "phone"], "1"]],
  },
];
describe.each(documents)("$name.yaml", ({ name, schema, files, wrong }) => {
  const validate = compile(name);
  it("is accepted by ajv and by zod as shipped", () => {
    for (const f of files) {
      const v = value(f);
      expect(validate(v), `${f}: ${JSON.stringify(validate.errors)}`).toBe(true);
      expect(schema.safeParse(v).success).toBe(true);
    }
  });
  it.each(wrong)("is refused by both with %s", (_says, path, to) => {
    const broken = change(value(files[1] ?? files[0]!), path, to);
    expect(schema.safeParse(broken).success).toBe(false);
    expect(validate(broken)).toBe(false);
  });
});
