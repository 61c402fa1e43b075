import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { AssumeRoleWithWebIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { DescribeSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox, type Sandbox } from "../../sandbox/index.ts";
import { readProject } from "../../stacks/read.ts";
import { addDays, isoDate, systemClock } from "../../lib/clock.ts";
import { githubWorkflows } from "../../scripts/workflows/github.ts";
import { placesFor } from "../../scripts/workflows/places.ts";
import { makeExample } from "../../tools/example-people.ts";
import { findPeer, startMinistack, type Emulator } from "../aws/emulator.ts";
import { cli, pathWithoutCli, repo } from "./repository.ts";
import { Runner, type Ended } from "./runner.ts";

// From the merged pull request to production by the deploying workflow's own lines: two accounts on an emulator that enforces IAM, each job with
// its role's rights alone, the code host on loopback. Only the backend is another: the embedded engine's files instead of a bucket.

const ACCOUNTS = { staging: "222222222222", prod: "333333333333" } as const;
const region = "eu-west-1";
type Name = keyof typeof ACCOUNTS;
const NAMES = ["staging", "prod"] as const;
const work = mkdtempSync(join(tmpdir(), "chain-"));
const root = join(work, "repository"), origin = join(work, "origin.git"), home = join(work, "home"), shared = join(work, "state");
const clouds = {} as Record<Name, Emulator>;
let sandbox: Sandbox, server: Server, runner: Runner, nightly: Runner, quarterly: Runner, start: string, merged: string;
let reviews: { login: string; state: string; commit: string }[] = [];
const env: Record<string, string> = { PATH: pathWithoutCli, HOME: home, NO_COLOR: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
const asRoot = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

function git(...args: string[]): string {
  const r = spawnSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.test", "-c", "commit.gpgsign=false", ...args], { cwd: root, encoding: "utf8", env });
  if (r.status !== 0) throw new Error(`git ${args.join(" ")}: ${r.stderr}`);
  return r.stdout.trim();
}
const commit = (message: string): string => { git("add", "-A"); git("commit", "-q", "-m", message); return git("rev-parse", "HEAD"); };
const edit = (file: string, change: (t: string) => string, dir = root): void => {
  const before = readFileSync(join(dir, file), "utf8"), after = change(before);
  expect(after, file).not.toBe(before);
  writeFileSync(join(dir, file), after);
};
const person = (args: string[], more: Record<string, string> = {}): Promise<{ code: number; said: string }> =>
  new Promise((done) => { execFile(process.execPath, [cli, "-C", root, ...args], { env: { ...env, ...asRoot, ...more }, maxBuffer: 64 << 20 }, (e, out, err) => { done({ code: typeof e?.code === "number" ? e.code : e ? 1 : 0, said: out + err }); }); });
const signing = (who: string): Record<string, string> => ({ SOPS_AGE_KEY_FILE: join(home, `${who}.age`), STACKSEAL_SIGNING_KEY: join(home, `${who}.ssh`) });
const codes = (r: Ended): string[] => [...r.said.matchAll(/(?:^|\s)error ([A-Z_]+)/g)].map((m) => m[1]!);
const token = (sub: string): string => `${[{ alg: "none" }, { iss: "https://token.actions.githubusercontent.com", aud: "sts.amazonaws.com", sub, exp: 9_999_999_999, iat: 1 }].map((o) => Buffer.from(JSON.stringify(o)).toString("base64url")).join(".")}.x`;
/** A role's credentials as the host's identity token gives them: the role's own trust decides. */
async function assume(role: string, environment: string): Promise<Record<string, string>> {
  const name = NAMES.find((n) => role.includes(ACCOUNTS[n]));
  if (!name) throw new Error(role);
  const c = (await new STSClient({ region, endpoint: clouds[name].url, credentials: { accessKeyId: "test", secretAccessKey: "test" } }).send(new AssumeRoleWithWebIdentityCommand({ RoleArn: role, RoleSessionName: "job", WebIdentityToken: token(`repo:acme/platform-credentials:environment:${environment}`) }))).Credentials!;
  return { AWS_ACCESS_KEY_ID: c.AccessKeyId!, AWS_SECRET_ACCESS_KEY: c.SecretAccessKey!, AWS_SESSION_TOKEN: c.SessionToken! };
}
const MACHINES = ["deployer", "payments-deployer", "rotator"] as const;
const iamOf = (n: Name): IAMClient => new IAMClient({ region, endpoint: clouds[n].url, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
/** What an environment declares here: three providers of the sandbox, and Stripe. */
function declare(name: Name): void {
  edit(`stacks/${name}/environment.yaml`, (t) => {
    const kept = ["twilio", "vapi", "hubspot"].map((i) => new RegExp(`^ {4}${i}: \\{.*\\}$`, "m").exec(t)![0].replace(/ \}$/, ", apiBase: sandbox }"));
    return t.replace(/^store: .*$/m, `store: { kind: aws, accountId: "${ACCOUNTS[name]}", region: ${region}, endpoint: "${clouds[name].url}" }`).replace(/^integrations:\n(?: .*\n)+/m, `integrations:\n${kept.join("\n")}\n`);
  });
  edit(`stacks/${name}/payments.yaml`, (t) => t.replace(/^( {4}mode: \w+)$/m, "$1\n    apiBase: sandbox"));
}

describe.skipIf(findPeer("ministack") === undefined)("from a merge to production", { timeout: 600_000 }, () => {
  beforeAll(async () => {
    for (const d of [root, home, shared]) mkdirSync(d);
    await Promise.all(NAMES.map(async (n) => { clouds[n] = await startMinistack(ACCOUNTS[n], { auth: true }); }));
    sandbox = await startSandbox({ stateDir: join(work, "sandbox") });
    server = createServer((q, a) => {
      const body = (q.url ?? "").includes("/reviews") ? reviews.map((r) => ({ user: { login: r.login }, state: r.state, commit_id: r.commit })) : [{ number: 7, merge_commit_sha: merged }];
      a.writeHead(q.headers.authorization === "Bearer job-token" ? 200 : 401, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    await new Promise<void>((done) => { server.listen(0, "127.0.0.1", done); });
    for (const f of ["people.yaml", "backup.yaml", "staging", "prod"]) cpSync(join(repo, "stacks", f), join(root, "stacks", f), { recursive: true });
    cpSync(join(repo, "Pulumi.yaml"), join(root, "Pulumi.yaml"));
    writeFileSync(join(root, ".gitignore"), ".stackseal/\nnode_modules\ndist\n");
    for (const n of NAMES) declare(n);
    // dev is of the example's making; it isn't part of this project.
    cpSync(join(repo, "stacks/dev"), join(root, "stacks/dev"), { recursive: true });
    const keys = await makeExample(root, new Date());
    spawnSync("rm", ["-r", join(root, "stacks/dev"), join(root, "stacks/pepper-development.sops.yaml")]);
    for (const [name, k] of Object.entries(keys)) for (const [kind, text] of [["age", k.identity], ["ssh", k.signing]] as const) writeFileSync(join(home, `${name}.${kind}`), text, { mode: 0o600 });
    // What this machine's production is let off: everything it talks to is on loopback.
    const let_ = ["environment.yaml#store.endpoint", "environment.yaml#integrations.twilio.apiBase", "environment.yaml#integrations.vapi.apiBase", "environment.yaml#integrations.hubspot.apiBase", "payments.yaml#stripe.apiBase"];
    mkdirSync(join(root, "policies"));
    writeFileSync(join(root, "policies/exceptions.yaml"), `exceptions:\n${let_.map((p) => `    - { rule: production-live-accounts, path: "stacks/prod/${p}", reason: "Tried on loopback.", owner: super-admin-2, expires: "${isoDate(addDays(new Date(), 30))}", link: "https://git.example/acme/platform/pull/1" }\n`).join("")}`);
    git("init", "-q", "-b", "main");
    expect(await person(["people", "sync"], signing("super-admin-1"))).toMatchObject({ code: 0 });
    start = commit("Start");
    git("clone", "-q", "--bare", root, origin);
    // The foundation is Super Admins' work; so is handing the machines their identities.
    for (const n of NAMES) {
      const r = await person(["up", "--env", n, "--part", "foundation", "--yes"], { PULUMI_CONFIG_PASSPHRASE: "" });
      expect([r.code, r.code === 0 ? "" : r.said]).toEqual([0, ""]);
      for (const role of MACHINES) {
        // The emulator looks for a schedule in the group `default`, whatever group it is in.
        await iamOf(n).send(new PutRolePolicyCommand({ RoleName: `stackseal-${n}-${role}`, PolicyName: "emulator", PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "scheduler:*", Resource: `arn:aws:scheduler:${region}:${ACCOUNTS[n]}:schedule/default/*` }] }) }));
        const machine = role === "rotator" ? `rotator-${n}` : `deployer-${n}${role === "deployer" ? "" : "-payments"}`;
        const put = await person(["identity", "put", "--env", n, "--role", role, "--file", join(home, `${machine}.age`), ...(machine === "deployer-staging" ? ["--signing-key", join(home, `${machine}.ssh`)] : []), "--yes"]);
        expect([put.code, put.code === 0 ? "" : put.said]).toEqual([0, ""]);
      }
    }
    cpSync(join(root, ".stackseal/state"), shared, { recursive: true });
    // A pull request changes Stripe's endpoints; it is squashed, so that its own commits are no part of main.
    git("checkout", "-q", "-b", "work");
    for (const n of NAMES) edit(`stacks/${n}/payments.yaml`, (t) => t.replaceAll("2026-10-28.endive", "2026-09-30.endive"));
    // What staging has tried is attested; here it is tried and attested by the same request.
    expect(await person(["attest", "valid-in-staging", "prod", "--evidence", "doctor run", "--yes"], signing("super-admin-2"))).toMatchObject({ code: 0 });
    const head = commit("Another API version");
    git("push", "-q", origin, `${head}:refs/pull/7/head`);
    git("checkout", "-q", "main");
    git("merge", "-q", "--squash", "work");
    merged = commit("Another API version (#7)");
    git("push", "-q", origin, "main");
    reviews = [{ login: "super-admin-1", state: "APPROVED", commit: head }];
    const places = placesFor(readProject(root, { clock: systemClock }).environments).map((p) => ({ ...p, aws: { accountId: ACCOUNTS[p.name as Name], region } }));
    const workflow = (name: string): Runner => new Runner({
      workflow: githubWorkflows({ own: true, places })[`.github/workflows/${name}.yml`]!, origin, ref: merged, shared, assume, env: { ...env, ...sandbox.env },
      github: { GITHUB_SHA: merged, GITHUB_REF: "refs/heads/main", GITHUB_REPOSITORY: "acme/platform-credentials", GITHUB_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, GITHUB_TOKEN: "job-token", EVENT_BEFORE: start },
    });
    [runner, nightly, quarterly] = [workflow("deploy"), workflow("nightly"), workflow("quarterly")];
  }, 600_000);
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await sandbox.close();
    for (const c of Object.values(clouds)) await c.close();
  });
  const passes = async (id: string, of = runner): Promise<Ended> => {
    const r = await of.job(id);
    expect([id, r.failed, r.ok ? "" : r.said]).toEqual([id, "", ""]);
    return r;
  };

  it("goes in this order", () => {
    expect(runner.order).toEqual(["bundle", "verdict", "deploy-staging", "deploy-staging-payments", "staged-staging", "deploy-prod", "deploy-prod-payments"]);
  });
  it("builds, deploys staging and signs what it was found to be", async () => {
    for (const id of ["bundle", "verdict", "deploy-staging", "deploy-staging-payments", "staged-staging"]) await passes(id);
    const record = JSON.parse(readFileSync(join(runner.artifacts, "staged-staging/plan.json.staging.staged.json"), "utf8")) as { by: string; checks: { valid: number; inconclusive: number } };
    expect([record.by, record.checks.valid > 10, record.checks.inconclusive]).toEqual(["deployer-staging", true, 0]);
  });
  it("stops before production where staging left no record, no Super Admin approved what happens to payments, or something else was approved", async () => {
    const skipped = await runner.job("deploy-prod", { without: "staged-staging" });
    expect([skipped.ok, codes(skipped)]).toEqual([false, ["STAGING_MISSING"]]);
    const [review] = reviews;
    reviews = [{ ...review!, login: "admin-1" }];
    const admin = await runner.job("deploy-prod");
    expect([admin.ok, codes(admin), admin.said.includes("a Super Admin must be among the approvers")]).toEqual([false, ["APPROVAL_MISSING"], true]);
    reviews = [{ ...review!, commit: start }];
    const moved = await runner.job("deploy-prod", { change: { before: " up ", how: (dir) => { writeFileSync(join(dir, "approvals/plan.json.stranger.approval.json"), "{}"); } } });
    expect([moved.ok, codes(moved)]).toEqual([false, ["APPROVAL_MISSING"]]);
    expect(moved.said).toMatch(/super-admin-1's review is of [0-9a-f]{12}, which declares something else: urn:pulumi:prod-payments::\S+WebhookEndpoint::disputes differs in apiVersion/);
    reviews = [review!];
    const edited = await runner.job("deploy-prod", { change: { before: " up ", how: (dir) => { edit("stacks/prod/payments.yaml", (t) => t.replaceAll("2026-09-30.endive", "2026-10-28.endive"), dir); } } });
    expect([edited.ok, new Set(codes(edited))]).toEqual([false, new Set(["PLAN_DIFFERS"])]);
    expect(edited.said).toMatch(/PLAN_DIFFERS urn:pulumi:prod-payments::\S+WebhookEndpoint::payments differs in apiVersion/);
  });
  it("deploys production, payments as a job of its own", async () => {
    for (const id of ["deploy-prod", "deploy-prod-payments"]) await passes(id);
    const store = new SecretsManagerClient({ region, endpoint: clouds.prod.url, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
    for (const s of ["stackseal/prod/twilio", "stackseal/prod/payments/stripe", "stackseal/prod/payments/stripe-webhook-payments"]) expect(Object.values((await store.send(new DescribeSecretCommand({ SecretId: s }))).VersionIdsToStages ?? {}).flat(), s).toContain("AWSCURRENT");
    const { endpoints } = JSON.parse(readFileSync(join(work, "sandbox/stripe.json"), "utf8")) as { endpoints: { livemode: boolean; api_version: string }[] };
    expect(endpoints.filter((e) => e.livemode).map((e) => e.api_version)).toEqual(["2026-09-30.endive", "2026-09-30.endive"]);
  });
  it("is watched every night, and written up every quarter", async () => {
    // What the emulator was let off would be drift, and is found as such.
    const drifted = await person(["drift", "--env", "staging"]);
    expect([drifted.code, drifted.said.match(/role stackseal-staging-\S+: expected no other policy, found the inline policy emulator/g)?.length]).toEqual([1, 3]);
    for (const n of NAMES) for (const role of MACHINES) await iamOf(n).send(new DeleteRolePolicyCommand({ RoleName: `stackseal-${n}-${role}`, PolicyName: "emulator" }));
    for (const id of nightly.order.filter((j) => !j.endsWith("-prod"))) await passes(id, nightly);
    for (const id of quarterly.order) await passes(id, quarterly);
    expect(readdirSync(join(quarterly.artifacts, "evidence/evidence")).sort()).toEqual(["access-matrix.txt", "audit-log.csv", "people.json", "report.html", "rotations-prod.csv", "rotations-staging.csv"]);
    expect(readdirSync(join(quarterly.artifacts, "backup")).some((f) => f.endsWith(".age"))).toBe(true);
  });
});
