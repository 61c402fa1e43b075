import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { expand } from "../schemas/template.ts";
import { parseClear } from "../seal/clear.ts";
import { openSealed } from "../seal/open.ts";
import { as, keys, makeBase, project, sops } from "./sealed-project.ts";

// Our files in the hands of the real sops: whatever it does to them, we read and verify the result.

beforeAll(makeBase);
const DEV = "stacks/dev/secrets.sops.yaml";
const token = (): string => expand("{hex:32}");
const lines = (a: string, b: string): string[] => {
  const [x, y] = [a.split("\n"), b.split("\n")];
  expect(y.length).toBe(x.length);
  return y.flatMap((l, i) => (l === x[i] ? [] : [l.trim().split(":")[0]!])).sort();
};
function run(dir: string, args: readonly string[], extra: NodeJS.ProcessEnv = {}): string {
  return execFileSync("sops", args, { cwd: dir, encoding: "utf8", stdio: "pipe", env: { PATH: process.env["PATH"], HOME: dir, SOPS_AGE_KEY: keys["super-admin-1"]!.identity, ...extra } });
}
const text = (dir: string, file = DEV): string => readFileSync(join(dir, file), "utf8");
const values = async (dir: string, file = DEV): Promise<ReadonlyMap<string, string>> => (await openSealed(parseClear(text(dir, file), file).sealed!, [keys["super-admin-1"]!.identity])).values;

describe.skipIf(!sops)("every file that we write, in the hands of sops", () => {
  const files = ["stacks/dev/secrets.sops.yaml", "stacks/dev/payments.sops.yaml", "stacks/prod/secrets.sops.yaml", "stacks/prod/payments.sops.yaml", "stacks/pepper.sops.yaml", "stacks/pepper-development.sops.yaml"];
  it("decrypts to the same values", async () => {
    const dir = project();
    for (const f of files) {
      const plain = JSON.parse(run(dir, ["decrypt", "--output-type", "json", f])) as Record<string, unknown>;
      for (const [path, value] of await values(dir, f)) {
        const at = path.split(".").reduce<unknown>((n, k) => (n as Record<string, unknown>)[k], plain);
        expect(typeof at === "string" ? at : (at as { value: string }).value).toBe(value);
      }
    }
  });
  it("set: one leaf, the mac and the date", async () => {
    const dir = project();
    const before = text(dir);
    const value = token();
    run(dir, ["set", DEV, '["twilio"]["authToken"]["value"]', JSON.stringify(value)]);
    expect(lines(before, text(dir))).toEqual(["lastmodified", "mac", "value"]);
    expect((await values(dir)).get("twilio.authToken")).toBe(value);
  });
  it("edit: by a scripted editor; the same text saved again changes nothing", async () => {
    const dir = project();
    const editor = join(dir, "editor.sh");
    const value = token();
    const before = text(dir);
    writeFileSync(editor, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    expect(spawnSync("sops", ["edit", DEV], { cwd: dir, env: { PATH: process.env["PATH"], HOME: dir, EDITOR: editor, SOPS_AGE_KEY: keys["super-admin-1"]!.identity } }).status).toBe(200); // unchanged
    expect(text(dir)).toBe(before);
    writeFileSync(editor, `#!/bin/sh\nsed -i '/^twilio:/,/value:/ s/value: .*/value: ${value}/' "$1"\n`, { mode: 0o755 });
    run(dir, ["edit", DEV], { EDITOR: editor });
    expect(lines(before, text(dir))).toEqual(["lastmodified", "mac", "value"]);
    expect((await values(dir)).get("twilio.authToken")).toBe(value);
    expect(as(null, dir, ["check", "--json"]).codes).toEqual(["SEAL_SIGNATURE_INVALID"]);
  });
  it("updatekeys: to those of .sops.yaml, the data key stays; check is content again", async () => {
    const dir = project();
    const config = join(dir, ".sops.yaml");
    const whole = readFileSync(config, "utf8");
    const before = await values(dir);
    writeFileSync(config, whole.replace(/(path_regex: \^stacks\/dev\/\S*secrets\S*\n[\s\S]*?age: )(\S+)/, (_all, head: string, list: string) => head + list.split(",").slice(0, 1).join(",")));
    expect(readFileSync(config, "utf8")).not.toBe(whole);
    run(dir, ["updatekeys", "-y", DEV]);
    expect(as(null, dir, ["check", "--json"]).codes).toContain("SEAL_RECIPIENTS_STALE");
    writeFileSync(config, whole);
    run(dir, ["updatekeys", "-y", DEV]);
    expect(await values(dir)).toEqual(before);
    expect(as(null, dir, ["check", "--json"]).codes).toEqual([]);
  });
  it("rotate: every leaf is new, nothing else; secret sign adopts it", async () => {
    const dir = project();
    const before = await values(dir);
    const old = text(dir);
    run(dir, ["rotate", "-i", DEV]);
    expect(await values(dir)).toEqual(before);
    expect([...new Set(lines(old, text(dir)).filter((l) => /^[a-z]{3,12}$/.test(l)))]).toEqual(["lastmodified", "mac", "value"]);
    expect(new Set(as(null, dir, ["check", "--env", "dev", "--json"]).codes)).toEqual(new Set(["SEAL_SIGNATURE_INVALID"]));
    const signed = as("super-admin-1", dir, ["secret", "sign", "--env", "dev", "--json"]);
    expect((JSON.parse(signed.stdout) as { signed: { change: string }[] }).signed.every((s) => s.change === "signature")).toBe(true);
    expect(as(null, dir, ["check", "--json"]).codes).toEqual([]);
  });
  it("our own change of one value is as small, and sops reads it", () => {
    const dir = project();
    const before = text(dir);
    const value = token();
    expect(as("engineer-1", dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], value).status).toBe(0);
    const changed = lines(before, text(dir));
    for (const l of ["value", "mac", "lastmodified"]) expect(changed.filter((c) => c === l).length).toBeLessThanOrEqual(1);
    expect(changed.filter((c) => !["value", "mac", "lastmodified"].includes(c)).every((c) => ["issueId", "fingerprint", "reason", "sealedBy", "maxAgeDays", "signature"].includes(c))).toBe(true);
    expect(run(dir, ["decrypt", "--extract", '["twilio"]["authToken"]["value"]', DEV])).toBe(value);
    expect(as("engineer-1", dir, ["secret", "sign", "--env", "dev"]).stdout).toContain("nothing to sign");
    const settled = text(dir);
    expect(as("engineer-1", dir, ["secret", "sign", "twilio.authToken", "--env", "dev"]).status).toBe(0);
    expect(text(dir)).toBe(settled);
  });
});

const gpg = spawnSync("gpg", ["--version"]).status === 0;
describe.skipIf(!sops || !gpg)("a PGP key next to age", () => {
  it("is read through age and kept by a change; a fresh data key is refused by name", async () => {
    const dir = project();
    const home = { GNUPGHOME: join(dir, "gnupg") };
    execFileSync("sh", ["-c", 'mkdir -m 700 "$GNUPGHOME" && gpg --batch --quiet --pinentry-mode loopback --passphrase "" --quick-generate-key "Tester <tester@example.com>" rsa2048 encr never'], { env: { ...process.env, ...home }, stdio: "pipe" });
    const print = /fpr:+([0-9A-F]{40})/.exec(execFileSync("gpg", ["--list-keys", "--with-colons"], { env: { ...process.env, ...home }, encoding: "utf8" }))![1]!;
    run(dir, ["rotate", "-i", "--add-pgp", print, DEV], home);
    execFileSync("gpgconf", ["--kill", "all"], { env: { ...process.env, ...home } });
    expect(as("super-admin-1", dir, ["secret", "sign", "--env", "dev"]).status).toBe(0);
    const block = (t: string): string => /^ {4}pgp:\n(?: {8}.*\n)+/m.exec(t)![0];
    const before = text(dir);
    const value = token();
    expect(as("engineer-1", dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], value).stderr).toBe("");
    expect(block(text(dir))).toBe(block(before));
    expect((await values(dir)).get("twilio.authToken")).toBe(value);
    expect(run(dir, ["decrypt", "--extract", '["twilio"]["authToken"]["value"]', DEV])).toBe(value);
    const check = as(null, dir, ["check", "--json"]);
    expect(check.codes).toEqual(["SEAL_RECIPIENTS_STALE"]);
    expect(check.stdout).toContain(print);
    const settled = text(dir);
    const refused = as("super-admin-1", dir, ["secret", "reseal", "--env", "dev", "--json"]);
    expect(refused.codes).toContain("SEAL_FRESH_KEY");
    expect(refused.stdout).toContain(print);
    expect(text(dir)).toBe(settled);
    expect(as("super-admin-1", dir, ["secret", "verify", DEV]).stdout).toContain(`pgp ${print}`);
  });
});
