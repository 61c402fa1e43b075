import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { expand } from "../schemas/template.ts";
import { parseIdentities, recipientOf } from "../seal/age.ts";

// What goes otherwise than planned in the first hour: no git, two at once, a killed run, Ctrl-C, odd .env files, a config file with slips.

const cli = resolve(import.meta.dirname, "../dist/cli.js");
interface Place { readonly dir: string; readonly env: Record<string, string> }
function place(): Place {
  const top = mkdtempSync(join(tmpdir(), "init-odd-"));
  for (const d of ["acme", "home"]) mkdirSync(join(top, d));
  return { dir: join(top, "acme"), env: { PATH: process.env["PATH"] ?? "", HOME: join(top, "home"), GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" } };
}
interface Document { readonly ok: boolean; readonly findings: { code: string; message: string; hint?: string; path?: string; severity: string; at?: { line: number; column: number } }[]; readonly files: { file: string; did: string }[]; readonly exports: Record<string, string>; readonly declared: Record<string, string[]> }
const run = (p: Place, args: readonly string[], extra: Record<string, string> = {}): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [cli, ...args], { cwd: p.dir, encoding: "utf8", env: { ...p.env, ...extra } });
const document = (p: Place, ...args: string[]): Document => JSON.parse(run(p, [...args, "--json"]).stdout) as Document;
const identity = (p: Place): string => join(p.env["HOME"] ?? "", ".config/stackseal/acme/super-admin-1.age");
const text = (p: Place, file: string): string => readFileSync(join(p.dir, file), "utf8");

describe("init", { timeout: 120_000 }, () => {
  it("says that git isn't there, and begins nothing without it", () => {
    const p = place();
    const bin = join(p.dir, "../bin");
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, "node"));
    for (const command of [["init", "--yes"], ["check"]]) {
      const r = run(p, [...command, "--json"], { PATH: bin });
      expect([r.status, (JSON.parse(r.stdout) as Document).findings[0]?.code]).toEqual([2, "GIT_ABSENT"]);
    }
    expect(readdirSync(p.dir)).toEqual([]);
  });
  it("of two at once makes one, whose people hold the keys that are there", async () => {
    const p = place();
    const one = (): Promise<number | null> => new Promise((done) => { spawn(process.execPath, [cli, "init", "--yes"], { cwd: p.dir, env: p.env, stdio: "ignore" }).on("close", done); });
    const codes = await Promise.all([one(), one(), one()]);
    expect(codes).toContain(0);
    expect(codes.filter((c) => c !== 0 && c !== 2)).toEqual([]);
    const [key] = parseIdentities(readFileSync(identity(p), "utf8")) ?? [];
    expect(text(p, "stacks/people.yaml")).toContain(await recipientOf(key ?? ""));
    expect(run(p, ["check"]).status).toBe(0);
  });
  it("clears what a killed run left half-written, and says its keys again", () => {
    const p = place();
    document(p, "init", "--yes");
    const left = join(p.dir, "stacks/.0123456789ab.999999999.tmp");
    writeFileSync(left, "half");
    expect(document(p, "init", "--yes").exports).toEqual({ SOPS_AGE_KEY_FILE: identity(p), STACKSEAL_SIGNING_KEY: identity(p).replace(/age$/, "ssh") });
    expect(existsSync(left)).toBe(false);
  });
  it("gives two projects of one name no keys in common", () => {
    const p = place(), other: Place = { ...p, dir: join(p.dir, "../elsewhere/acme") };
    mkdirSync(other.dir, { recursive: true });
    document(p, "init", "--yes");
    const refused = document(other, "init", "--yes");
    expect(refused.findings[0]).toMatchObject({ code: "INIT_OPTION", message: expect.stringContaining("another project"), hint: "stackseal init --project acme-2" });
    expect(readdirSync(other.dir)).toEqual([]);
    expect(run(other, ["init", "--yes", "--project", "acme-2"]).status).toBe(0);
    expect(text(other, "stacks/people.yaml").match(/age1\w+/g)?.filter((r) => text(p, "stacks/people.yaml").includes(r))).toEqual([]);
    // The same folder again, its people lost: the keys are its own.
    rmSync(join(p.dir, "stacks"), { recursive: true });
    expect(run(p, ["init", "--yes"]).status).toBe(0);
  });
  it.skipIf(spawnSync("tmux", ["-V"]).status !== 0)("takes Ctrl-C and Ctrl-D at its question for what they are", () => {
    const p = place(), socket = `init-${process.pid}`;
    const tmux = (...args: string[]): string => spawnSync("tmux", ["-L", socket, ...args], { encoding: "utf8" }).stdout;
    const shown = (wanted: RegExp): string => {
      let seen = "";
      for (const until = Date.now() + 50_000; Date.now() < until && !wanted.test(seen); spawnSync("sleep", ["0.1"])) seen = tmux("capture-pane", "-p", "-t", "q");
      return seen;
    };
    for (const key of ["C-c", "C-d"]) {
      tmux("new-session", "-d", "-x", "60", "-y", "40", "-s", "q", `cd '${p.dir}' && HOME='${p.env["HOME"] ?? ""}' '${process.execPath}' '${cli}' init; echo ended=$?; sleep 60`);
      try {
        expect(shown(/\[Y\/n\]/)).toContain("[Y/n]");
        tmux("send-keys", "-t", "q", key);
        const said = shown(/ended=\d/);
        expect(said, key).toContain("ended=130");
        expect(said, key).not.toContain("INTERNAL");
      } finally {
        tmux("kill-session", "-t", "q");
      }
    }
    expect(readdirSync(p.dir)).toEqual([]);
  });
  it("says of a signing key with a passphrase what to do where nobody can be asked", () => {
    const p = place(), key = join(p.env["HOME"] ?? "", "key");
    expect(spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "a pass phrase", "-f", key]).status).toBe(0);
    // A session of its own: no terminal that ssh-keygen could ask on.
    const r = spawnSync("setsid", ["-w", process.execPath, cli, "init", "--yes", "--signing-key", key, "--json"], { cwd: p.dir, encoding: "utf8", env: p.env, input: "" });
    expect([r.status, (JSON.parse(r.stdout) as Document).findings[0]]).toMatchObject([2, { code: "SIGNING_KEY", message: expect.stringContaining("has a passphrase"), hint: expect.stringContaining("ssh-add") }]);
    expect(existsSync(join(p.dir, "stacks/people.yaml"))).toBe(false);
    expect(run(p, ["init", "--yes"]).status).toBe(0);
  });
  it("says what was meant in a config file and in flags, where it stands", () => {
    const p = place();
    const said = (yaml: string, ...flags: string[]): unknown[] => {
      writeFileSync(join(p.dir, "init.yaml"), yaml);
      const f = document(p, "init", "--dry-run", "--config", "init.yaml", ...flags).findings.find((x) => x.severity === "error");
      return [f?.code, f?.at?.line, f?.at?.column, f?.hint];
    };
    expect(said("project: acme\ndomains: acme.example\n")).toEqual(["KEY_UNKNOWN", 2, 1, 'did you mean "domain"?']);
    expect(said("accounts: { dve: \"111111111111\" }\n")).toEqual(["KEY_UNKNOWN", 1, 13, 'did you mean "dev"?']);
    expect(said("nonsense: 1\n")).toEqual(["KEY_UNKNOWN", 1, 1, expect.stringContaining("known here: project, person, domain")]);
    expect(said("environments: { qa: { tier: staging, url: https://qa.acme.example, store: { kind: aws, acountId: \"111111111111\", accountId: \"111111111111\", region: eu-west-1 } } }\n")).toEqual(["KEY_UNKNOWN", 1, 88, 'did you mean "accountId"?']);
    expect(said("domain: acme.example\nenvironments: {}\n")[0]).toBe("INIT_OPTION");
    for (const flags of [["--domain", "a b"], ["--person", "Ä\n  x"], ["--email", "nobody"], ["--project", "../x"]]) expect(said("{}\n", ...flags)[0], flags.join(" ")).toBe("INIT_OPTION");
    writeFileSync(join(p.dir, "init.yaml"), "domain: acme.example\naccounts: { dev: \"111111111111\" }\nemail: ops@acme.example\n");
    expect(run(p, ["init", "--yes", "--config", "init.yaml"]).status).toBe(0);
    expect(text(p, "stacks/dev/environment.yaml")).toMatch(/url: https:\/\/dev\.acme\.example[\s\S]*accountId: "111111111111"[\s\S]*ops@acme\.example/);
  });
  it("declares and seals what a .env holds in an environment that is there already, and says the next command that fits", () => {
    const p = place();
    expect(run(p, ["init", "--yes"]).stdout).not.toContain("secret set");
    const token = expand("{hex:32}");
    writeFileSync(join(p.dir, ".env"), [`\ufeffexport TWILIO_ACCOUNT_SID=AC${expand("{hex:32}")}\r`, "TWILIO_FROM='+15005550006' # ours\r", `TWILIO_AUTH_TOKEN="${token}"`, "APP_NAME=Acme Ltd", "MAIL_HOST=smtp.mailgun.org", "MAIL_PORT=587", "MAIL_USERNAME=u@acme.example", "MAIL_PASSWORD=null", "MAIL_FROM_ADDRESS=no-reply@dev.acme.example", 'MAIL_FROM_NAME="${APP_NAME}"', "VAPI_TOKEN=${NOWHERE}"].join("\n"));
    const before = text(p, "stacks/dev/environment.yaml");
    const dry = run(p, ["init", "--import", ".env:dev", "--dry-run"]);
    expect(dry.stdout).toMatch(/Declared from what exists:\n {2}dev: twilio, smtp\n[\s\S]*TWILIO_AUTH_TOKEN +→ twilio\.authToken\n$/);
    expect(text(p, "stacks/dev/environment.yaml")).toBe(before);
    const done = run(p, ["init", "--import", ".env:dev", "--yes"]);
    expect(done.stdout).toMatch(/~ stacks\/dev\/environment\.yaml +twilio, smtp declared in it[\s\S]*Sealed 1 credentials of dev[\s\S]*npx stackseal secret set smtp\.password --env dev --reason initial/);
    expect(text(p, "stacks/dev/environment.yaml")).toContain("name: Acme Ltd\n");
    expect(done.stderr).toMatch(/IMPORT_EMPTY MAIL_PASSWORD[\s\S]*IMPORT_INTERPOLATED VAPI_TOKEN refers to a variable that this file doesn't hold/);
    expect(done.stdout + done.stderr).not.toContain(token);
    expect(run(p, ["secret", "get", "twilio.authToken", "--env", "dev"], { SOPS_AGE_KEY_FILE: identity(p) }).stdout.trim()).toBe(token);
    expect(document(p, "init", "--import", ".env:dev", "--dry-run").declared["dev"]).toEqual([]);
  });
  it("prints hints that can be copied as they stand", () => {
    const p = place();
    run(p, ["init", "--yes"]);
    const called = (extra: Record<string, string>): string => run(p, ["check"], extra).stderr;
    expect(called({})).toContain("→ stackseal attest ");
    expect(called({ npm_lifecycle_event: "npx", npm_lifecycle_script: "'stackseal' 'check'" })).toContain("→ npx stackseal attest ");
    expect(called({ npm_lifecycle_event: "stackseal", npm_package_name: "stackseal" })).toContain("→ npm run -s stackseal -- attest ");
  });
});
