import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { as, clean, copyOf, makeBase, read, repo, write, type Base } from "./fixture.ts";

// Whatever stands where a file of the project should: check says which file it is, and never passes over it.

let base: Base;
beforeAll(async () => {
  base = await makeBase();
  for (const f of ["Pulumi.yaml", "policies/exceptions.yaml", "policies/config.json"]) cpSync(join(repo, f), join(base.dir, f));
}, 60_000);
afterAll(() => { clean(base); });

const SHAPES: readonly [string, (path: string) => void, string][] = [
  ["a folder", (p) => { mkdirSync(p); }, "FILE_NOT_A_FILE"],
  ["a link to nowhere", (p) => { symlinkSync("/nonexistent/file", p); }, "FILE_MISSING"],
  ["a link to itself", (p) => { symlinkSync(basename(p), p); }, "FILE_UNREADABLE"],
  ["a link out of the project", (p) => { symlinkSync("/etc/passwd", p); }, "FILE_NOT_A_FILE"],
  ["bytes", (p) => { writeFileSync(p, Buffer.concat([Buffer.from([0xff]), randomBytes(2000)])); }, "FILE_NOT_UTF8"],
  ["nothing", (p) => { writeFileSync(p, ""); }, "YAML_EMPTY"],
];
/** Some hide others: without people.yaml nobody can say whose recipients are right. */
const TOGETHER = [
  ["stacks/people.yaml", "Pulumi.yaml", "policies/exceptions.yaml", "policies/config.json"],
  ["stacks/pepper.sops.yaml", "stacks/pepper-staging.sops.yaml", "stacks/dev/environment.yaml", "stacks/prod/payments.yaml", "stacks/staging/secrets.sops.yaml", "stacks/attestations.yaml", ".sops.yaml"],
];
describe.each(SHAPES)("%s", (_says, make, code) => {
  it.each(TOGETHER.map((files) => [files.join(", "), files] as const))("in place of %s", (_names, files) => {
    const dir = copyOf(base);
    for (const f of files) {
      rmSync(join(dir, f), { recursive: true, force: true });
      make(join(dir, f));
    }
    const r = as(base, null, dir, ["check"]);
    expect(r.status).toBe(1);
    const found = r.json["findings"] as { code: string; severity: string; at?: { file: string } }[];
    for (const f of files) expect(found.filter((x) => x.at?.file === f && x.severity === "error").map((x) => x.code), f).toContain(f === ".sops.yaml" ? "SOPS_CONFIG_STALE" : code);
  });
});

it("misses an environment whose declaration is gone, a pepper file that is gone, a generation that is gone", () => {
  const dir = copyOf(base);
  rmSync(join(dir, "stacks/prod/environment.yaml"));
  rmSync(join(dir, "stacks/pepper-development.sops.yaml"));
  write(dir, "stacks/pepper.sops.yaml", read(dir, "stacks/pepper.sops.yaml").replace(/^g\d+:/m, "g7:"));
  const r = as(base, null, dir, ["check"]);
  const found = (r.json["findings"] as { code: string; path?: string; at?: { file: string } }[]).map((f) => `${f.code} ${f.at?.file ?? ""}`);
  expect(found).toEqual(expect.arrayContaining(["FILE_MISSING stacks/prod/environment.yaml", "PEPPER_MISSING stacks/pepper-development.sops.yaml", expect.stringMatching(/^PEPPER_MISSING stacks\/(dev|staging)\/(secrets|payments)\.sops\.yaml$/) as string]));
});
it("refuses something else than sealed generations among the peppers", () => {
  const dir = copyOf(base);
  write(dir, "stacks/pepper.sops.yaml", `plain: text\n${read(dir, "stacks/pepper.sops.yaml")}`);
  const codes = (as(base, null, dir, ["check"]).json["findings"] as { code: string; at?: { file: string } }[]).filter((f) => f.at?.file === "stacks/pepper.sops.yaml").map((f) => f.code);
  expect(codes).toEqual(expect.arrayContaining(["SEAL_PLAINTEXT", "SEAL_STRUCTURE"]));
});
