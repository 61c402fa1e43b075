import { spawnSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { kinds } from "../schemas/integrations/index.ts";
import { scanRules } from "../schemas/scan-rules.ts";
import { expand } from "../schemas/template.ts";
import { FORMS, KINDS, negatives, positives, sample, seeded } from "../tests/fixtures/credentials/corpus.ts";
import { findCredentials } from "./find.ts";
import { gitleaksConfig } from "./gitleaks.ts";
import { compileRules } from "./rules.ts";

const set = compileRules();
// Every form under both names, and twenty samples of a kind at least.
const found = positives(Math.max(20, 2 * Object.keys(FORMS).length), seeded(7));
const harmless = negatives(2000, seeded(11));
const dir = mkdtempSync(join(tmpdir(), "stackseal-corpus-"));
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });
/** Latin1, as files are read. */
const find = (text: string) => findCredentials(Buffer.from(text, "utf8").toString("latin1"), set);

describe("credentials", () => {
  it("are found in every kind, form and name: recall 100 %", () => {
    expect(new Set(found.map((p) => p.form)).size).toBe(Object.keys(FORMS).length);
    expect(KINDS.length).toBeGreaterThanOrEqual(14);
    const missed = found.filter((p) => !find(p.text).some((h) => overlaps(p, h.start, h.end))).map((p) => `${p.kind} in ${p.form}, ${p.neutral ? "neutral" : "named"}`);
    expect(missed).toEqual([]);
  });
  it("are found once each", () => {
    expect(found.filter((p) => find(p.text).length !== 1).map((p) => `${p.kind} in ${p.form}: ${find(p.text).map((h) => h.rule.id).join(", ")}`)).toEqual([]);
  });
});

it("a password on curl's command line or in a property list is found, however it is given", () => {
  for (const flag of ["-u ", "-u", "--user ", "--user=", '-sS -u "']) for (const kind of ["twilio auth token", "smtp password", "aws secret access key"]) {
    const value = sample(KINDS.find((k) => k.id === kind)!.templates[0]!, seeded(3));
    expect([flag, kind, find(`curl ${flag}user:${value} https://api.acme.example\n`).length]).toEqual([flag, kind, 1]);
    expect([kind, find(`<key>mailPassword</key>\n<string>${value}</string>\n`).length]).toEqual([kind, 1]);
  }
});

it("a password that begins with a dollar, and a passphrase of words, are found; references and sentences aren't", () => {
  const tail = (): string => expand("{alnum:6}!{digits:3}#{alnum:4}aB3");
  for (const text of [`SMTP_PASSWORD=$T${tail()}\n`, `smtp:\n  password: '$s${tail()}'\n`, `MAIL_PASSWORD="my dog ${expand("{alnum:6}")} ${expand("{digits:4}")}"\n`, `'DB_PASSWORD' => '${expand("{alnum:5} {alnum:5} {digits:2}9")}',\n`]) expect([text, find(text).length]).toEqual([text, 1]);
  for (const text of ["SMTP_PASSWORD=$SMTP_PASSWORD\n", "password: \"$Name9\"\n", "password: $env:MAIL_PASSWORD2\n", "PASSWORD=\"$FIRST-$SECOND/3\"\n", "INVALID_PASSWORD: \"Use 8 characters or more\",\n", "WRONG_PASSWORD = \"Wrong: 3 attempts are left\";\n", "const PASSWORD = `${a} ${b} 12 ${c}`;\n", "PASSWORD_HELP=\"any 12 words in a row\"\n"]) expect([text, find(text).map((h) => h.rule.id)]).toEqual([text, []]);
});

it("2,000 hard negatives raise no alarm", () => {
  expect(harmless.length).toBeGreaterThanOrEqual(2000);
  const alarms = harmless.flatMap((n) => find(n.text).map((h) => `${n.kind}: ${h.rule.id}`));
  expect([...new Set(alarms)]).toEqual([]);
});

it("every declared kind has a rule, or is one that the general rules tell", () => {
  const general = new Set(["smtp.apiKey", "smtp.password", "outbound-webhooks.signingSecret"]);
  const ids = new Set(scanRules.map((r) => r.id));
  expect(kinds().filter((k) => !ids.has(k) && !general.has(k))).toEqual([]);
  expect(ids.size).toBe(scanRules.length);
});

const version = spawnSync("gitleaks", ["version"]);
describe.skipIf(version.status !== 0)("real gitleaks with the emitted rules", () => {
  const config = join(dir, "gitleaks.toml");
  const scan = (folder: string): { File: string }[] => {
    const report = join(dir, "report.json");
    writeFileSync(config, gitleaksConfig());
    const r = spawnSync("gitleaks", ["dir", folder, "--no-banner", "--log-level", "error", "--config", config, "--report-path", report, "--exit-code", "0", "--redact"], { encoding: "utf8" });
    expect(r.stderr.replace(/\u001b\[[0-9;]*m/g, "")).not.toMatch(/ERR|FTL|panic/);
    expect(r.status).toBe(0);
    return JSON.parse(readFileSync(report, "utf8")) as { File: string }[];
  };
  const write = (folder: string, texts: readonly { name: string; text: string }[]): string => {
    for (const t of texts) {
      mkdirSync(dirname(join(dir, folder, t.name)), { recursive: true });
      writeFileSync(join(dir, folder, t.name), t.text);
    }
    return join(dir, folder);
  };
  it("finds the same credentials", () => {
    const folder = write("bad", found.map((p, i) => ({ name: `${i}/${p.file}`, text: p.text })));
    const hit = new Set(scan(folder).map((f) => f.File));
    expect(found.flatMap((p, i) => (hit.has(join(folder, `${i}/${p.file}`)) ? [] : [`${p.kind} in ${p.form}, ${p.neutral ? "neutral" : "named"}`]))).toEqual([]);
  }, 120_000);
  it("raises no alarm on the hard negatives", () => {
    const folder = write("good", harmless.map((n, i) => ({ name: `${n.kind.replaceAll(" ", "-")}/${i}.txt`, text: n.text })));
    expect([...new Set(scan(folder).map((f) => `${dirname(f.File).split("/").pop() ?? ""}: ${(f as unknown as { RuleID: string }).RuleID}`))]).toEqual([]);
  }, 120_000);
});

function overlaps(p: { text: string; value: string }, start: number, end: number): boolean {
  const at = p.text.indexOf(p.value);
  return start < at + p.value.length && at < end;
}
