import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { expand } from "../../schemas/template.ts";
import { as, repository, type PreviewDocument, type Repository } from "./repository.ts";

vi.setConfig({ testTimeout: 120_000 });
type Environment = PreviewDocument["environments"][number];
const env = (doc: PreviewDocument, name: string): Environment => doc.environments.find((e) => e.name === name)!;
const moved = (doc: PreviewDocument, name: string): [string, string][] => env(doc, name).steps.filter((s) => s.op !== "same" && s.op !== "read").map((s) => [s.op, s.urn.split("::").slice(2).join("::").split("$").pop()!]);

describe("preview against a base", () => {
  let r: Repository;
  beforeAll(async () => { r = await repository(); });
  // What one case edited is no other case's business, though it failed midway.
  afterEach(() => { r.git("checkout", "-q", "--", "."); });

  it("finds nothing to change in a clean tree, and says what it compared with", async () => {
    const { code, doc } = await r.json(["preview"]);
    expect(code).toBe(0);
    expect(doc.against).toMatchObject({ kind: "base", ref: "merge base with main", commit: r.git("rev-parse", "HEAD"), program: "own" });
    for (const e of doc.environments) expect({ ...e.summary, same: 0 }).toEqual({ create: 0, update: 0, replace: 0, delete: 0, same: 0 });
    expect(env(doc, "dev").base).toBe(r.git("rev-parse", "HEAD"));
    expect(env(doc, "dev").summary.same).toBeGreaterThan(60);
    expect((await r.run(["preview", "--env", "dev"])).out).toContain("by the base's own program");
  });
  it("names update, replace, create and delete, with the properties that differ", async () => {
    r.git("checkout", "-q", "-b", "work");
    r.edit("stacks/dev/payments.yaml", (t) => t.replace("invoice.paid, ", ""));
    r.edit("stacks/prod/payments.yaml", (t) => t.replaceAll("2026-10-28.endive", "2026-09-30.endive"));
    r.edit("stacks/staging/environment.yaml", (t) => t.replace(/ {4}hubspot:.*\n/, ""));
    const { doc } = await r.json(["preview", "--base", "main"]);
    expect(moved(doc, "dev")).toEqual([["update", "stripe:index:WebhookEndpoint::payments"]]);
    expect(env(doc, "dev").steps.find((s) => s.op === "update")!.diff).toEqual(["enabledEvents"]);
    expect(moved(doc, "prod").map(([op]) => op)).toEqual(["replace", "replace"]);
    // Its secret goes, and with it every right to it in roles' and keys' policies.
    const staging = moved(doc, "staging");
    expect(staging).toContainEqual(["delete", "stackseal:index:SecretStore::hubspot"]);
    expect(staging.filter(([op]) => op !== "delete").every(([op, what]) => op === "update" && /^aws:(iam\/rolePolicy|kms\/key):/.test(what))).toBe(true);
    expect(env(doc, "staging").credentials).toContainEqual(expect.objectContaining({ path: "hubspot.accessToken", change: "removed" }));
    const text = (await r.run(["preview", "--base", "main", "--env", "prod"])).out;
    expect(text).toMatch(/replace \[replaces: apiVersion\]\n.*"2026-10-28\.endive" => "2026-09-30\.endive"/);
    r.git("checkout", "-q", "--", ".");
  });
  it("compares with the merge base, not with what main became since", async () => {
    r.git("checkout", "-q", "main");
    r.edit("stacks/dev/payments.yaml", (t) => t.replace("invoice.paid, ", ""));
    r.commit("main goes on");
    r.git("checkout", "-q", "work");
    expect(moved((await r.json(["preview"])).doc, "dev")).toEqual([]);
    expect(moved((await r.json(["preview", "--base", "main"])).doc, "dev")).toHaveLength(1);
    r.git("checkout", "-q", "main");
    r.git("reset", "-q", "--hard", "HEAD~1");
  });
  it("takes moved and rewritten text that changes no resource as no change", async () => {
    r.edit("stacks/dev/environment.yaml", (t) => `# a comment\n${t.replace(/^( {4}twilio:.*)\n/m, "")}`.replace("integrations:\n", `integrations:\n${/^ {4}twilio:.*\n/m.exec(readFileSync(join(r.root, "stacks/dev/environment.yaml"), "utf8"))![0]}`));
    expect(moved((await r.json(["preview"])).doc, "dev")).toEqual([]);
    r.git("checkout", "-q", "--", ".");
  });
  it("shows an environment that is new, and one that is declared no more", async () => {
    renameSync(join(r.root, "stacks/dev"), join(r.root, "stacks/qa"));
    for (const f of ["environment.yaml", "payments.yaml"]) r.edit(`stacks/qa/${f}`, (t) => t.replace("environment: dev", "environment: qa"));
    for (const f of ["secrets.sops.yaml", "payments.sops.yaml"]) rmSync(join(r.root, "stacks/qa", f));
    const { doc } = await r.json(["preview"]);
    expect(new Set(moved(doc, "qa").map(([op]) => op))).toEqual(new Set(["create"]));
    expect(new Set(moved(doc, "dev").map(([op]) => op))).toEqual(new Set(["delete"]));
    r.git("checkout", "-q", "--", ".");
    rmSync(join(r.root, "stacks/qa"), { recursive: true });
  });
  it("keeps the base's graphs by tree, and makes them anew when the cache is gone or broken", async () => {
    const dir = join(r.root, ".stackseal/cache/base");
    expect((await r.run(["preview", "--env", "dev"])).out).toContain(", cached");
    for (const file of readdirSync(dir)) writeFileSync(join(dir, file), "{");
    expect((await r.run(["preview", "--env", "dev"])).out).not.toContain(", cached");
    rmSync(join(r.root, ".stackseal"), { recursive: true });
    const again = await r.run(["preview", "--env", "dev"]);
    expect(again.out).not.toContain(", cached");
    expect(again.out).toMatch(/\d+ unchanged/);
    expect(readdirSync(join(r.root, ".stackseal/cache")).filter((n) => n.startsWith("tree-"))).toEqual([]);
    expect(r.git("worktree", "list").split("\n")).toHaveLength(1);
    expect(r.git("status", "--porcelain")).toBe("");
  });
  it("says why everything is new: no git, no commit, another base", async () => {
    const bare = await repository();
    rmSync(join(bare.root, ".git"), { recursive: true });
    const none = await bare.run(["preview", "--env", "dev"]);
    expect(none.out).toContain("compared with nothing, so everything is new: this is no git repository");
    expect((await bare.run(["preview", "--base", "main"])).code).toBe(2);
    bare.git("init", "-q", "-b", "main");
    expect((await bare.run(["preview", "--env", "dev"])).out).toContain("nothing is committed yet");
    const unknown = await r.run(["preview", "--base", "nowhere"]);
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain("BASE_UNKNOWN");
    expect((await r.run(["preview", "--base=--output=x"])).code).toBe(2);
  });
  it("needs no key, and a folder below the repository's root is as good", async () => {
    const outer = mkdtempSync(join(tmpdir(), "outer-"));
    mkdirSync(join(outer, "a"));
    const inner = await repository();
    renameSync(inner.root, join(outer, "a/project"));
    rmSync(join(outer, "a/project/.git"), { recursive: true });
    const at = (args: string[]): Promise<{ out: string; code: number }> => inner.run(["-C", join(outer, "a/project"), ...args]);
    const { spawnSync } = await import("node:child_process");
    const g = (...args: string[]): void => { spawnSync("git", ["-C", outer, "-c", "user.name=t", "-c", "user.email=t@example.test", ...args]); };
    g("init", "-q", "-b", "main"); g("add", "-A"); g("commit", "-qm", "first");
    const p = await at(["preview", "--env", "dev"]);
    expect(p.out).toMatch(/75 unchanged|\d\d unchanged/);
    expect(existsSync(join(outer, ".stackseal"))).toBe(false);
  });
});

describe("what happened to credentials", () => {
  let r: Repository;
  beforeAll(async () => { r = await repository(); });
  const changes = async (): Promise<Environment["credentials"]> => env((await r.json(["preview", "--env", "dev"])).doc, "dev").credentials;

  it("re-issued: a new value under a new issue id, with its age", async () => {
    const value = expand("{hex:32}");
    const set = await r.run(["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], { ...as(r, "admin-1"), input: value });
    expect(set.err + set.out).not.toContain("error");
    expect(await changes()).toEqual([{ path: "twilio.authToken", change: "re-issued", kind: "twilio.authToken", class: "standard", ageDays: 0 }]);
    const text = await r.run(["preview", "--env", "dev"]);
    expect(text.out).toContain("twilio.authToken  re-issued");
    expect(text.out + text.err + JSON.stringify(await changes())).not.toContain(value);
    r.git("checkout", "-q", "--", ".");
  });
  it("re-sealed: the same issue, other ciphertext", async () => {
    expect((await r.run(["secret", "reseal", "--env", "dev"], as(r, "super-admin-1"))).code).toBe(0);
    const list = await changes();
    expect(new Set(list.map((c) => c.change))).toEqual(new Set(["re-sealed"]));
    expect(moved((await r.json(["preview", "--env", "dev"])).doc, "dev")).toEqual([]);
    r.git("checkout", "-q", "--", ".");
  });
  it("claims changed, recipients changed", async () => {
    r.edit("stacks/dev/secrets.sops.yaml", (t) => t.replace("maxAgeDays: 366", "maxAgeDays: 30"));
    expect(await changes()).toEqual([expect.objectContaining({ change: "claims changed" })]);
    r.git("checkout", "-q", "--", ".");
    r.edit("stacks/people.yaml", (t) => t.replace(/(engineer-1:\n {8}role: engineer\n {8}tiers: \[)development/, "$1staging"));
    expect((await r.run(["secret", "reseal", "--env", "dev"], as(r, "super-admin-1"))).code).toBe(0);
    expect((await changes()).filter((c) => c.class === "standard").map((c) => c.change)).toContain("recipients changed");
    const { doc } = await r.json(["preview", "--env", "dev"]);
    expect(doc.access).toContainEqual(expect.objectContaining({ who: "engineer-1", change: "loses", tier: "development", class: "standard" }));
    expect(doc.access).toContainEqual(expect.objectContaining({ who: "engineer-1", change: "gains", tier: "staging", class: "settings" }));
    r.git("checkout", "-q", "--", ".");
  });
});

describe("whose program makes the base's graph", () => {
  it("the base's own where only the code differs, the current one where the lockfile differs", async () => {
    const r = await repository({ sources: true });
    r.edit("stacks/components/secret-shell.ts", (t) => t.replace("? 30 : 7", "? 29 : 7"));
    const own = await r.json(["preview", "--env", "prod"]);
    expect(own.doc.against).toMatchObject({ program: "own" });
    expect(moved(own.doc, "prod")).toEqual([]);
    r.commit("another program");
    r.edit("stacks/components/secret-shell.ts", (t) => t.replace("? 29 : 7", "? 30 : 7"));
    const differs = await r.json(["preview", "--env", "prod"]);
    // The program that runs has 30 days; the base's own has 29: the change is the program's.
    expect(differs.doc.against).toMatchObject({ program: "own" });
    expect(new Set(moved(differs.doc, "prod").map(([op, what]) => `${op} ${what.split("::")[0]!}`))).toEqual(new Set(["update aws:secretsmanager/secret:Secret"]));
    r.edit("package-lock.json", (t) => t.replace('"lockfileVersion"', '"x": 1,\n  "lockfileVersion"'));
    const lock = await r.json(["preview", "--env", "prod"]);
    expect(lock.doc.against).toMatchObject({ program: "current", why: "the lockfile differs" });
    expect(moved(lock.doc, "prod")).toEqual([]);
  });
});
