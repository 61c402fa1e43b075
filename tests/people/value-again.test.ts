import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expand } from "../../schemas/template.ts";
import { as, clean, commit, copyOf, makeBase, read, repo, write, type Base } from "./fixture.ts";

// A value that somebody could know, that stands elsewhere or that was in force before comes in by no door: set, sign, import.

let base: Base;
let known = "";
beforeAll(async () => {
  base = await makeBase();
  gone = { ...base, dir: leave() };
}, 120_000);
afterAll(() => { clean(base); });
const DEV = "stacks/dev/secrets.sops.yaml";
const keyOf = (who: string): string => join(base.keys, `${who}.age`);
const plain = (dir: string, path: string): string => execFileSync(process.execPath, [join(repo, "dist/cli.js"), "-C", dir, "secret", "get", path, "--env", "dev"], { encoding: "utf8", env: { PATH: process.env["PATH"], SOPS_AGE_KEY_FILE: keyOf("super-admin-1") } });
/** A project that an engineer has left, whose twilio.authToken was issued anew; made once. */
let gone: Base;
const left = (): string => copyOf(gone);
function leave(): string {
  const dir = copyOf(base);
  known = plain(dir, "twilio.authToken");
  expect(as(base, "super-admin-1", dir, ["people", "remove", "engineer-1"]).codes).toEqual([]);
  commit(dir, "Remove engineer-1");
  expect(as(base, "super-admin-1", dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "departure"], expand("{hex:32}")).codes).toEqual([]);
  commit(dir, "Issue anew");
  return dir;
}
const sops = (process.env["PATH"] ?? "").split(":").some((d) => spawnSync(join(d, "sops"), ["--version", "--disable-version-check"]).status === 0);

describe.skipIf(!sops)("secret sign, of what sops set wrote", () => {
  const sopsSet = (dir: string, path: string, value: string): void => {
    const keys = [...path.split("."), "value"].map((k) => `["${k}"]`).join("");
    const r = spawnSync("sops", ["set", "--value-stdin", DEV, keys], { cwd: dir, input: JSON.stringify(value), encoding: "utf8", env: { PATH: process.env["PATH"], SOPS_AGE_KEY_FILE: keyOf("super-admin-1"), HOME: dir } });
    expect(r.stderr).toBe("");
  };
  it.each<[string, (dir: string) => [string, string], string]>([
    ["a value that a leaver knows", () => ["twilio.authToken", known], "VALUE_EXPOSED"],
    ["a value in force elsewhere", (dir) => ["outbound-webhooks.crm-sync.signingSecret", plain(dir, "outbound-webhooks.reporting.signingSecret")], "VALUE_SHARED"],
  ])("refuses %s, writes nothing", (_says, what, code) => {
    const dir = left();
    const [path, value] = what(dir);
    sopsSet(dir, path, value);
    const before = read(dir, DEV);
    const r = as(base, "super-admin-1", dir, ["secret", "sign", path, "--env", "dev", "--reason", "scheduled"]);
    expect(r.status).toBe(1);
    expect(r.codes).toContain(code);
    expect(r.stdout + r.stderr).not.toContain(value);
    expect(read(dir, DEV)).toBe(before);
  });
  it("adopts a value that is new", () => {
    const dir = left();
    sopsSet(dir, "twilio.authToken", expand("{hex:32}"));
    expect(as(base, "super-admin-1", dir, ["secret", "sign", "twilio.authToken", "--env", "dev", "--reason", "scheduled"]).codes).toEqual([]);
  });
});

describe("secret import", () => {
  const source = (dir: string, lines: Record<string, string>): void => { write(dir, ".env", Object.entries(lines).map(([k, v]) => `${k}=${v}\n`).join("")); };
  const bring = (dir: string, ...more: string[]): ReturnType<typeof as> => as(base, "super-admin-1", dir, ["secret", "import", ".env", "--env", "dev", "--reason", "scheduled", ...more]);
  it.each<[string, () => Record<string, string>, string]>([
    ["a value that a leaver knows", () => ({ HUBSPOT_ACCESS_TOKEN: expand("pat-eu1-{hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}"), TWILIO_AUTH_TOKEN: known }), "VALUE_EXPOSED"],
    ["one value under two names", () => { const v = expand("whsec_{bytes64:32}"); return { WEBHOOK_CRM_SYNC_SECRET: v, TWILIO_AUTH_TOKEN: expand("{hex:32}"), WEBHOOK_REPORTING_SECRET: v }; }, "VALUE_SHARED"],
  ])("refuses %s before the first is written, with its line", (_says, lines, code) => {
    const dir = left();
    const given = lines();
    source(dir, given);
    const before = read(dir, DEV);
    for (const more of [["--dry-run"], []]) {
      const r = bring(dir, ...more);
      expect(r.codes).toContain(code);
      expect(r.status).toBe(1);
      const at = (r.json["findings"] as { code: string; at?: { file: string; line: number } }[]).find((f) => f.code === code)!.at!;
      expect(at.file).toBe(".env");
      expect(at.line).toBeGreaterThan(1);
      for (const v of Object.values(given)) expect(r.stdout + r.stderr).not.toContain(v);
      expect(read(dir, DEV)).toBe(before);
    }
    // What is understood is taken on request.
    const some = bring(dir, "--partial");
    expect((some.json["written"] as string[]).length).toBeGreaterThan(0);
    expect(read(dir, DEV)).not.toBe(before);
  });
  it("says in a dry run without a key what it couldn't judge", () => {
    const dir = left();
    source(dir, { TWILIO_AUTH_TOKEN: known });
    const r = as(base, null, dir, ["secret", "import", ".env", "--env", "dev", "--dry-run"]);
    expect(r.status).toBe(0);
    expect(r.stdout).toContain("not judged");
  });
});
