import { CreateAccessKeyCommand, CreateUserCommand, GetRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { ListSecretsCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { findPeer, startMinistack, type Emulator } from "./aws/emulator.ts";
import { ACCOUNT, cloudProject, type CloudProject } from "./aws/project.ts";

// The guided bootstrap of an environment's account, on an emulator.

const region = "eu-west-1";
interface Guide { foundation: { steps: { step: string; state: string; says: string }[] }; findings: { code: string; hint?: string }[] }

describe.skipIf(findPeer("ministack") === undefined)("init --foundation", { timeout: 240_000 }, () => {
  let m: Emulator, p: CloudProject, identity: string;
  const root = { region, get endpoint() { return m.url; }, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  const guide = async (args: string[] = [], env: Record<string, string> = {}): Promise<{ code: number; err: string; states: string[]; doc: Guide }> => {
    const r = await p.run(["init", "--foundation", "--env", "dev", "--json", ...args], env);
    expect(r.out + r.err).not.toContain(identity);
    const doc = JSON.parse(r.out) as Guide;
    return { code: r.code, err: r.err, doc, states: doc.foundation.steps.map((s) => `${s.state} ${s.step}`) };
  };
  const secrets = async (): Promise<string[]> => ((await new SecretsManagerClient(root).send(new ListSecretsCommand({ MaxResults: 100 }))).SecretList ?? []).map((s) => s.Name!).sort();
  const declare = (change: (t: string) => string): (() => void) => {
    const file = join(p.root, "stacks/dev/environment.yaml");
    const before = readFileSync(file, "utf8");
    writeFileSync(file, change(before));
    return () => { writeFileSync(file, before); };
  };
  beforeAll(async () => {
    m = await startMinistack(ACCOUNT);
    p = await cloudProject(`{ kind: aws, accountId: "${ACCOUNT}", region: ${region}, endpoint: "${m.url}" }`);
    identity = await newIdentity();
    const people = join(p.root, "stacks/people.yaml");
    writeFileSync(people, `${readFileSync(people, "utf8")}machines:\n    deployer-dev:\n        role: deployer\n        tiers: [development]\n        recipients: [${await recipientOf(identity)}]\n        from: "2026-01-01"\n`);
    const keys = join(p.env["HOME"]!, ".config/stackseal/stackseal");
    mkdirSync(keys, { recursive: true });
    writeFileSync(join(keys, "deployer-dev.age"), `${identity}\n`, { mode: 0o600 });
  }, 120_000);
  afterAll(async () => { await m.close(); });

  it("says what would be made and makes nothing with --dry-run, nor without a yes", async () => {
    const dry = await guide(["--dry-run"]);
    expect([dry.code, dry.states]).toEqual([0, ["done declaration", "done who you are", "todo state bucket", "todo foundation stack", "todo canary", "todo identity of deployer", "skipped identity of payments-deployer", "skipped identity of rotator", "todo code host"]]);
    const no = await guide();
    expect([no.code, no.doc.findings.map((f) => f.code)]).toEqual([2, ["NOT_CONFIRMED"]]);
    expect(await secrets()).toEqual([]);
  });
  it("is finished by the next run where one was killed, hands the identity over, and has nothing to do a third time", async () => {
    for (const delay of [3000, 5000]) {
      const child = spawn(process.execPath, [resolve("dist/cli.js"), "-C", p.root, "init", "--foundation", "--env", "dev", "--yes"], { env: p.env, stdio: "ignore" });
      const ended = new Promise((r) => child.once("exit", r));
      await new Promise((r) => setTimeout(r, delay));
      child.kill("SIGKILL");
      await ended;
    }
    const r = await guide(["--yes"]);
    expect([r.code, r.doc.findings.filter((f) => f.code !== "IDENTITY_MACHINE").map((f) => f.code), r.states.filter((s) => !s.startsWith("done"))]).toEqual([0, ["CANARY_MISSING"], ["todo canary", "skipped identity of payments-deployer", "skipped identity of rotator", "todo code host"]]);
    expect(r.err).toMatch(/ 1 ✓ declaration .*\n.* 2 ✓ who you are/s);
    expect(await secrets()).toEqual(expect.arrayContaining(["stackseal/dev/identity/deployer", "stackseal/dev/twilio", "stackseal/dev/payments/stripe"]));
    expect((await new IAMClient(root).send(new GetRoleCommand({ RoleName: "stackseal-dev-deployer" }))).Role?.AssumeRolePolicyDocument).toContain("environment%3Adev");
    const out = join(p.env["HOME"]!, "got.age");
    expect((await p.run(["identity", "fetch", "--env", "dev", "--out", out])).code).toBe(0);
    expect(readFileSync(out, "utf8").trim()).toBe(identity);
    const again = await guide(["--yes"]);
    expect(again.doc.foundation.steps.find((s) => s.step === "foundation stack")?.says).toBe("nothing to change");
    expect(again.doc.foundation.steps.find((s) => s.step === "identity of deployer")?.says).toContain("holds it");
  });
  it("says what isn't as declared after somebody changed it", async () => {
    const { CloudTrailClient, StopLoggingCommand } = await import("@aws-sdk/client-cloudtrail");
    await new CloudTrailClient(root).send(new StopLoggingCommand({ Name: "stackseal-dev" }));
    const r = await guide(["--yes"]);
    expect([r.code, r.states.includes("failed as declared"), r.doc.findings.map((f) => f.code)]).toEqual([1, true, ["CANARY_MISSING", "FOUNDATION_DIFFERS"]]);
  });
  it("refuses a long-lived key, another account, a placeholder and a store that has no account", async () => {
    const iam = new IAMClient(root);
    await iam.send(new CreateUserCommand({ UserName: "ada" }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "ada" }));
    const key = { AWS_ACCESS_KEY_ID: AccessKey!.AccessKeyId!, AWS_SECRET_ACCESS_KEY: AccessKey!.SecretAccessKey! };
    const long = await guide(["--yes"], key);
    expect([long.code, long.doc.findings[0]?.code, long.doc.findings[0]?.hint?.includes("--mfa-serial")]).toEqual([2, "FOUNDATION_MFA", true]);
    // The same person with a code: six digits from a pipe, exchanged for a session.
    const coded = (code: string): { foundation: { steps: { step: string; state: string; says: string }[] }; findings: { code: string; message: string }[] } => JSON.parse(spawnSync(process.execPath, [resolve("dist/cli.js"), "-C", p.root, "init", "--foundation", "--env", "dev", "--dry-run", "--json", "--mfa-serial", `arn:aws:iam::${ACCOUNT}:mfa/ada`], { env: { ...p.env, ...key }, input: `${code}\n`, encoding: "utf8" }).stdout) as never;
    expect(coded("12345").findings[0]).toMatchObject({ code: "FOUNDATION_MFA", message: "six digits are wanted as the code" });
    const { foundation, findings } = coded("123456");
    expect([findings.filter((f) => f.code === "FOUNDATION_MFA"), foundation.steps.find((s) => s.step === "who you are")]).toEqual([[], expect.objectContaining({ state: "done", says: expect.stringContaining("super-admin") })]);
    const codeOf = async (change: (t: string) => string): Promise<[number, string | undefined]> => {
      const back = declare(change);
      try { const r = await guide(["--yes"]); return [r.code, r.doc.findings[0]?.code]; } finally { back(); }
    };
    expect(await codeOf((t) => t.replaceAll(ACCOUNT, "999999999999"))).toEqual([2, "STORE_ACCOUNT"]);
    expect(await codeOf((t) => t.replace(/accountId: "\d+"/, 'accountId: "000000000001"'))).toEqual([2, "FOUNDATION_DECLARATION"]);
    expect(await codeOf((t) => t.replace(/^store: .*$/m, "store: { kind: file }"))).toEqual([2, "FOUNDATION_DECLARATION"]);
  });
});
