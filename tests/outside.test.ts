import { execFile, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Ajv } from "ajv";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { expand } from "../schemas/template.ts";

// To and from the outside: run, secret export, secret import, types.

const repo = resolve(import.meta.dirname, "..");
const cli = join(repo, "dist/cli.js");
const base = { PATH: process.env["PATH"] ?? "", HOME: mkdtempSync(join(tmpdir(), "home-")), NO_COLOR: "1" };
interface Ran { readonly code: number; readonly out: string; readonly err: string }
const run = (root: string, args: string[], env: Record<string, string> = {}): Promise<Ran> =>
  new Promise((done) => { execFile(process.execPath, [cli, "-C", root, ...args], { env: { ...base, ...env } }, (e, out, err) => { done({ code: typeof e?.code === "number" ? e.code : e ? 1 : 0, out, err }); }); });

const made = mkdtempSync(join(tmpdir(), "outside-"));
beforeAll(async () => {
  for (const f of ["stacks", "Pulumi.yaml"]) cpSync(join(repo, f), join(made, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  expect((await run(made, ["start"])).code).toBe(0);
});
const copy = (): string => {
  const root = mkdtempSync(join(tmpdir(), "outside-"));
  cpSync(made, root, { recursive: true });
  return root;
};
const get = async (root: string, path: string): Promise<string> => (await run(root, ["secret", "get", path, "--env", "local"])).out;

describe("run", () => {
  it("gives the process its environment's variables and nothing of another's", async () => {
    const r = await run(made, ["run", "--env", "local", "--", process.execPath, "-e", "console.log(JSON.stringify(process.env))"], { HUBSPOT_ACCESS_TOKEN: "of-another", SOPS_AGE_KEY: "", STACKSEAL_X: "1", KEPT: "yes" });
    expect(r.code).toBe(0);
    const env = JSON.parse(r.out) as Record<string, string>;
    expect(env["TWILIO_AUTH_TOKEN"]).toBe(await get(made, "twilio.authToken"));
    expect([env["MAIL_ENCRYPTION"], env["MAIL_SCHEME"], env["KEPT"]]).toEqual(["null", "smtp", "yes"]);
    expect(env["STRIPE_WEBHOOK_PAYMENTS_SECRET"]).toMatch(/^whsec_/);
    for (const gone of ["HUBSPOT_ACCESS_TOKEN", "SOPS_AGE_KEY", "STACKSEAL_X"]) expect(env[gone]).toBeUndefined();
  });
  it("lets a role have what the matrix lets it read", async () => {
    const names = async (role: string): Promise<string> => (await run(made, ["run", "--env", "local", "--role", role, "--", "env"])).out;
    const [app, payments] = [await names("app"), await names("payments-app")];
    expect([/^TWILIO_AUTH_TOKEN=/m.test(app), /^STRIPE_SECRET=/m.test(app), /^STRIPE_WEBHOOK_/m.test(app)]).toEqual([true, false, false]);
    expect([/^TWILIO_AUTH_TOKEN=/m.test(payments), /^STRIPE_SECRET=/m.test(payments), /^STRIPE_WEBHOOK_PAYMENTS_SECRET=/m.test(payments)]).toEqual([false, true, true]);
  });
  it.each([["its exit code", "exit 7", 7], ["a signal's", "kill -9 $$", 137]])("passes on %s", async (_says, script, code) => { expect((await run(made, ["run", "--env", "local", "--", "sh", "-c", script])).code).toBe(code); });
  it("hands a signal on and ends when the process ends", async () => {
    const child = spawn(process.execPath, [cli, "-C", made, "run", "--env", "local", "--", process.execPath, "-e", "process.on('SIGTERM',()=>{console.log('caught');process.exit(3)});console.log('ready');setInterval(()=>{},1000)"], { env: base });
    let out = "";
    child.stdout.on("data", (c: Buffer) => { out += c.toString(); if (out.includes("ready") && !out.includes("caught")) child.kill("SIGTERM"); });
    expect(await new Promise((done) => { child.on("close", done); })).toBe(3);
    expect(out).toContain("caught");
  });
  it("keeps flags of the command for the command, and refuses one that isn't there", async () => {
    expect((await run(made, ["run", "--env", "local", "--", "echo", "--json", "--env", "x"])).out).toBe("--json --env x\n");
    const r = await run(made, ["run", "--env", "local", "--", "no-such-command"]);
    expect([r.code, r.err.includes("COMMAND_NOT_STARTED")]).toEqual([2, true]);
  });
  it("needs an identity", async () => {
    const r = await run(made, ["run", "--env", "dev", "--", "true"]);
    expect([r.code, r.err.includes("SEAL_NO_IDENTITY")]).toEqual([2, true]);
  });
});

describe("secret export", () => {
  it("writes each format so that it reads back", async () => {
    const root = copy();
    const value = `p"a$s \\w#${expand("{alnum:16}")}`;
    writeFileSync(join(root, "value"), value);
    expect((await run(root, ["secret", "set", "smtp.password", "--env", "local", "--reason", "initial", "--file", join(root, "value")])).err).toBe("");
    const out = async (format: string): Promise<string> => {
      const r = await run(root, ["secret", "export", "--env", "local", "--format", format]);
      expect(r.err).toMatch(/^warning: \d+ variables of local leave in clear/);
      return r.out;
    };
    expect((JSON.parse(await out("json")) as Record<string, string>)["MAIL_PASSWORD"]).toBe(value);
    expect(await out("docker")).toContain(`MAIL_PASSWORD=${value}\n`);
    expect(Buffer.from(/MAIL_PASSWORD: (\S+)/.exec(await out("k8s"))?.[1] ?? "", "base64").toString()).toBe(value);
    const dotenv = await out("dotenv");
    writeFileSync(join(root, "copy.env"), dotenv);
    // A shell is the hardest reader of a .env file.
    expect(spawnSync("sh", ["-c", `. ./copy.env; printf %s "$MAIL_PASSWORD"`], { cwd: root, encoding: "utf8" }).stdout).toBe(value);
  });
});

describe("secret import", () => {
  const values = { TWILIO_TOKEN: expand("{hex:32}"), STRIPE_SECRET: expand("sk_test_{alnum:30}"), CAL_API_KEY: expand("cal_test_{hex:32}") };
  const dotenv = `# of the old platform\nexport TWILIO_TOKEN=${values.TWILIO_TOKEN}\nSTRIPE_SECRET="${values.STRIPE_SECRET}"\nCAL_API_KEY='${values.CAL_API_KEY}'\n`;
  it("says in a dry run what maps and what doesn't, and writes nothing", async () => {
    const root = copy();
    writeFileSync(join(root, ".env"), `${dotenv}FOO=bar\nMAIL_HOST=elsewhere.example\nSTRIPE_WEBHOOK_SECRET=x\n`);
    const before = readFileSync(join(root, ".stackseal/local/secrets.sops.yaml"), "utf8");
    const r = await run(root, ["secret", "import", ".env", "--env", "local", "--dry-run", "--json"]);
    const json = JSON.parse(r.out) as { mapped: { name: string; path: string }[]; unmapped: string[]; settings: { name: string; agrees: boolean }[]; findings: { code: string; at: { line: number } }[] };
    expect(json.mapped.map((m) => [m.name, m.path])).toEqual([["TWILIO_TOKEN", "twilio.authToken"], ["STRIPE_SECRET", "stripe.secretKey"], ["CAL_API_KEY", "calcom.apiKey"]]);
    expect(json.unmapped).toEqual(["FOO"]);
    expect(json.settings).toEqual([{ name: "MAIL_HOST", integration: "smtp", agrees: false }]);
    expect(json.findings.map((f) => [f.code, f.at.line])).toEqual([["IMPORT_UNMAPPED", 5], ["IMPORT_SETTING_DIFFERS", 6], ["IMPORT_MINTED", 7]]);
    expect(r.code).toBe(1);
    for (const v of Object.values(values)) expect(r.out + r.err).not.toContain(v);
    // Without --partial nothing is written either.
    expect((await run(root, ["secret", "import", ".env", "--env", "local"])).code).toBe(1);
    expect(readFileSync(join(root, ".stackseal/local/secrets.sops.yaml"), "utf8")).toBe(before);
  });
  it("seals what is understood, once, and leaves the source as it is", async () => {
    const root = copy();
    writeFileSync(join(root, ".env"), dotenv);
    const r = await run(root, ["secret", "import", ".env", "--env", "local"]);
    expect([r.code, r.err]).toEqual([0, ""]);
    expect(r.out).toContain("delete it, and issue every value in it anew");
    for (const [path, v] of [["twilio.authToken", values.TWILIO_TOKEN], ["stripe.secretKey", values.STRIPE_SECRET], ["calcom.apiKey", values.CAL_API_KEY]] as const) expect(await get(root, path)).toBe(v);
    expect(readFileSync(join(root, ".env"), "utf8")).toBe(dotenv);
    expect((await run(root, ["secret", "import", ".env", "--env", "local"])).out).toContain("Nothing new to seal");
    expect((await run(root, ["check", "--env", "local"])).code).toBe(0);
  });
  it.each([
    ["json", "old.json", JSON.stringify({ twilio: { authToken: values.TWILIO_TOKEN }, stripe: { "secret_key": values.STRIPE_SECRET } })],
    ["yaml", "old.yaml", `twilio:\n    auth_token: ${values.TWILIO_TOKEN}\nstripe-secret-key: ${values.STRIPE_SECRET}\n`],
  ])("reads %s", async (_says, file, text) => {
    const root = copy();
    writeFileSync(join(root, file), text);
    expect((await run(root, ["secret", "import", file, "--env", "local"])).err).toBe("");
    expect([await get(root, "twilio.authToken"), await get(root, "stripe.secretKey")]).toEqual([values.TWILIO_TOKEN, values.STRIPE_SECRET]);
  });
  const sops = (process.env["PATH"] ?? "").split(":").some((d) => existsSync(join(d, "sops")));
  it.skipIf(!sops)("reads a file of the sops CLI, and nothing of one that was changed", async () => {
    const root = copy();
    const identity = await newIdentity();
    writeFileSync(join(root, "plain.yaml"), `twilio:\n    auth_token: ${values.TWILIO_TOKEN}\n    # a comment\n    none: null\n`);
    const sealed = spawnSync("sops", ["encrypt", "--age", await recipientOf(identity), "--unencrypted-regex", "^none$", "plain.yaml"], { cwd: root, encoding: "utf8" });
    expect(sealed.stderr).toBe("");
    writeFileSync(join(root, "old.sops.yaml"), sealed.stdout);
    const env = { SOPS_AGE_KEY: identity };
    expect((await run(root, ["secret", "import", "old.sops.yaml", "--env", "local"], env)).err).toBe("");
    expect(await get(root, "twilio.authToken")).toBe(values.TWILIO_TOKEN);
    writeFileSync(join(root, "old.sops.yaml"), sealed.stdout.replace("none: null", "none: 1"));
    const changed = await run(root, ["secret", "import", "old.sops.yaml", "--env", "local", "--dry-run"], env);
    expect([changed.code === 0, changed.err.includes("SEAL_MAC_MISMATCH")]).toEqual([false, true]);
  });
  it.each([
    ["a live key outside production", `STRIPE_SECRET=${expand("sk_live_{alnum:30}")}`, "VALUE_MODE"], ["another form", "TWILIO_TOKEN=abc", "VALUE_FORMAT"], ["two names of one credential", `TWILIO_TOKEN=${expand("{hex:32}")}\nTWILIO_AUTH_TOKEN=${expand("{hex:32}")}`, "IMPORT_TWICE"],
    ["a quote that is never closed", "TWILIO_TOKEN='abc", "DOTENV_QUOTE"],
  ])("refuses %s with its line", async (_says, text, code) => {
    const root = copy();
    writeFileSync(join(root, ".env"), text);
    const r = await run(root, ["secret", "import", ".env", "--env", "local", "--json"]);
    const { findings } = JSON.parse(r.out) as { findings: { code: string; at?: { file: string; line: number } }[] };
    expect(r.code).toBe(1);
    expect(findings.find((f) => f.code === code)?.at?.file).toBe(".env");
  });

  const ministack = (process.env["PATH"] ?? "").split(":").some((d) => existsSync(join(d, "ministack")));
  describe.skipIf(!ministack)("from AWS Secrets Manager", () => {
    let server: ReturnType<typeof spawn> | undefined;
    let endpoint = "";
    beforeAll(async () => {
      const port = await new Promise<number>((done) => { const s = createServer().listen(0, "127.0.0.1", () => { const { port: p } = s.address() as { port: number }; s.close(() => { done(p); }); }); });
      endpoint = `http://127.0.0.1:${String(port)}`;
      server = spawn("ministack", [], { env: { ...process.env, BIND_HOST: "127.0.0.1", GATEWAY_PORT: String(port) }, stdio: "ignore" });
      for (let n = 0; n < 200; n++) {
        if (await fetch(`${endpoint}/_ministack/health`).then((r) => r.ok, () => false)) return;
        await new Promise((r) => setTimeout(r, 100));
      }
      throw new Error("ministack doesn't answer");
    });
    afterAll(() => { server?.kill(); });
    it("takes JSON secrets and bare ones, and says what isn't there", async () => {
      const { SecretsManagerClient, CreateSecretCommand } = await import("@aws-sdk/client-secrets-manager");
      const client = new SecretsManagerClient({ region: "eu-west-1", endpoint, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
      await client.send(new CreateSecretCommand({ Name: "old/app", SecretString: JSON.stringify({ twilio: { authToken: values.TWILIO_TOKEN } }) }));
      await client.send(new CreateSecretCommand({ Name: "old/CALCOM_API_KEY", SecretString: values.CAL_API_KEY }));
      const root = copy();
      const aws = { AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
      const r = await run(root, ["secret", "import", "old/app", "old/CALCOM_API_KEY", "--from", "aws", "--region", "eu-west-1", "--env", "local"], aws);
      expect([r.code, r.err]).toEqual([0, ""]);
      expect([await get(root, "twilio.authToken"), await get(root, "calcom.apiKey")]).toEqual([values.TWILIO_TOKEN, values.CAL_API_KEY]);
      const missing = await run(root, ["secret", "import", "old/none", "--from", "aws", "--region", "eu-west-1", "--env", "local"], aws);
      expect([missing.code, missing.err.includes("ResourceNotFoundException")]).toEqual([1, true]);
    });
  });
});

describe("types", () => {
  it("writes a module that compiles, a schema, and samples that name what the product reads", async () => {
    const root = copy();
    expect((await run(root, ["types", "--env", "local", "--out", "types"])).code).toBe(0);
    const module = readFileSync(join(root, "types/stackseal-env.ts"), "utf8");
    expect(module).toContain("stacksealEnv");
    const told = (text: string): string[] => {
      writeFileSync(join(root, "types/own.ts"), `import { stacksealEnv } from "./stackseal-env.ts";\n${text}\n`);
      const program = ts.createProgram([join(root, "types/own.ts")], { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, types: [] });
      return ts.getPreEmitDiagnostics(program).map((d) => ts.flattenDiagnosticMessageText(d.messageText, " "));
    };
    expect(told("export const token: string = stacksealEnv({}).TWILIO_AUTH_TOKEN;")).toEqual([]);
    expect(told("export const token: string = stacksealEnv({}).TWILIO_AUTH_TOKN;").join()).toContain("Did you mean 'TWILIO_AUTH_TOKEN'?");
    const names = (JSON.parse((await run(root, ["types", "--env", "local", "--json"])).out) as { variables: { name: string; required: boolean }[] }).variables.map((v) => v.name);
    const given = JSON.parse((await run(root, ["run", "--env", "local", "--", process.execPath, "-e", "console.log(JSON.stringify(process.env))"])).out) as Record<string, string>;
    expect(names.filter((n) => given[n] === undefined)).toEqual([]);
    const validate = new Ajv({ strict: false }).compile(JSON.parse(readFileSync(join(root, "types/stackseal-env.schema.json"), "utf8")) as object);
    expect(validate(given)).toBe(true);
    const { TWILIO_AUTH_TOKEN: _gone, ...less } = given;
    expect(validate(less)).toBe(false);
    const php = readFileSync(join(root, "types/laravel/mail.php"), "utf8") + readFileSync(join(root, "types/laravel/services.php"), "utf8");
    const read = [...php.matchAll(/env\('([A-Z0-9_]+)'/g)].map((m) => m[1] as string);
    expect(read.filter((n) => !names.includes(n))).toEqual([]);
    for (const n of ["MAIL_MAILER", "MAIL_SCHEME", "MAIL_ENCRYPTION", "MAIL_PASSWORD", "MAIL_FROM_ADDRESS", "TWILIO_ACCOUNT_SID", "STRIPE_KEY", "STRIPE_SECRET"]) expect(read).toContain(n);
  });
});
