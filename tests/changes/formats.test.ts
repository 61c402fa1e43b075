import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { as, repository, type Repository } from "./repository.ts";

vi.setConfig({ testTimeout: 400_000 });
interface PlanFile { digest: string; approval: string; access: boolean; environments: { name: string; payments: boolean; changes: Record<string, string>; resources: Record<string, Record<string, string>> }[] }
const planIn = (r: Repository, file: string): PlanFile => JSON.parse(readFileSync(join(r.root, file), "utf8")) as PlanFile;

describe("what a pull request is told", () => {
  let r: Repository;
  beforeAll(async () => {
    r = await repository();
    r.git("checkout", "-q", "-b", "work");
    r.edit("stacks/dev/payments.yaml", (t) => t.replace("invoice.paid, ", ""));
    r.edit("stacks/people.yaml", (t) => t.replace(/(engineer-1:\n {8}role: engineer\n {8}tiers: \[)development/, "$1development, staging"));
    mkdirSync(join(r.root, "policies"), { recursive: true });
    writeFileSync(join(r.root, "policies/exceptions.yaml"), `exceptions:\n    - { rule: webhook-urls, path: "stacks/dev/environment.yaml#integrations", reason: "a partner's host moves", owner: admin-1, expires: "2026-12-24", link: "https://example.test/1" }\n    - { rule: production-live-accounts, path: "stacks/prod/environment.yaml#integrations", reason: "over since long", owner: admin-1, expires: "2020-01-01", link: "https://example.test/2" }\n`);
    const issueId = /twilio:[\s\S]*?issueId: (\w+)/.exec(readFileSync(join(r.root, "stacks/dev/secrets.sops.yaml"), "utf8"))![1]!;
    mkdirSync(join(r.root, "stacks/exposures"));
    const line = (path: string, id: string): string => `    - { environment: dev, path: ${path}, class: standard, issueId: ${id}, via: [git], due: "2026-11-27", rotate: "stackseal secret set ${path} --env dev --reason departure" }\n`;
    writeFileSync(join(r.root, "stacks/exposures/2026-11-20-leaver.yaml"), `id: 2026-11-20-leaver\nreason: departure\nsubject: leaver-1\nrecipients: []\non: "2026-11-20"\nby: super-admin-1\nlines:\n${line("twilio.authToken", issueId)}${line("vapi.token", "01JDAAAAAAAAAAAAAAAAAAAAAA")}past: []\nalso: { backups: [], dashboards: [], refs: [] }\n`);
  });
  it("the comment names what changes, who gains, exceptions, exposures, the plan and how to see it again", async () => {
    const c = (await r.run(["preview", "--format", "markdown"])).out;
    for (const s of ["<!-- stackseal:preview -->", "<code>dev</code>", "enabledEvents", "engineer-1", "**gains**", "webhook&#45;urls".replace("&#45;", "-"), "leaver-1", "twilio.authToken", "Plan <code>", "How to reproduce"]) expect(c).toContain(s);
    for (const s of ["production-live", "vapi.token", "ENC&#91;", "age1"]) expect(c).not.toContain(s);
    // A line of values of the sealed files never gets there.
    for (const leaf of readFileSync(join(r.root, "stacks/dev/secrets.sops.yaml"), "utf8").match(/ENC\[[^\]]+\]/g) ?? []) expect(c).not.toContain(leaf.slice(20, 50));
    expect((await r.run(["preview", "--format", "markdown"])).out).toBe(c);
  });
  it("annotations and SARIF stand on the lines", async () => {
    r.edit("stacks/staging/environment.yaml", (t) => t.replace("port: 587", "port: 465"));
    const a = await r.run(["preview", "--format", "github"]);
    expect(a.code).toBe(1);
    expect(a.out).toMatch(/^::error file=stacks\/staging\/environment\.yaml,line=\d+,col=\d+,title=SMTP_PORT_ENCRYPTION::/m);
    const sarif = JSON.parse((await r.run(["preview", "--format", "sarif"])).out) as { version: string; runs: { tool: { driver: { name: string } }; results: { ruleId: string; locations?: unknown[] }[] }[] };
    expect(sarif).toMatchObject({ version: "2.1.0", runs: [{ tool: { driver: { name: "stackseal preview" } } }] });
    expect(sarif.runs[0]!.results.find((x) => x.ruleId === "SMTP_PORT_ENCRYPTION")!.locations).toHaveLength(1);
    r.git("checkout", "-q", "--", "stacks/staging");
  });
});

describe("the plan", () => {
  it("is equal after a rebase that leaves it equal, and another where anything of it changes", async () => {
    const r = await repository();
    r.git("checkout", "-q", "-b", "work");
    r.edit("stacks/prod/payments.yaml", (t) => t.replaceAll("2026-10-28.endive", "2026-09-30.endive"));
    r.commit("work");
    await r.run(["preview", "--save-plan", "a.plan.json"]);
    r.git("checkout", "-q", "main");
    writeFileSync(join(r.root, "README.md"), "main goes on\n");
    r.git("add", "README.md");
    r.git("-c", "user.name=o", "-c", "user.email=o@example.test", "commit", "-qm", "main goes on");
    r.git("checkout", "-q", "work");
    r.git("rebase", "-q", "main");
    const again = await r.run(["preview", "--save-plan", "b.plan.json"]);
    expect(planIn(r, "b.plan.json")).toEqual(planIn(r, "a.plan.json"));
    expect(again.out).toContain(planIn(r, "a.plan.json").approval);
    const plan = planIn(r, "a.plan.json");
    const prod = plan.environments.find((e) => e.name === "prod")!;
    expect(Object.values(prod.changes)).toEqual(["replace", "replace"]);
    expect([prod.payments, plan.access, plan.environments.some((e) => e.name === "local")]).toEqual([true, false, false]);
    expect(JSON.stringify(plan)).not.toMatch(/hooks\.partner|AC0000|ENC\[/);
    // Another base, the same graph: the same digest; what is done to get there is another approval.
    await r.run(["preview", "--base", "HEAD", "--save-plan", "c.plan.json"]);
    expect(planIn(r, "c.plan.json").digest).toBe(plan.digest);
    expect(planIn(r, "c.plan.json").approval).not.toBe(plan.approval);
    r.edit("stacks/staging/environment.yaml", (t) => t.replace("portalId: ", "portalId: 1"));
    await r.run(["preview", "--save-plan", "d.plan.json"]);
    expect(planIn(r, "d.plan.json").digest).not.toBe(plan.digest);
  });
});

describe("which environments a change concerns", () => {
  let r: Repository;
  beforeAll(async () => { r = await repository(); });
  const concerned = async (): Promise<string[]> => (JSON.parse((await r.run(["preview", "--changed", "main", "--matrix"])).out) as { include: { environment: string }[] }).include.map((j) => j.environment);
  it("its own folder concerns one, people, schemas and the program all, a text none", async () => {
    writeFileSync(join(r.root, "README.md"), "x");
    mkdirSync(join(r.root, ".github/workflows"), { recursive: true });
    writeFileSync(join(r.root, ".github/workflows/deploy.yml"), "x");
    expect(await concerned()).toEqual([]);
    expect((await r.run(["preview", "--changed", "main"])).out).toContain("No environment is concerned");
    r.edit("stacks/staging/environment.yaml", (t) => `# x\n${t}`);
    expect(await concerned()).toEqual(["staging"]);
    const out = (await r.run(["preview", "--changed", "main"])).out;
    expect(out).toContain("staging (staging)");
    expect(out).not.toContain("prod (production)");
    r.edit("stacks/people.yaml", (t) => `# x\n${t}`);
    expect(await concerned()).toEqual(["dev", "staging", "prod"]);
    r.git("checkout", "-q", "--", ".");
    mkdirSync(join(r.root, "stacks/components"), { recursive: true });
    writeFileSync(join(r.root, "stacks/components/x.ts"), "");
    expect(await concerned()).toEqual(["dev", "staging", "prod"]);
  });
  it("shows what goes with an environment that is declared no more, and gives a stack's job to none that isn't", async () => {
    r.git("checkout", "-q", "--", ".");
    rmSync(join(r.root, "stacks/prod"), { recursive: true });
    rmSync(join(r.root, "stacks/dev/payments.yaml"));
    const gone = await r.run(["preview", "--base", "main", "--env", "prod", "--json"]);
    expect((JSON.parse(gone.out) as { environments: { name: string; summary: { delete: number } }[] }).environments.map((e) => [e.name, e.summary.delete > 100])).toEqual([["prod", true]]);
    expect((await r.run(["preview", "--base", "main", "--env", "nope"])).code).toBe(2);
    const matrix = await r.run(["preview", "--changed", "main", "--matrix"]);
    expect(matrix.err).toContain("declared no more: prod");
    expect((JSON.parse(matrix.out) as { include: { environment: string; stacks: string[] }[] }).include.find((j) => j.environment === "dev")?.stacks).toEqual(["dev"]);
    r.git("checkout", "-q", "--", ".");
  });
  it("prints jobs as a code host's matrix takes them", async () => {
    const { code, out } = await r.run(["preview", "--matrix"]);
    expect(code).toBe(0);
    expect(out.trim().split("\n")).toHaveLength(1);
    expect((parse(out) as { include: unknown[] }).include[2]).toEqual({ environment: "prod", tier: "production", stacks: ["prod", "prod-payments"], group: "stackseal-prod" });
  });
  it("compares with a state: an export, a file backend's checkpoint, another stack's, none", async () => {
    const s = await repository();
    cpSync(join(r.root, ".gitignore"), join(s.root, ".gitignore"));
    const graph = (await s.json(["preview", "--env", "dev", "--base", "main"])).doc.environments[0]!;
    // The base's graph is made, and kept, where something is declared otherwise now.
    s.edit("stacks/dev/payments.yaml", (t) => t.replaceAll("2026-10-28.endive", "2026-09-30.endive"));
    await s.run(["preview", "--env", "dev", "--base", "main"]);
    s.git("checkout", "-q", "--", "stacks");
    const cache = join(s.root, ".stackseal/cache/base");
    const rows = readdirSync(cache).flatMap((f) => (JSON.parse(readFileSync(join(cache, f), "utf8")) as { environments: { name: string; graph: { urn: string; inputs: Record<string, unknown> }[] | null }[] }).environments).find((e) => e.name === "dev" && e.graph)!.graph!;
    const of = (stack: string): unknown[] => rows.filter((x) => x.urn.startsWith(`urn:pulumi:${stack}::`)).map((x) => ({ ...x, id: "x", outputs: x.inputs, inputs: { ...x.inputs, __defaults: ["filled"], filled: 1 } }));
    writeFileSync(join(s.root, "dev.json"), JSON.stringify({ version: 3, deployment: { manifest: {}, resources: of("dev") } }));
    writeFileSync(join(s.root, "foundation.json"), JSON.stringify({ version: 3, deployment: { manifest: {}, resources: of("dev-foundation") } }));
    writeFileSync(join(s.root, "pay.json"), JSON.stringify({ version: 3, checkpoint: { stack: "organization/stackseal/dev-payments", latest: { resources: of("dev-payments") } } }));
    const same = (await s.json(["preview", "--state", "foundation.json", "--state", "dev.json", "--state", "pay.json"])).doc;
    expect(same.against).toEqual({ kind: "state", stacks: ["dev-foundation", "dev", "dev-payments"] });
    expect(same.environments).toHaveLength(1);
    expect(same.environments[0]!.summary).toEqual(graph.summary);
    await s.run(["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], { ...as(s, "admin-1"), input: "0123456789abcdef".split("").reverse().join("").repeat(2) });
    const moved = (await s.json(["preview", "--state", "foundation.json", "--state", "dev.json", "--state", "pay.json"])).doc.environments[0]!;
    expect(moved.credentials.map((c) => [c.path, c.change])).toEqual([["twilio.authToken", "re-issued"]]);
    expect(moved.summary.update).toBeGreaterThan(0);
    expect((await s.run(["preview", "--env", "prod", "--state", "dev.json"])).err).toContain("STATE_OTHER_STACK");
    writeFileSync(join(s.root, "x.json"), "[]");
    const bad = await s.run(["preview", "--state", "x.json"]);
    expect([bad.code, bad.err.includes('STATE_UNREADABLE')]).toEqual([2, true]);
  });
});
