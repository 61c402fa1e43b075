import { describe, expect, it } from "vitest";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { SCHEDULES } from "../environment.ts";
import { expand } from "../template.ts";
import { integrations, kinds, specOf, variablesOf } from "./index.ts";
import { MAIL_PROVIDERS, MAIL_RULES, MAIL_SAMPLES } from "./smtp.ts";

const secrets = integrations.flatMap((i) => Object.entries(i.secrets).map(([name, spec]) => ({ kind: `${i.id}.${name}`, spec })));

describe.each(secrets)("$kind", ({ kind, spec }) => {
  it.each(spec.accepts)("accepts %s", (template) => {
    for (let n = 0; n < 20; n++) expect(expand(template)).toMatch(spec.format.pattern);
  });
  it.each(spec.rejects)("rejects $why", ({ sample }) => {
    for (let n = 0; n < 20; n++) expect(expand(sample)).not.toMatch(spec.format.pattern);
  });
  it("is anchored: stray spaces, quotes and newlines are refused, not trimmed", () => {
    const good = expand(spec.accepts[0]!);
    for (const bad of [` ${good}`, `${good} `, `${good}\n`, `\t${good}`, `"${good}"`, `'${good}'`, ""]) expect(bad).not.toMatch(spec.format.pattern);
  });
  it("has samples, a ceiling of age and a variable", () => {
    expect(spec.accepts.length).toBeGreaterThan(0);
    expect(spec.rejects.length).toBeGreaterThan(0);
    expect(spec.maxAgeDays).toBeLessThanOrEqual(SCHEDULES.annually + 1);
    expect(variablesOf(spec, "one").every((v) => /^[A-Z][A-Z0-9_]*$/.test(v))).toBe(true);
    if (spec.generate !== undefined) expect(expand(spec.generate)).toMatch(spec.format.pattern);
    expect(specOf(kind)).toBe(spec);
  });
});
it.each(MAIL_PROVIDERS)("has a sample password in %s's own form", (p) => { expect(expand(MAIL_SAMPLES[p])).toMatch(MAIL_RULES[p].password.pattern); });
it("declares each integration in a file of its name, and no run-time variable twice", () => {
  const files = readdirSync(resolve(import.meta.dirname)).filter((f) => f.endsWith(".ts") && !/^(index|checklist|mail-[a-z]+)\.|\.test\.ts$/.test(f)).map((f) => f.slice(0, -3));
  expect(integrations.map((i) => i.id).sort()).toEqual(files.sort());
  const variables = integrations.flatMap((i) => [...Object.keys(i.env), ...Object.values(i.secrets).flatMap((s) => s.env)]);
  expect(variables.filter((v, n) => variables.indexOf(v) < n)).toEqual([]);
  expect(new Set(kinds()).size).toBe(kinds().length);
});
it("checks in nothing that another scanner would take for a key", () => {
  for (const f of readdirSync(resolve(import.meta.dirname))) expect(readFileSync(resolve(import.meta.dirname, f), "utf8")).not.toMatch(/\b[rs]k_(test|live)_[A-Za-z0-9]{16,}|SG\.[\w-]{22}\.[\w-]{43}/);
});
