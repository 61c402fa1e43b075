import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { expand } from "../schemas/template.ts";
import { parseClear } from "../seal/clear.ts";
import { openSealed } from "../seal/open.ts";
import { as, keys, makeBase, project, sops } from "./sealed-project.ts";

beforeAll(makeBase);
const DEV = "stacks/dev/secrets.sops.yaml";
const token = (): string => expand("{hex:32}");
const changedLines = (a: string, b: string): string[] => {
  const [x, y] = [a.split("\n"), b.split("\n")];
  expect(y.length).toBe(x.length);
  return y.flatMap((l, i) => (l === x[i] ? [] : [l.trim().split(":")[0]!])).sort();
};

describe("secret set", () => {
  it("seals, changes only that value, its claims, the mac and the date, and is read back", () => {
    const dir = project();
    const before = readFileSync(join(dir, DEV), "utf8");
    const value = token();
    const r = as("engineer-1", dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], `${value}\n`);
    expect(r.stderr).toBe("");
    expect(r.status).toBe(0);
    const lines = changedLines(before, readFileSync(join(dir, DEV), "utf8"));
    expect([...new Set(lines)]).toEqual(["fingerprint", "issueId", "lastmodified", "mac", "maxAgeDays", "reason", "sealedBy", "signature", "value"].filter((l) => lines.includes(l)));
    expect(lines.filter((l) => l === "value")).toHaveLength(1);
    expect(as("engineer-1", dir, ["secret", "get", "twilio.authToken", "--env", "dev"]).stdout).toBe(value);
    expect(as(null, dir, ["check", "--json"]).codes).toEqual([]);
    const all = `${r.stdout}${r.stderr}${readFileSync(join(dir, DEV), "utf8")}`;
    expect(all).not.toContain(value);
  });
  it.each<[string, string, string, string]>([
    ["a trailing space", "twilio.authToken", `${"0".repeat(32)} `, "VALUE_WHITESPACE"],
    ["quotes", "twilio.authToken", `"${"0".repeat(32)}"`, "VALUE_WHITESPACE"],
    ["two newlines", "twilio.authToken", `${"0".repeat(32)}\n\n`, "VALUE_WHITESPACE"],
    ["another kind's form", "twilio.authToken", "hello", "VALUE_FORMAT"],
    ["nothing", "twilio.authToken", "", "VALUE_FORMAT"],
    ["a live key in dev", "stripe.secretKey", `sk_live_${"a1B2".repeat(8)}`, "VALUE_MODE"],
  ])("refuses %s", (_name, path, value, code) => {
    const dir = project();
    const before = readdirSync(join(dir, "stacks/dev")).map((f) => readFileSync(join(dir, "stacks/dev", f), "utf8"));
    const r = as("super-admin-1", dir, ["secret", "set", path, "--env", "dev", "--reason", "initial", "--json"], value);
    expect(r.codes).toEqual([code]);
    expect(r.status).toBe(1);
    if (value.trim()) expect(r.stdout + r.stderr).not.toContain(value.trim());
    expect(readdirSync(join(dir, "stacks/dev")).map((f) => readFileSync(join(dir, "stacks/dev", f), "utf8"))).toEqual(before);
  });
  it("refuses the same value again, and another environment's", () => {
    const dir = project();
    const value = token();
    expect(as("super-admin-1", dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], value).status).toBe(0);
    const before = readFileSync(join(dir, DEV), "utf8");
    expect(as("super-admin-1", dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled", "--json"], value).codes).toEqual(["VALUE_UNCHANGED"]);
    expect(as("super-admin-1", dir, ["secret", "set", "twilio.authToken", "--env", "prod", "--reason", "scheduled", "--json"], value).codes).toEqual(["VALUE_SHARED"]);
    expect(readFileSync(join(dir, DEV), "utf8")).toBe(before);
  });
  it("refuses a weak password where a person chooses it", () => {
    const dir = project();
    const file = join(dir, "stacks/dev/environment.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace(/provider: mailtrap/, "provider: generic"));
    const set = (value: string): string[] => as("super-admin-1", dir, ["secret", "set", "smtp.password", "--env", "dev", "--reason", "initial", "--json"], value).codes;
    expect(set("Password1234!")).toContain("VALUE_WEAK");
    expect(set("short1!")).toContain("VALUE_WEAK");
    expect(set(`mantle-${token().slice(0, 8)}-orbit-quilt`)).not.toContain("VALUE_WEAK");
  });
  it("refuses who may not: an engineer's payments, staging, an unknown key, no key", () => {
    const dir = project();
    const set = (who: string | null, path: string, env: string): string[] => as(who, dir, ["secret", "set", path, "--env", env, "--reason", "initial", "--json"], token()).codes;
    expect(set("admin-1", "stripe.secretKey", "dev")).toEqual(["SEAL_WRITER_NOT_ALLOWED"]);
    expect(set("engineer-1", "twilio.authToken", "staging")).toEqual(["SEAL_WRITER_NOT_ALLOWED"]);
    expect(set("deployer-dev", "twilio.authToken", "dev")).toEqual(["SIGNING_KEY"]);
    expect(set(null, "twilio.authToken", "dev")).toEqual(["SIGNING_KEY"]);
  });
  it("signs with a key that only ssh-keygen can use: one in an agent, an RSA one", () => {
    const dir = project();
    const key = join(dir, "keys/rsa");
    execFileSync("ssh-keygen", ["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", key]);
    const people = join(dir, "stacks/people.yaml");
    const pub = readFileSync(`${key}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ");
    writeFileSync(people, readFileSync(people, "utf8").replace(/(engineer-1:[\s\S]*?signing: \[)/, `$1"${pub}", `));
    const env = { SOPS_AGE_KEY_FILE: join(dir, "keys/engineer-1.age"), STACKSEAL_SIGNING_KEY: key };
    expect(as(null, dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], token(), env).status).toBe(0);
    expect(as(null, dir, ["check", "--json"]).codes.filter((c) => c.startsWith("SEAL"))).toEqual([]);
  });
});

describe("secret generate, sign and reseal", () => {
  it("mints what is ours to mint and nothing else", () => {
    const dir = project();
    expect(as("engineer-1", dir, ["secret", "generate", "outbound-webhooks.crm-sync.signingSecret", "--env", "dev", "--reason", "scheduled"]).status).toBe(0);
    expect(as("engineer-1", dir, ["secret", "get", "outbound-webhooks.crm-sync.signingSecret", "--env", "dev"]).stdout).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(as("engineer-1", dir, ["secret", "generate", "twilio.authToken", "--env", "dev", "--json"]).codes).toEqual(["NOT_GENERATED"]);
    expect(as(null, dir, ["check", "--json"]).codes).toEqual([]);
  });
  it("seals anew under a fresh key: every leaf and enc changes, issue ids and fingerprints stay", () => {
    const dir = project();
    const before = parseClear(readFileSync(join(dir, DEV), "utf8"), DEV).sealed!;
    expect(as("admin-1", dir, ["secret", "reseal", "--env", "dev", "--json"]).codes).toEqual(["SEAL_WRITER_NOT_ALLOWED"]);
    const after = parseClear(readFileSync(join(dir, DEV), "utf8"), DEV).sealed!;
    expect(after.credentials.map((c) => [c.path, c.claims!.issueId, c.claims!.fingerprint])).toEqual(before.credentials.map((c) => [c.path, c.claims!.issueId, c.claims!.fingerprint]));
    expect(after.credentials.every((c, i) => c.leaf !== before.credentials[i]!.leaf && c.claims!.sealedBy === "admin-1")).toBe(true);
    expect(as(null, dir, ["check", "--json"]).codes).toEqual([]);
  });
  it("doesn't give a new signature to a value that nobody may have written", () => {
    const dir = project();
    const file = join(dir, DEV);
    writeFileSync(file, readFileSync(file, "utf8").replace(/signature: U1NI\S+/, (s) => `${s.slice(0, -8)}AAAAAAAA`));
    expect(as("admin-1", dir, ["secret", "reseal", "--env", "dev", "--json"]).codes).toContain("SEAL_MAC_MISMATCH");
  });
  it.skipIf(!sops)("adopts what the sops CLI wrote, with a reason", () => {
    const dir = project();
    const value = token();
    execFileSync("sops", ["set", join(dir, DEV), '["twilio"]["authToken"]["value"]', JSON.stringify(value)], { env: { ...process.env, SOPS_AGE_KEY: keys["engineer-1"]!.identity } });
    expect(as(null, dir, ["check", "--json"]).codes).toEqual(["SEAL_SIGNATURE_INVALID"]);
    expect(as("engineer-1", dir, ["secret", "sign", "--env", "dev", "--json"]).codes).toEqual(["SEAL_UNSIGNED"]);
    const signed = as("engineer-1", dir, ["secret", "sign", "--env", "dev", "--reason", "scheduled", "--json"]);
    expect(JSON.parse(signed.stdout)).toMatchObject({ ok: true, signed: [{ path: "twilio.authToken", change: "value" }] });
    expect(as(null, dir, ["check", "--json"]).codes).toEqual([]);
  });
  it.skipIf(!sops)("leaves comments that sops edit made where they are, also through a fresh key", async () => {
    const dir = project();
    const editor = join(dir, "editor.sh");
    writeFileSync(editor, "#!/bin/sh\nsed -i 's/^twilio:/# who owns the account: platform\\ntwilio:/; s/^\\( *\\)authToken:/\\1# rotated by hand\\n\\1authToken:/' \"$1\"\n", { mode: 0o755 });
    execFileSync("sops", ["edit", join(dir, DEV)], { env: { ...process.env, EDITOR: editor, SOPS_AGE_KEY: keys["engineer-1"]!.identity } });
    const withComments = readFileSync(join(dir, DEV), "utf8");
    expect(withComments.match(/#ENC\[/g)).toHaveLength(2);
    expect(as("engineer-1", dir, ["secret", "set", "vapi.token", "--env", "dev", "--reason", "scheduled"], expand("{uuid}")).codes).toEqual([]);
    expect(readFileSync(join(dir, DEV), "utf8").match(/#ENC\[/g)).toHaveLength(2);
    expect(as("engineer-1", dir, ["secret", "reseal", "--env", "dev"]).status).toBe(0);
    const plain = execFileSync("sops", ["decrypt", join(dir, DEV)], { encoding: "utf8", env: { ...process.env, SOPS_AGE_KEY: keys["engineer-1"]!.identity } });
    expect(plain).toContain("# who owns the account: platform\ntwilio:");
    expect(plain).toContain("# rotated by hand\n");
    expect((await openSealed(parseClear(readFileSync(join(dir, DEV), "utf8"), DEV).sealed!, [keys["engineer-1"]!.identity])).values.size).toBeGreaterThan(5);
  });
});

it("get wants --reveal on a terminal and never a report", () => {
  const dir = project();
  expect(as("engineer-1", dir, ["secret", "get", "twilio.authToken", "--env", "dev", "--json"]).codes).toEqual(["USAGE_JSON"]);
  expect(as("auditor-1", dir, ["secret", "get", "twilio.authToken", "--env", "dev"]).codes).toContain("SEAL_NOT_RECIPIENT");
});
it("list needs no key and is quick", () => {
  const dir = project();
  const start = performance.now();
  const r = as(null, dir, ["secret", "list", "--env", "dev", "--json"]);
  expect(performance.now() - start).toBeLessThan(2000);
  const twilio = (JSON.parse(r.stdout) as { credentials: { path: string }[] }).credentials.find((c) => c.path === "twilio.authToken");
  expect(twilio).toMatchObject({ kind: "twilio.authToken", class: "standard", issuedAt: "2026-11-24", recipients: expect.arrayContaining(["engineer-1", "deployer-dev"]) });
});
it("takes over a dead writer's lock and respects a living one's", () => {
  const dir = project();
  writeFileSync(join(dir, `${DEV}.lock`), String(process.pid));
  expect(as("engineer-1", dir, ["secret", "generate", "outbound-webhooks.crm-sync.signingSecret", "--env", "dev", "--json"]).codes).toEqual(["SEAL_LOCKED"]);
  writeFileSync(join(dir, `${DEV}.lock`), "999999999");
  expect(as("engineer-1", dir, ["secret", "generate", "outbound-webhooks.crm-sync.signingSecret", "--env", "dev", "--json"]).codes).toEqual([]);
  expect(existsSync(join(dir, `${DEV}.lock`))).toBe(false);
  rmSync(dir, { recursive: true, force: true });
});
