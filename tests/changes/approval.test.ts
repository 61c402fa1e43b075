import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { armorSignature } from "../../seal/signature.ts";
import { as, repository, type Repository } from "./repository.ts";

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
const codes = (err: string): string[] => [...err.matchAll(/^(?:\S+ )?(?:error|warning|info) ([A-Z_]+)/gm)].map((m) => m[1]!);

/** The reviews of a code host, on loopback. */
async function host(reviews: () => { login: string; state: string; commit: string }[]): Promise<{ env: Record<string, string>; asked: { url: string; token: string }[]; close: () => Promise<void> }> {
  const asked: { url: string; token: string }[] = [];
  const server = createServer((q, a) => {
    asked.push({ url: q.url ?? "", token: q.headers.authorization ?? "" });
    const page = Number(new URL(q.url ?? "", "http://x").searchParams.get("page") ?? "1");
    // A first page full of others' comments: the host pages.
    const filler = Array.from({ length: 100 }, () => ({ user: { login: "somebody" }, state: "COMMENTED", commit_id: "0".repeat(40) }));
    const body = (q.url ?? "").includes("/reviews") ? (page === 1 ? filler : reviews().map((r) => ({ user: { login: r.login }, state: r.state, commit_id: r.commit }))) : [{ number: 7, merge_commit_sha: "x" }];
    a.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((done) => { server.listen(0, "127.0.0.1", done); });
  return { asked, env: { GITHUB_TOKEN: "a-token", GITHUB_REPOSITORY: "acme/integrations", GITHUB_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }, close: () => new Promise((done) => { server.closeAllConnections(); server.close(() => { done(); }); }) };
}
/** What staging's stacks look like when the plan was deployed: made from the base's graphs. */
function exportsOf(r: Repository): void {
  const dir = join(r.root, ".stackseal/cache/base");
  const list = spawnSync("ls", ["-t", dir], { encoding: "utf8" }).stdout.trim().split("\n");
  const rows = (JSON.parse(readFileSync(join(dir, list[0]!), "utf8")) as { environments: { name: string; graph: { urn: string }[] }[] }).environments.find((e) => e.name === "staging")!.graph;
  for (const stack of ["staging-foundation", "staging", "staging-payments"]) writeFileSync(join(r.root, `${stack}.json`), JSON.stringify({ version: 3, deployment: { resources: rows.filter((x) => x.urn.startsWith(`urn:pulumi:${stack}::`)) } }));
}

/** What `doctor --json` prints. */
const doctor = (found: object): object => ({ command: "doctor", environment: "staging", at: "2026-11-25T00:00:00.000Z", sandbox: false, ...found });

describe("what reaches production", () => {
  let r: Repository;
  const up = (env: Record<string, string> = {}): ReturnType<Repository["run"]> => r.run(["up", "--env", "prod", "--plan", "plan.json", "--yes"], { env });
  beforeAll(async () => {
    r = await repository();
    r.git("checkout", "-q", "-b", "work");
    for (const e of ["staging", "prod"]) r.edit(`stacks/${e}/payments.yaml`, (t) => t.replaceAll("2026-10-28.endive", "2026-09-30.endive"));
    r.commit("another API version");
    // The policies say too that nobody vouches for staging yet; what is tried here is what holds `up --plan` back.
    await r.run(["preview", "--save-plan", "plan.json"]);
    expect(existsSync(join(r.root, "plan.json"))).toBe(true);
    // The graphs of the commit itself, for staging's export: made where something is declared otherwise now.
    r.edit("stacks/staging/payments.yaml", (t) => t.replaceAll("2026-09-30.endive", "2026-10-28.endive"));
    await r.run(["preview", "--base", "HEAD", "--env", "staging"]);
    r.git("checkout", "-q", "--", "stacks");
    exportsOf(r);
    writeFileSync(join(r.root, "doctor.json"), JSON.stringify(doctor({ results: [{ integration: "twilio", verdict: "valid" }, { integration: "smtp", verdict: "inconclusive" }] })));
  });

  it("nothing that staging didn't have and nobody approved", async () => {
    const none = await up();
    expect(none.code).toBe(1);
    expect(codes(none.err)).toEqual(expect.arrayContaining(["STAGING_MISSING", "APPROVAL_MISSING"]));
    expect(none.err).toContain("a Super Admin must be among the approvers");
  });
  it("staging counts where its state is the plan's and the doctor found it valid, by a signature", async () => {
    const args = ["staged", "plan.json", "--env", "staging", "--state", "staging-foundation.json", "--state", "staging.json", "--state", "staging-payments.json"];
    expect(codes((await r.run(args, as(r, "admin-1"))).err)).toContain("STAGING_NOT_VALID");
    writeFileSync(join(r.root, "bad.json"), JSON.stringify(doctor({ results: [{ verdict: "valid" }, { verdict: "invalid" }] })));
    expect((await r.run([...args, "--doctor", "bad.json"], as(r, "admin-1"))).err).toContain("1 invalid");
    expect((await r.run([...args.slice(0, -2), "--doctor", "doctor.json"], as(r, "admin-1"))).err).toContain("isn't deployed");
    // What was found elsewhere, of the sandbox, or before is nothing found.
    for (const [otherwise, why] of [[{ environment: "dev" }, "looked at dev, not at staging"], [{ sandbox: true }, "looked at the sandbox"], [{ at: "2026-11-20T08:00:00.000Z" }, "counts for 24 hours"], [{ at: undefined }, "doesn't tell"]] as const) {
      writeFileSync(join(r.root, "bad.json"), JSON.stringify(doctor({ ...otherwise, results: [{ verdict: "valid" }] })));
      expect((await r.run([...args, "--doctor", "bad.json"], as(r, "admin-1"))).err).toContain(why);
    }
    expect((await r.run([...args, "--doctor", "doctor.json"], as(r, "auditor-1"))).code).toBe(0);
    expect((await up()).err).toContain("may not speak for staging");
    // An approval dressed up as a record of staging: its signature says nothing of what the file claims.
    expect((await r.run(["approve", "plan.json", "--yes"], as(r, "admin-1"))).code).toBe(0);
    const approval = JSON.parse(readFileSync(join(r.root, "plan.json.admin-1.approval.json"), "utf8")) as object;
    writeFileSync(join(r.root, "plan.json.staging.staged.json"), JSON.stringify({ ...approval, digest: (JSON.parse(readFileSync(join(r.root, "plan.json"), "utf8")) as { digest: string }).digest, environment: "staging", checks: { valid: 1, inconclusive: 0 } }));
    const dressed = await up();
    expect(dressed.err).toContain("of staging: the signature is not admin-1's");
    expect(codes(dressed.err)).toContain("STAGING_MISSING");
    const done = await r.run([...args, "--doctor", "doctor.json"], as(r, "admin-1"));
    expect(done.err).toBe("");
    expect(codes((await up()).err)).toEqual(["APPROVAL_MISSING"]);
  });
  it("a payment credential's change wants a Super Admin's signature over this very plan; ssh-keygen verifies it", async () => {
    expect((await r.run(["approve", "plan.json", "--yes"], as(r, "admin-1"))).code).toBe(0);
    expect(codes((await up()).err)).toEqual(["APPROVAL_MISSING"]);
    expect((await r.run(["approve", "plan.json"], as(r, "super-admin-1"))).code).toBe(2);
    expect((await r.run(["approve", "plan.json", "--yes"], as(r, "super-admin-1"))).code).toBe(0);
    const passed = await up();
    // Everything holds: only that this machine doesn't deploy to the cloud is left.
    expect(codes(passed.err)).toEqual(["ENGINE_REFUSES"]);
    // An approval holds for a while.
    expect((await r.run(["up", "--env", "prod", "--plan", "plan.json", "--yes", "--now", "2026-12-20"])).err).toContain("it holds for 14 days");
    const file = join(r.root, "plan.json.super-admin-1.approval.json");
    const a = JSON.parse(readFileSync(file, "utf8")) as { approval: string; by: string; at: string; signature: string };
    const signers = join(r.root, "signers"), sig = join(r.root, "sig");
    writeFileSync(signers, `super-admin-1 ${/super-admin-1:[\s\S]*?signing: \["([^"]+)"/.exec(readFileSync(join(r.root, "stacks/people.yaml"), "utf8"))![1]!}\n`);
    writeFileSync(sig, armorSignature(a.signature));
    const v = spawnSync("ssh-keygen", ["-Y", "verify", "-f", signers, "-I", "super-admin-1", "-n", "stackseal-approval", "-s", sig], { input: `${JSON.stringify(["stackseal-approval-1", a.approval, a.by, a.at])}\n` });
    if (v.error === undefined) expect(v.status).toBe(0);
    // Where git can't tell what stood before, a change could name its own approvers.
    const shallow = join(mkdtempSync(join(tmpdir(), "changes-shallow-")), "clone");
    r.git("clone", "-q", "--depth", "1", "--branch", "work", `file://${r.root}`, shallow);
    r.git("-C", shallow, "branch", "-q", "main");
    for (const n of readdirSync(r.root).filter((x) => x.startsWith("plan.json"))) cpSync(join(r.root, n), join(shallow, n));
    const unknown = await r.run(["up", "--env", "prod", "--plan", "plan.json", "--yes", "-C", shallow]);
    expect((await r.run(["up", "--env", "prod", "--base", "HEAD", "--yes"])).err).toContain("it goes with --plan");
    expect([unknown.code, codes(unknown.err)]).toEqual([1, ["APPROVAL_MISSING"]]);
    expect(unknown.err).toContain("the clone is shallow");
    writeFileSync(file, JSON.stringify({ ...a, at: "2026-11-26" }));
    expect((await up()).err).toContain("the signature is not super-admin-1's");
    writeFileSync(file, JSON.stringify({ ...a, approval: "0".repeat(64) }));
    expect(codes((await up()).err)).toContain("APPROVAL_MISSING");
    spawnSync("rm", [file]);
  });
  it("reviews on the code host count by handle, for the commit that declares the same, and the last word holds", async () => {
    let list: { login: string; state: string; commit: string }[] = [];
    const h = await host(() => list);
    try {
      const head = r.git("rev-parse", "HEAD");
      list = [{ login: "Super-Admin-1", state: "APPROVED", commit: head }];
      expect(codes((await up(h.env)).err)).toEqual(["ENGINE_REFUSES"]);
      expect(h.asked.every((a) => a.token === "Bearer a-token")).toBe(true);
      list.push({ login: "super-admin-1", state: "DISMISSED", commit: head });
      expect(codes((await up(h.env)).err)).toContain("APPROVAL_MISSING");
      list = [{ login: "super-admin-1", state: "APPROVED", commit: r.git("rev-parse", "main") }];
      expect((await up(h.env)).err).toContain("declares something else");
      list = [{ login: "stranger", state: "APPROVED", commit: head }];
      expect((await up(h.env)).err).toContain("nobody's handle");
      // A reviewed commit's own program, which was never merged, doesn't run beside the deployer's keys.
      r.git("checkout", "-q", "-b", "foreign");
      const ran = join(r.root, "..", `ran-${head}`), foreign = `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(ran)}, "x");\n`;
      writeFileSync(join(r.root, "stacks/program.ts"), `${foreign}export const program = () => {};\n`);
      writeFileSync(join(r.root, "stacks/read.ts"), "export const readProject = () => ({ environments: [] });\n");
      r.git("add", "stacks/program.ts", "stacks/read.ts");
      r.git("commit", "-q", "-m", "a program");
      list = [{ login: "super-admin-1", state: "APPROVED", commit: r.git("rev-parse", "HEAD") }];
      r.git("checkout", "-q", "work");
      expect((await up(h.env)).err).toContain("has a program that was never merged");
      expect(existsSync(ran)).toBe(false);
      // A rebase that leaves the plan equal keeps the approval of the commit that was reviewed.
      list = [{ login: "super-admin-1", state: "APPROVED", commit: head }];
      writeFileSync(join(r.root, "NOTES.md"), "x");
      r.git("add", "NOTES.md");
      r.git("commit", "-q", "-m", "notes");
      expect(codes((await up(h.env)).err)).toEqual(["ENGINE_REFUSES"]);
    } finally {
      await h.close();
    }
    const gone = await up(h.env);
    expect([gone.code, codes(gone.err)]).toEqual([3, ["APPROVAL_UNANSWERED"]]);
    expect(gone.err + gone.out).not.toContain("a-token");
  });
  it("a change that came as several commits makes no approver by one of its own", async () => {
    const h = await host(() => [{ login: "intruder", state: "APPROVED", commit: r.git("rev-parse", "HEAD") }]), before = r.git("rev-parse", "main");
    try {
      r.git("checkout", "-q", "-B", "several");
      r.edit("stacks/people.yaml", (t) => t.replace("handle: super-admin-1", "handle: intruder"));
      r.git("commit", "-q", "-a", "-m", "another handle");
      r.edit("NOTES.md", () => "y");
      r.git("commit", "-q", "-a", "-m", "more notes");
      r.git("checkout", "-q", "-B", "main");
      const refused = await r.run(["up", "--env", "prod", "--plan", "plan.json", "--base", before, "--yes"], { env: h.env });
      expect([refused.code, codes(refused.err)]).toEqual([1, expect.arrayContaining(["APPROVAL_MISSING"])]);
      expect(refused.err).toContain("@intruder is nobody's handle");
      // A branch's first push has nothing before it.
      expect((await r.run(["up", "--env", "prod", "--plan", "plan.json", "--base", "0".repeat(40), "--yes"], { env: h.env })).err).toContain("who may approve can't be told: nothing stood on this branch before");
    } finally {
      r.git("checkout", "-q", "work");
      r.git("branch", "-q", "-f", "main", before);
      await h.close();
    }
  });
  it("names what is otherwise than approved, and refuses a plan that somebody edited", async () => {
    r.edit("stacks/prod/environment.yaml", (t) => t.replace("eventTypeId: ", "eventTypeId: 9"));
    const other = await up();
    expect(other.code).toBe(1);
    expect(other.err).toMatch(/PLAN_DIFFERS urn:pulumi:prod::\S+ differs in value/);
    // A plan that was made anew: what was signed before says what became otherwise.
    expect((await r.run(["approve", "plan.json", "--yes"], as(r, "super-admin-1"))).code).toBe(0);
    cpSync(join(r.root, "plan.json"), join(r.root, "approved.json"));
    await r.run(["preview", "--save-plan", "plan.json"]);
    expect((await up()).err).toMatch(/super-admin-1 approved another plan: urn:pulumi:prod::\S+ differs in value/);
    cpSync(join(r.root, "approved.json"), join(r.root, "plan.json"));
    r.git("checkout", "-q", "--", "stacks/prod");
    r.edit("plan.json", (t) => t.replace('"access": false', '"access": true'));
    expect(codes((await up()).err)).toEqual(["PLAN_UNREADABLE"]);
  });
});

describe("the steps against the real state", () => {
  it("what the approved difference holds is done; drift, and a replacement nobody saw, are not", async () => {
    const r = await repository();
    expect((await r.run(["start"])).code).toBe(0);
    const plan = (): ReturnType<Repository["run"]> => r.run(["preview", "--env", "local", "--save-plan", ".stackseal/plan.json"]);
    const up = (): ReturnType<Repository["run"]> => r.run(["up", "--env", "local", "--plan", ".stackseal/plan.json", "--yes"]);
    r.git("checkout", "-q", "-b", "work");
    r.edit("stacks/local/payments.yaml", (t) => t.replace("invoice.paid, ", ""));
    await plan();
    const done = await up();
    expect(done.err).not.toContain("error");
    expect(done.out).toMatch(/what was approved, against what is deployed[\s\S]*1 to update/);
    // The base says what was never deployed: what the state lacks is drift, not part of the difference.
    r.edit("stacks/local/payments.yaml", (t) => t.replace("2026-10-28.endive", "2026-09-30.endive"));
    r.commit("another version");
    await r.run(["preview", "--env", "local", "--base", "HEAD", "--save-plan", ".stackseal/plan.json"]);
    const drift = await up();
    expect(drift.code).toBe(1);
    expect(drift.err).toMatch(/PLAN_STEP_UNAPPROVED the state asks for replace; the approved difference leaves it as it is/);
    await plan();
    expect((await up()).code).toBe(0);
  });
});
