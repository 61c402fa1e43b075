import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { integrations } from "../schemas/integrations/index.ts";
import type { HttpProbe } from "../schemas/probe.ts";
import { mailProbe } from "../schemas/integrations/mail-probe.ts";
import { DOCTOR_CODES } from "./codes.ts";

const sources = readdirSync(import.meta.dirname).filter((f) => f.endsWith(".ts") && !f.includes(".test.") && f !== "codes.ts").map((f) => readFileSync(join(import.meta.dirname, f), "utf8")).join("\n");
const probes: readonly HttpProbe[] = [
  ...integrations.flatMap((i) => Object.values(i.secrets).flatMap((s) => (s.probe.kind === "http" ? [s.probe] : []))),
  ...[mailProbe("sendgrid", "apikey", "smtp.sendgrid.net"), mailProbe("mailtrap", "api", "live.smtp.mailtrap.io")].flatMap((p) => (p ? [p] : [])),
];
/** Capitals in quotes that are no codes of a line. */
const OTHER = new Set(["HTTPS_PROXY", "ENOTFOUND", "GET", "POST"]);

it("says what every code of a line means, and of none that no line has", () => {
  const declared = new Set(probes.flatMap((p) => [...p.readings, ...p.more.flatMap((m) => m.readings ?? [])].map((r) => r.code)));
  const known = new Set<string>(Object.keys(DOCTOR_CODES));
  expect([...declared].filter((c) => !known.has(c))).toEqual([]);
  const said = new Set([...sources.matchAll(/"([A-Z]{2,}(?:_[A-Z]+)+)"/g)].map((m) => m[1]!));
  expect([...said].filter((c) => !known.has(c) && !OTHER.has(c))).toEqual([]);
  expect([...known].filter((c) => !declared.has(c) && !sources.includes(`"${c}"`))).toEqual([]);
});
