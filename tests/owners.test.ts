import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { allows, TIERS, type AccessClass, type Role, type Tier } from "../schemas/access.ts";

// CODEOWNERS and the deployments' reviewers, read back as the code host reads them, against the matrix.

const repo = resolve(import.meta.dirname, "..");
const project = (): string => {
  const root = mkdtempSync(join(tmpdir(), "owners-"));
  for (const f of ["stacks", "Pulumi.yaml", ".github"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  // The workflows of stackseal's own repository build it; here they would be stale.
  return root;
};
const run = (root: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [join(repo, "dist/cli.js"), "-C", root, ...args], { encoding: "utf8", env: { PATH: process.env["PATH"] ?? "", NO_COLOR: "1", HOME: root } });
interface Person { role: Role; tiers: Tier[]; handle?: string; from?: string; until?: string }
const peopleOf = (root: string): Person[] => Object.values((parse(readFileSync(join(root, "stacks/people.yaml"), "utf8")) as { people: Record<string, Person> }).people);
const environments: [string, Tier][] = [["dev", "development"], ["staging", "staging"], ["prod", "production"]];
const may = (root: string, cls: AccessClass, tier: Tier, verb: "seal" | "permit" = "seal"): string[] => peopleOf(root).filter((p) => p.tiers.includes(tier) && allows(p.role, cls, tier, verb)).map((p) => `@${p.handle ?? ""}`).sort();
/** The owners of a file as GitHub finds them: the last pattern that matches. */
function ownersOf(text: string, file: string): string[] {
  const lines = text.split("\n").filter((l) => l !== "" && !l.startsWith("#")).map((l) => l.split(/\s+/));
  const match = (p: string): boolean => p === "*" || (p.endsWith("/") ? `/${file}`.startsWith(p) : new RegExp(`^${p.replace(/[.+]/g, "\\$&").replaceAll("*", "[^/]*")}$`).test(`/${file}`));
  return (lines.filter(([p = ""]) => match(p)).at(-1) ?? []).slice(1).sort();
}

describe("CODEOWNERS", () => {
  it("agrees with the access matrix for every kind of file of every environment", () => {
    const root = project();
    const text = run(root, "access", "owners").stdout;
    for (const [name, tier] of environments) {
      expect(ownersOf(text, `stacks/${name}/payments.yaml`), name).toEqual(may(root, "payments", tier));
      expect(ownersOf(text, `stacks/${name}/payments.sops.yaml`), name).toEqual(may(root, "payments", tier));
      expect(ownersOf(text, `stacks/${name}/secrets.sops.yaml`), name).toEqual(may(root, "standard", tier));
      expect(ownersOf(text, `stacks/${name}/environment.yaml`), name).toEqual(may(root, "settings", tier));
      expect(ownersOf(text, `stacks/${name}/rotations/x.yaml`), name).toEqual(may(root, "standard", tier));
    }
    const everywhere = TIERS.filter((t) => t !== "local").map((t) => may(root, "payments", t, "permit")).reduce((a, b) => a.filter((x) => b.includes(x)));
    expect(everywhere).toEqual(["@super-admin-1", "@super-admin-2"]);
    for (const f of ["stacks/people.yaml", "stacks/people.yaml.sig", "stacks/pepper-production.sops.yaml", ".sops.yaml", ".github/workflows/deploy.yml", ".github/CODEOWNERS", "policies/config.json", "package-lock.json", "Pulumi.yaml"]) expect(ownersOf(text, f), f).toEqual(everywhere);
  });
  it("is watched by check, which names the command that mends it; a file of one's own is kept", () => {
    const root = project();
    const codes = (...args: string[]): string[] => (JSON.parse(run(root, ...args, "--json").stdout) as { findings: { code: string; hint?: string }[] }).findings.filter((f) => f.code.startsWith("OWNER")).map((f) => `${f.code} → ${f.hint ?? ""}`);
    expect(codes("check")).toEqual([]);
    const file = join(root, "stacks/people.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("handle: admin-1", "handle: renamed"));
    expect(codes("check")).toEqual(["OWNERS_STALE → stackseal access owners --write"]);
    expect(run(root, "access", "owners", "--check").status).toBe(1);
    expect(run(root, "access", "owners", "--write").status).toBe(0);
    expect(readFileSync(join(root, ".github/CODEOWNERS"), "utf8")).toContain("@renamed");
    expect(codes("check")).toEqual([]);
    writeFileSync(file, readFileSync(file, "utf8").replace("handle: renamed", "handle: 'x @evil'"));
    expect(codes("access", "owners")).toEqual(["OWNER_NO_HANDLE → stackseal people change admin-1 --handle NAME"]);
    expect(run(root, "access", "owners").stdout).not.toContain("evil");
    writeFileSync(join(root, ".github/CODEOWNERS"), "* @acme/mine\n");
    expect(run(root, "access", "owners", "--write").status).toBe(1);
    expect(readFileSync(join(root, ".github/CODEOWNERS"), "utf8")).toBe("* @acme/mine\n");
    expect(codes("check")).toEqual([]);
  });
});
describe("the deployments' reviewers", () => {
  it("agree with the matrix, and payments are Super Admins' alone", () => {
    const root = project();
    const { environments: list, watching } = JSON.parse(run(root, "access", "reviewers", "--json").stdout) as { environments: { name: string; class: "standard" | "payments"; tier: Tier; reviewers: { role: string; handle: string }[] }[]; watching: string[] };
    expect(list.map((e) => e.name)).toEqual(["dev", "dev-payments", "staging", "staging-payments", "prod", "prod-payments"]);
    for (const e of list) expect(e.reviewers.map((r) => `@${r.handle}`).sort(), e.name).toEqual(may(root, e.class, e.tier));
    for (const e of list.filter((x) => x.class === "payments")) expect(new Set(e.reviewers.map((r) => r.role)), e.name).toEqual(new Set(["super-admin"]));
    expect(watching).toEqual(["dev", "staging", "prod"].flatMap((n) => [`${n}-drift`, `${n}-rotation`]));
  });
  it("are commands that a shell takes, one an environment, and send what the host's API wants", () => {
    const root = project();
    const script = run(root, "access", "reviewers", "--format", "gh").stdout;
    const bin = mkdtempSync(join(tmpdir(), "gh-"));
    // A stand-in for gh: an id for a user, and a log of what would be put.
    writeFileSync(join(bin, "gh"), `#!/bin/sh\ncase "$*" in *--jq*) echo 7;; *) echo "$4" >> ${bin}/log; cat >> ${bin}/log;; esac\n`, { mode: 0o755 });
    const r = spawnSync("sh", ["-c", script], { env: { PATH: `${bin}:${process.env["PATH"] ?? ""}` }, encoding: "utf8" });
    expect([r.status, r.stderr]).toEqual([0, ""]);
    const log = readFileSync(join(bin, "log"), "utf8").trim().split("\n");
    const puts = new Map(log.flatMap((l, i) => (l.startsWith("repos/") ? [[l.split("/").at(-1)!, JSON.parse(log[i + 1]!) as { reviewers: unknown[]; prevent_self_review: boolean; deployment_branch_policy: object }]] : [])));
    expect(puts.size).toBe(12);
    expect(puts.get("prod-payments")).toEqual({ wait_timer: 0, prevent_self_review: true, reviewers: [{ type: "User", id: 7 }, { type: "User", id: 7 }], deployment_branch_policy: { protected_branches: true, custom_branch_policies: false } });
    expect(puts.get("prod-drift")?.reviewers).toEqual([]);
  });
});
describe("the workflows", () => {
  it("are watched too: stale after an environment is declared otherwise, mended by one command", () => {
    const root = project();
    const stale = (): string[] => (JSON.parse(run(root, "check", "--json").stdout) as { findings: { code: string; at?: { file: string } }[] }).findings.filter((f) => f.code === "WORKFLOWS_STALE").map((f) => f.at!.file);
    expect(run(root, "workflows", "--write").status).toBe(0);
    expect(stale()).toEqual([]);
    const file = join(root, "stacks/prod/environment.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace(/accountId: "\d+"/, 'accountId: "444444444444"'));
    expect(stale()).toContain(".github/workflows/deploy.yml");
    expect(run(root, "workflows").status).toBe(1);
    expect(run(root, "workflows", "--write").status).toBe(0);
    expect([stale(), readFileSync(join(root, ".github/workflows/deploy.yml"), "utf8").includes("arn:aws:iam::444444444444:role/stackseal-prod-deployer")]).toEqual([[], true]);
    expect(existsSync(join(root, ".gitlab-ci.yml"))).toBe(false);
  });
});
