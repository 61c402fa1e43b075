import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { rules } from "../../policies/index.ts";
import { policyTable } from "../../policies/kit/table.ts";
import { OUTPUTS } from "../../schemas/outputs.ts";
import { expand } from "../../schemas/template.ts";
import { makeSample, Project, remove, type Example } from "./project.ts";

const repo = resolve(import.meta.dirname, "../..");
const made: string[] = [];
let example: Example;
beforeAll(async () => { example = await makeSample(); });
afterAll(() => { for (const d of [example.dir, ...made]) remove(d); });

function project(): Project {
  const p = new Project(example);
  made.push(p.dir);
  return p;
}
interface Out { readonly status: number | null; readonly text: string; readonly json: { findings: { code: string; message: string; at?: { file: string; line: number }; path?: string; hint?: string }[]; [k: string]: unknown } }
function run(dir: string, args: string[], env: Record<string, string> = {}): Out {
  const r = spawnSync(process.execPath, [join(repo, "dist/cli.js"), "-C", dir, "--now", "2026-11-24", ...args], { encoding: "utf8", env: { PATH: process.env["PATH"], HOME: dir, NO_COLOR: "1", ...env }, maxBuffer: 1 << 28 });
  return { status: r.status, text: r.stdout + r.stderr, json: (args.includes("--json") && r.stdout ? JSON.parse(r.stdout) : { findings: [] }) as Out["json"] };
}
const codes = (o: Out): string[] => o.json.findings.map((f) => f.code);
const exception = (over: Record<string, string>): string => `exceptions:\n    - { ${Object.entries({ reason: "The partner tests its receiver this month.", owner: "super-admin-2", expires: "2026-12-24", link: "https://git.example/acme/platform/pull/1", ...over }).map(([k, v]) => `${k}: "${v}"`).join(", ")} }\n`;
const ENDPOINT = "urn:pulumi:prod-payments::stackseal::stackseal:index:StripeWebhook$stripe:index:WebhookEndpoint::disputes";
const disabled = (p: Project): void => { p.replace("stacks/prod/payments.yaml", "path: /webhooks/stripe/disputes", "disabled: true\n            path: /webhooks/stripe/disputes"); p.replace("stacks/staging/payments.yaml", "path: /webhooks/stripe/disputes", "disabled: true\n            path: /webhooks/stripe/disputes"); p.forget("valid-in-staging", "prod"); p.attest("valid-in-staging", "prod", "super-admin-1"); };

it("the shipped example is content, today and when all of it has grown old", () => {
  const p = project();
  expect(codes(run(p.dir, ["check", "--json"]))).toEqual([]);
  p.write("policies/config.json", readFileSync(join(repo, "policies/config.json"), "utf8"));
  const old = run(p.dir, ["check", "--json", "--now", "2028-01-01"]);
  expect(old.status).toBe(0);
  expect(codes(old)).toContain("POLICY_ADVICE");
  rmSync(join(p.dir, "policies/config.json"));
  const strict = run(p.dir, ["check", "--json", "--now", "2028-01-01", "--env", "prod"]);
  expect(strict.status).toBe(1);
  expect(strict.json.findings.filter((f) => f.code === "POLICY_VIOLATION").map((f) => f.message).join("\n")).toMatch(/credential-overdue: stripe.secretKey was due/);
});

it("a violation in a file stops check and preview at its place; an exception lets it through, and every preview says so", () => {
  const p = project();
  p.replace("stacks/prod/environment.yaml", "+442000000000", "+15005550006");
  p.forget("second-factor", "accounts/prod");
  p.attest("second-factor", "accounts/prod", "super-admin-2");
  const broken = run(p.dir, ["check", "--json"]);
  expect(broken.status).toBe(1);
  const f = broken.json.findings.find((x) => x.message.startsWith("production-live-accounts"));
  expect(f).toMatchObject({ code: "POLICY_VIOLATION", at: { file: "stacks/prod/environment.yaml", line: 8 }, path: "integrations.twilio.from" });
  p.write("policies/exceptions.yaml", exception({ rule: "production-live-accounts", path: "stacks/prod/environment.yaml#integrations.twilio.from" }));
  expect(codes(run(p.dir, ["check", "--json"]))).toEqual([]);
  const preview = run(p.dir, ["preview", "--env", "prod"]);
  expect(preview.status).toBe(0);
  expect(preview.text).toMatch(/Exceptions in force:\n {2}production-live-accounts for stacks\/prod\/environment.yaml#integrations.twilio.from until 2026-12-24 \(super-admin-2: The partner tests/);
  const expired = run(p.dir, ["check", "--json", "--now", "2026-12-25"]);
  expect(expired.status).toBe(1);
  expect(expired.json.findings.map((x) => x.message).join("\n")).toMatch(/the exception expired on 2026-12-24/);
});

it("an exception for a resource holds in the preview, and is a violation where nothing violates its rule", () => {
  const p = project();
  p.write("policies/exceptions.yaml", exception({ rule: "stripe-endpoints", resource: ENDPOINT }));
  // check judges no resources: it can't tell whether this one is used.
  expect(codes(run(p.dir, ["check", "--json"]))).toEqual([]);
  const unused = run(p.dir, ["preview", "--env", "prod", "--json"]);
  expect(unused.status).toBe(1);
  expect(unused.json.findings).toMatchObject([{ code: "POLICY_VIOLATION", at: { file: "policies/exceptions.yaml", line: 2 } }]);
  disabled(p);
  const used = run(p.dir, ["preview", "--env", "prod", "--json"]);
  expect(codes(used)).toEqual([]);
  expect(used.json["exceptions"]).toMatchObject([{ rule: "stripe-endpoints", owner: "super-admin-2" }]);
  rmSync(join(p.dir, "policies/exceptions.yaml"));
  const without = run(p.dir, ["preview", "--env", "prod", "--json"]);
  expect(without.status).toBe(1);
  expect((without.json["environments"] as { violations: unknown[] }[])[0]?.violations).toMatchObject([{ policy: "stripe-endpoints", level: "mandatory", urn: ENDPOINT, message: "the endpoint is disabled" }]);
});

it("names what a configuration or an exceptions file has that nobody knows", () => {
  const p = project();
  p.write("policies/config.json", '{\n  "recovery-windows": "advisory",\n  "recovery-window": "sometimes",\n  "from-domain-allowed": { "domain": ["x.example"] }\n}\n');
  p.write("policies/exceptions.yaml", `${exception({ rule: "recovery-window", path: "stacks/dev/environment.yaml#x" }).trimEnd().slice(0, -2)}, ticket: "1" }\n`);
  const r = run(p.dir, ["check", "--json"]);
  expect(r.status).toBe(1);
  expect(r.json.findings).toMatchObject([
    { code: "POLICY_UNKNOWN", at: { file: "policies/config.json", line: 2 }, hint: "did you mean recovery-window?" }, { code: "POLICY_CONFIG", at: { line: 3 } }, { code: "POLICY_CONFIG", at: { line: 4 }, hint: "did you mean domains?" },
    { code: "KEY_UNKNOWN", at: { file: "policies/exceptions.yaml", line: 2 }, path: "exceptions.0.ticket" },
  ]);
});

it("runs on what is deployed: a stack export with violations, encrypted secrets and things that wait for deletion", () => {
  const p = project();
  const secret = (name: string, props: object, more: object = {}) => ({ urn: `urn:pulumi:prod::stackseal::aws:secretsmanager/secret:Secret::${name}`, custom: true, type: "aws:secretsmanager/secret:Secret", inputs: props, outputs: props, ...more });
  const tags = { "managed-by": "stackseal", environment: "prod", tier: "production", class: "standard", owner: "admin" };
  const hidden = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:x" };
  writeFileSync(join(p.dir, "state.json"), JSON.stringify({ version: 3, deployment: { resources: [
    { urn: "urn:pulumi:prod::stackseal::pulumi:pulumi:Stack::stackseal-prod", custom: false, type: "pulumi:pulumi:Stack" },
    secret("good", { kmsKeyId: "alias/stackseal/prod/standard", recoveryWindowInDays: 30, tags }, { protect: true }),
    secret("bad", { recoveryWindowInDays: 7, tags }),
    secret("going", { tags: {} }, { delete: true }),
    secret("hidden", { kmsKeyId: hidden, recoveryWindowInDays: 30, tags }, { protect: true }),
  ] } }));
  const r = run(p.dir, ["policies", "--state", "state.json", "--json"]);
  expect(r.status).toBe(1);
  expect((OUTPUTS["policies"] as { safeParse: (v: unknown) => { success: boolean } }).safeParse(r.json).success).toBe(true);
  const said = (r.json["violations"] as { policy: string; level: string; urn: string; message: string }[]).map((v) => `${v.urn.split("::").pop() ?? ""} ${v.policy} ${v.level}`).sort();
  expect(said.filter((s) => s.startsWith("bad "))).toEqual(["bad customer-managed-key mandatory", "bad protect-production-data mandatory", "bad recovery-window mandatory"]);
  expect(said.filter((s) => s.startsWith("good ") || s.startsWith("going "))).toEqual([]);
  expect(said.filter((s) => s.startsWith("hidden ")).every((s) => s.endsWith(" advisory"))).toBe(true);
  expect(r.text).toContain("can't be told: kmsKeyId is sealed in this export");
  for (const [name, text] of [["none.json", null], ["text.json", "x"], ["other.json", "{}"]] as const) {
    if (text !== null) p.write(name, text);
    const bad = run(p.dir, ["policies", "--state", name, "--json"]);
    expect([bad.status, ...codes(bad)]).toEqual([2, "STATE_UNREADABLE"]);
  }
});

it("runs on what this machine deployed, for the environments named; an exception for a resource that isn't wrong is a violation", () => {
  const p = project();
  const none = run(p.dir, ["policies", "--env", "prod", "--json"]);
  expect([none.status, ...codes(none)]).toEqual([2, "STATE_UNREADABLE"]);
  const tags = { "managed-by": "stackseal", environment: "prod", tier: "production", class: "standard", owner: "admin" };
  const secret = (name: string, props: object) => ({ urn: `urn:pulumi:prod::stackseal::aws:secretsmanager/secret:Secret::${name}`, custom: true, id: name, type: "aws:secretsmanager/secret:Secret", inputs: props, outputs: props, protect: true });
  p.write(".stackseal/state/prod.json", JSON.stringify({ version: 3, deployment: { manifest: { time: "2026-11-24T00:00:00Z", magic: "", version: "" }, resources: [secret("good", { kmsKeyId: "alias/stackseal/prod/standard", recoveryWindowInDays: 30, tags }), secret("bad", { kmsKeyId: "alias/stackseal/prod/standard", recoveryWindowInDays: 7, tags })] } }).replace('"manifest":{"time":"2026-11-24T00:00:00Z","magic":"","version":""},', ""));
  const wrong = run(p.dir, ["policies", "--env", "prod", "--json"]);
  expect([wrong.status, wrong.json["judged"]]).toMatchObject([1, { environments: ["prod"], resources: 2 }]);
  expect((wrong.json["violations"] as { policy: string; urn: string }[]).map((v) => `${v.policy} ${v.urn.split("::").pop() ?? ""}`)).toEqual(["recovery-window bad"]);
  const resource = (name: string): string => `urn:pulumi:prod::stackseal::aws:secretsmanager/secret:Secret::${name}`;
  p.write("policies/exceptions.yaml", exception({ rule: "recovery-window", resource: resource("bad") }));
  const let1 = run(p.dir, ["policies", "--env", "prod", "--json"]);
  expect([let1.json["violations"], codes(let1)]).toEqual([[], []]);
  p.write("policies/exceptions.yaml", exception({ rule: "recovery-window", resource: resource("good") }));
  const unused = run(p.dir, ["policies", "--env", "prod", "--json"]);
  expect([unused.status, unused.json.findings.map((f) => f.message).join("\n")]).toEqual([1, expect.stringMatching(/exceptions-valid: .*(unused|nothing|no longer)/)]);
});

it.each([
  ["expired", { expires: "2026-11-23" }, /expired on 2026-11-23/],
  ["longer than ninety days", { expires: "2027-06-01" }, /longer than 90 days/],
  ["owned by nobody in people.yaml", { owner: "nobody-9" }, /nobody-9/],
  ["owned by who wrote it", { owner: "super-admin-1" }, /super-admin-1 wrote it/],
  ["for a whole folder", { path: "stacks/prod/" }, /whole folder is too wide/],
  ["for every resource", { path: "", resource: "urn:pulumi:prod::stackseal::aws:secretsmanager/secret:Secret::*" }, /not a pattern/],
])("an exception that is %s is a violation itself", (_says, over: Record<string, string>, wanted) => {
  const p = project();
  const made = Object.fromEntries(Object.entries({ rule: "production-live-accounts", path: "stacks/prod/environment.yaml#integrations.twilio.from", ...over }).filter(([, v]) => v !== ""));
  p.write("policies/exceptions.yaml", exception(made));
  p.commit("super-admin-1");
  const r = run(p.dir, ["check", "--json"]);
  expect(r.status).toBe(1);
  expect(r.json.findings.filter((f) => f.at?.file === "policies/exceptions.yaml").map((f) => f.message).join("\n")).toMatch(wanted);
});

it("records its verdict on the commit, where the audit log and evidence find it; never on what isn't committed", () => {
  const p = project();
  p.commit("super-admin-1");
  const env = { GIT_AUTHOR_NAME: "ci", GIT_AUTHOR_EMAIL: "ci@acme.example", GIT_COMMITTER_NAME: "ci", GIT_COMMITTER_EMAIL: "ci@acme.example" };
  const verdict = (): string | null => (run(p.dir, ["audit", "log", "--json"]).json["changes"] as { policy: string | null }[])[0]?.policy ?? null;
  expect(verdict()).toBeNull();
  const held = run(p.dir, ["check", "--note"], env);
  expect([held.status, held.text]).toEqual([0, expect.stringContaining("policies: held")]);
  expect(verdict()).toBe("policies: held");
  p.replace("stacks/prod/environment.yaml", "+442000000000", "+15005550006");
  expect(run(p.dir, ["check", "--note", "--json"], env).json.findings[0]).toMatchObject({ code: "GIT_FAILED", hint: "commit first" });
  p.commit("super-admin-1");
  expect(run(p.dir, ["check", "--note"], env).status).toBe(1);
  expect(verdict()).toMatch(/^policies: \d+ violated \(.*production-live-accounts.*\)$/);
});

it("lists every rule, and the generated table has each", () => {
  const p = project();
  const r = run(p.dir, ["policies", "--json"]);
  expect(r.status).toBe(0);
  expect((r.json["rules"] as { id: string }[]).map((x) => x.id)).toEqual(rules.map((x) => x.id));
  expect(readFileSync(join(repo, "policies/README.md"), "utf8")).toBe(policyTable());
  for (const rule of rules) expect(policyTable()).toContain(`| \`${rule.id}\` |`);
});

it("attests with another's signature, and never with one's own", () => {
  const p = project();
  p.forget("second-factor", "person/admin-1");
  expect(run(p.dir, ["check", "--json"]).status).toBe(1);
  p.write(".keys/key", p.signingKey("super-admin-1"));
  spawnSync("chmod", ["600", join(p.dir, ".keys/key")]);
  const env = { STACKSEAL_SIGNING_KEY: join(p.dir, ".keys/key") };
  expect(run(p.dir, ["attest", "second-factor", "person/super-admin-1", "--evidence", "a mirror"], env).status).toBe(2);
  expect(run(p.dir, ["attest", "second-factor", "person/nobody", "--evidence", "nothing"], env).status).toBe(2);
  expect(run(p.dir, ["attest", "second-factor", "person/admin-1"], env).status).toBe(2);
  const r = run(p.dir, ["attest", "second-factor", "person/admin-1", "--evidence", "hardware key shown on a call"], env);
  expect(r.status, r.text).toBe(0);
  expect(codes(run(p.dir, ["check", "--json"]))).toEqual([]);
});

it("a stack export's own outputs, what came out of a resource, and a provider's keys are judged too, and said once", () => {
  const p = project();
  const key = expand("sk_live_{alnum:24}");
  const of = (type: string, name: string, inputs: object, outputs: object = inputs): object => ({ urn: `urn:pulumi:dev::stackseal::${type}::${name}`, type, custom: true, inputs, outputs });
  p.write("state.json", JSON.stringify({ version: 3, deployment: { resources: [
    of("pulumi:pulumi:Stack", "stackseal-dev", {}, { apiKey: key }), of("pulumi:providers:aws", "aws", { region: "eu-west-1", secretKey: `${expand("{alnum:37}")}/7+` }),
    of("aws:ssm/parameter:Parameter", "a", { value: key, tags: { "managed-by": "x", environment: "dev" } }), of("aws:iam/accessKey:AccessKey", "b", { user: "x" }, { user: "x", encoded: Buffer.from(key).toString("hex") }),
  ] } }));
  const o = run(p.dir, ["policies", "--state", "state.json", "--json"]);
  const said = (o.json["violations"] as { policy: string; urn: string; message: string }[]).filter((v) => v.policy === "no-credential-in-properties").map((v) => `${v.urn.split("::").pop() ?? ""}: ${v.message}`);
  expect(said.sort()).toEqual(["a: property value holds a credential (stripe.secretKey) in clear", "aws: property secretKey holds a credential (aws.secretAccessKey) in clear", "b: property encoded holds a credential (stripe.secretKey) in clear", "stackseal-dev: property apiKey holds a credential (stripe.secretKey) in clear"]);
  expect(o.text).not.toContain(key);
});

it("neither a configuration nor an exception lets through that nobody signed them", () => {
  for (const [config, also] of [["{ \"all\": \"disabled\" }", ""], ["{ \"people-signed\": \"advisory\", \"stripe-endpoints\": \"disabled\" }", ""], ["{ \"stripe-endpoints\": \"disabled\" }", exception({ rule: "people-signed", path: "policies/config.json#" })]] as const) {
    const p = project();
    p.write("policies/config.json", "{}\n");
    p.commit("super-admin-1");
    spawnSync("git", ["checkout", "-q", "-b", "feature"], { cwd: p.dir, env: p.env });
    p.write("policies/config.json", config);
    if (also) p.write("policies/exceptions.yaml", also);
    const o = run(p.dir, ["preview", "--env", "prod", "--json"]);
    expect([config, o.status]).toEqual([config, 1]);
    expect(o.json.findings.map((f) => f.message).join("\n")).toMatch(/people-signed: the levels of the policies was changed and no Super Admin signed it/);
  }
}, 60_000);

it.each([["2026-12-45", "This partner tests its receiver."], ["2026-12-24", "            "], ["2026-12-24", "1234 5678 90"]])("an exception until %s because of \"%s\" isn't one", (expires, reason) => {
  const p = project();
  p.write("policies/exceptions.yaml", exception({ rule: "stripe-endpoints", resource: ENDPOINT, expires, reason }));
  expect(codes(run(p.dir, ["check", "--json"]))).toEqual(["VALUE_INVALID"]);
});
