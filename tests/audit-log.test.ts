import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { OUTPUTS } from "../schemas/outputs.ts";

const repo = resolve(import.meta.dirname, "..");
const cli = join(repo, "dist/cli.js");
const home = mkdtempSync(join(tmpdir(), "home-"));
const env = { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1", GIT_CONFIG_NOSYSTEM: "1", GIT_AUTHOR_NAME: "engineer", GIT_AUTHOR_EMAIL: "engineer@acme.example", GIT_COMMITTER_NAME: "engineer", GIT_COMMITTER_EMAIL: "engineer@acme.example" };
const git = (dir: string, ...args: string[]): string => execFileSync("git", args, { cwd: dir, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
/** As git, by another person. */
const merger = (dir: string, ...args: string[]): string => execFileSync("git", args, { cwd: dir, env: { ...env, GIT_AUTHOR_NAME: "merger", GIT_AUTHOR_EMAIL: "merger@acme.example", GIT_COMMITTER_NAME: "merger", GIT_COMMITTER_EMAIL: "merger@acme.example" }, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
interface Change { commit: string; kind: string; environment: string | null; path: string; change: string; who: string; sealedBy: string | null; issueId: string | null; policy: string | null; deployment: { stack: string | null; update: number | null; by: string | null; storeVersion: string | null } | null; signature: { state: string; by: string | null }; review: { merge: string | null; mergedBy: string | null; claimed: string[]; codeOwners: string } }
const log = (dir: string, ...args: string[]): { changes: Change[]; findings: { code: string }[]; ok: boolean } => {
  const r = spawnSync(process.execPath, [cli, "-C", dir, "audit", "log", "--json", ...args], { env, encoding: "utf8", maxBuffer: 64 << 20 });
  expect(r.stderr).toBe("");
  expect(OUTPUTS["audit-log"]!.safeParse(JSON.parse(r.stdout)).error?.issues ?? []).toEqual([]);
  return JSON.parse(r.stdout) as { changes: Change[]; findings: { code: string }[]; ok: boolean };
};
const short = (cs: readonly Change[]): string[] => cs.map((c) => `${c.environment ?? "-"} ${c.kind} ${c.path}: ${c.change}`);
const edit = (dir: string, file: string, from: string | RegExp, to: string): void => {
  const text = readFileSync(join(dir, file), "utf8");
  expect(text.replace(from, to)).not.toBe(text);
  writeFileSync(join(dir, file), text.replace(from, to));
};

describe("audit log", () => {
  let dir = "";
  let adminKey = "";
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "audit-"));
    git(dir, "init", "-q", "-b", "main");
    cpSync(join(repo, "stacks"), join(dir, "stacks"), { recursive: true, filter: (p) => !p.endsWith(".ts") });
    adminKey = join(home, "admin");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", adminKey]);
    const line = readFileSync(`${adminKey}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ");
    edit(dir, "stacks/people.yaml", /signing: \["[^"]+"\]/, `signing: ["${line}"]`);
    git(dir, "add", "-A");
    git(dir, "commit", "-qm", "Begin");
    // What a writer's tools would write: another issue of one value; another signature alone of the next.
    git(dir, "switch", "-qc", "rotate");
    edit(dir, "stacks/dev/secrets.sops.yaml", /(twilio:\n {4}authToken:\n {8}value: ENC\[AES256_GCM,data:)[^,]+(,[\s\S]*?issueId: )\S+/, "$1AAAA$201ZZZZZZZZZZZZZZZZZZZZZZZZ");
    edit(dir, "stacks/dev/secrets.sops.yaml", /(vapi:\n {4}token:\n {8}value: ENC\[AES256_GCM,data:)[^,]+([\s\S]*?signature: )\S+/, "$1BBBB$2CCCC");
    git(dir, "commit", "-qam", "Rotate the Twilio token\n\nReviewed-by: admin-1 <admin-1@acme.example>");
    edit(dir, "stacks/dev/environment.yaml", "plan: agency", "plan: pro");
    edit(dir, "stacks/dev/environment.yaml", "email: [platform-team@acme.example]", "email: [platform-team@acme.example, oncall@acme.example]");
    git(dir, "commit", "-qam", "Another plan");
    git(dir, "switch", "-q", "main");
    edit(dir, "stacks/prod/payments.yaml", /path: [^,\n]+/, "path: /webhooks/other");
    git(dir, "commit", "-qam", "Move the endpoint");
    merger(dir, "-c", "gpg.format=ssh", "-c", `user.signingkey=${adminKey}`, "merge", "-q", "--no-ff", "-S", "-m", "Merge the rotation", "rotate");
    edit(dir, "stacks/people.yaml", "    auditor-1:\n", "    auditor-2:\n");
    git(dir, "commit", "-qam", "Another auditor");
    git(dir, "mv", "stacks/staging", "stacks/preprod");
    git(dir, "commit", "-qm", "Rename staging");
  });

  it("tells issues, re-seals, settings, alerts, people and renames apart, without a key", () => {
    const { changes, findings, ok } = log(dir);
    expect([findings, ok]).toEqual([[], true]);
    const of = (message: string): Change[] => { const id = git(dir, "log", "--format=%H", `--grep=^${message}`).trim(); return changes.filter((c) => c.commit === id); };
    expect(short(of("Rotate"))).toEqual(["dev credential twilio.authToken: re-issued", "dev credential vapi.token: re-sealed only"]);
    expect(of("Rotate")[0]?.issueId).toBe("01ZZZZZZZZZZZZZZZZZZZZZZZZ");
    expect(short(of("Another plan")).sort()).toEqual(["dev alert alerts.email: changed", "dev setting platform.plan: changed"]);
    expect(short(of("Move"))).toEqual(["prod setting stripe.webhooks.payments.path: changed"]);
    expect(short(of("Another auditor")).sort()).toEqual(["- person auditor-1: removed", "- person auditor-2: added"]);
    expect(short(of("Rename"))).toContain("preprod credential stacks/preprod/secrets.sops.yaml: moved from stacks/staging/secrets.sops.yaml");
    expect(of("Rename").every((c) => c.change.startsWith("moved from"))).toBe(true);
    expect(of("Merge")).toEqual([]);
    expect(of("Begin").filter((c) => c.kind === "credential").length).toBeGreaterThan(30);
  });
  it("says who brought a change in, what is only claimed, and whether the code owners' rule holds", () => {
    const { changes } = log(dir);
    const rotate = changes.find((c) => c.path === "twilio.authToken" && c.change === "re-issued")!;
    expect(rotate.review).toMatchObject({ merge: git(dir, "log", "--format=%H", "--grep=^Merge").trim(), mergedBy: "super-admin-1", claimed: ["admin-1 <admin-1@acme.example>"], codeOwners: "satisfied" });
    expect([rotate.who, rotate.sealedBy]).toEqual(["engineer <engineer@acme.example>", "super-admin-1"]);
    const direct = changes.find((c) => c.path === "stripe.webhooks.payments.path" && c.environment === "prod")!;
    expect([direct.review.merge, direct.review.codeOwners, direct.signature.state]).toEqual([null, "not satisfied", "none"]);
  });
  it("verifies commits' signatures against people.yaml: theirs, a stranger's, a broken one", () => {
    const copy = mkdtempSync(join(tmpdir(), "audit-"));
    cpSync(dir, copy, { recursive: true });
    const stranger = join(mkdtempSync(join(tmpdir(), "key-")), "k");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", stranger]);
    for (const [key, plan] of [[adminKey, "starter"], [stranger, "agency"]] as const) {
      edit(copy, "stacks/dev/environment.yaml", /plan: \w+/, `plan: ${plan}`);
      git(copy, "-c", "gpg.format=ssh", "-c", `user.signingkey=${key}`, "commit", "-q", "-a", "-S", "-m", plan);
    }
    // The same commit with another message keeps a signature that no longer fits.
    const raw = git(copy, "cat-file", "commit", "HEAD");
    edit(copy, "stacks/dev/environment.yaml", /plan: \w+/, "plan: pro");
    git(copy, "commit", "-qam", "x");
    const forged = execFileSync("git", ["hash-object", "-t", "commit", "-w", "--stdin"], { cwd: copy, env, input: raw.replace(/^tree .*$/m, `tree ${git(copy, "rev-parse", "HEAD^{tree}").trim()}`), encoding: "utf8" }).trim();
    git(copy, "reset", "-q", "--hard", forged);
    expect(log(copy).changes.slice(0, 2).map((c) => [c.signature.state, c.signature.by])).toEqual([["invalid", null], ["valid", "super-admin-1"]]);
    git(copy, "reset", "-q", "--hard", "HEAD@{2}");
    expect(log(copy).changes[0]?.signature).toMatchObject({ state: "unknown-key", by: expect.stringMatching(/^SHA256:/) as string });
  });
  it("believes no key that a branch named on its way and took back before its merge", () => {
    const copy = mkdtempSync(join(tmpdir(), "audit-")), key = join(home, "passer-by");
    cpSync(dir, copy, { recursive: true });
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    git(copy, "switch", "-qc", "detour");
    edit(copy, "stacks/people.yaml", /signing: \["/, `signing: ["${readFileSync(`${key}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ")}", "`);
    git(copy, "commit", "-qam", "For a moment");
    edit(copy, "stacks/dev/environment.yaml", /plan: \w+/, "plan: detour");
    git(copy, "-c", "gpg.format=ssh", "-c", `user.signingkey=${key}`, "commit", "-q", "-a", "-S", "-m", "A plan");
    git(copy, "checkout", "-q", "main", "--", "stacks/people.yaml");
    git(copy, "commit", "-qam", "As if nothing had been");
    git(copy, "switch", "-q", "main");
    git(copy, "merge", "-q", "--no-ff", "-m", "Merge the detour", "detour");
    expect(log(copy).changes.find((c) => c.path.endsWith("plan"))?.signature).toMatchObject({ state: "unknown-key", by: expect.stringMatching(/^SHA256:/) as string });
  });
  it("calls no change reviewed whose own author merged it, signed or by name", () => {
    const copy = mkdtempSync(join(tmpdir(), "audit-"));
    cpSync(dir, copy, { recursive: true });
    const verdict = (branch: string, author: string, merge: typeof git): string | undefined => {
      git(copy, "switch", "-qc", branch);
      edit(copy, "stacks/dev/environment.yaml", /plan: \w+/, `plan: ${branch}`);
      git(copy, "commit", "-qam", branch, "--author", author);
      git(copy, "switch", "-q", "main");
      merge(copy, "-c", "gpg.format=ssh", "-c", `user.signingkey=${adminKey}`, "merge", "-q", "--no-ff", "-S", "-m", `Merge ${branch}`, branch);
      return log(copy).changes.find((c) => c.path.endsWith("plan"))?.review.codeOwners;
    };
    expect(verdict("one", "somebody <somebody@acme.example>", merger)).toBe("satisfied");
    expect(verdict("two", "engineer <engineer@acme.example>", git)).toBe("not satisfied");
    expect(verdict("three", "super-admin-1 <elsewhere@acme.example>", merger)).toBe("not satisfied");
  });
  it("takes no commit's id from a file's name, no cache from a commit, no commit from a replace ref, and reads the farthest date", () => {
    const copy = mkdtempSync(join(tmpdir(), "audit-"));
    cpSync(dir, copy, { recursive: true });
    edit(copy, "stacks/dev/environment.yaml", /plan: \w+/, "plan: signed");
    git(copy, "-c", "gpg.format=ssh", "-c", `user.signingkey=${adminKey}`, "commit", "-q", "-a", "-S", "-m", "Signed");
    const signed = git(copy, "rev-parse", "HEAD").trim();
    writeFileSync(join(copy, "stacks/dev", `\u001e${signed}`), "x");
    edit(copy, "stacks/prod/payments.yaml", /path: [^,\n]+/, "path: /webhooks/hidden");
    git(copy, "add", "stacks");
    execFileSync("git", ["commit", "-qm", "Hidden"], { cwd: copy, env: { ...env, GIT_COMMITTER_DATE: "@99999999999999 +0000" } });
    const hidden = git(copy, "rev-parse", "HEAD").trim();
    const read = (): [string, string, string] | null => { const c = log(copy).changes.find((x) => x.path === "stripe.webhooks.payments.path"); return c ? [c.commit, c.signature.state, c.review.codeOwners] : null; };
    expect(read()).toEqual([hidden, "none", "not satisfied"]);
    // What the cache says is believed where this machine wrote it, and not where it came with the commits.
    const cache = join(copy, ".stackseal/cache/audit.log"), forged = readFileSync(cache, "utf8").replace(new RegExp(`^(${hidden} .*)"state":"none"`, "m"), '$1"state":"valid"');
    writeFileSync(cache, forged);
    expect(read()?.[1]).toBe("valid");
    git(copy, "add", "-f", ".stackseal/cache/audit.log");
    git(copy, "commit", "-qm", "A cache");
    expect(read()).toEqual([hidden, "none", "not satisfied"]);
    git(copy, "replace", hidden, signed);
    expect(read()).toEqual([hidden, "none", "not satisfied"]);
  });
  it("filters by environment, time, credential and person", () => {
    expect(new Set(log(dir, "--env", "prod").changes.map((c) => c.environment))).toEqual(new Set(["prod"]));
    expect(short(log(dir, "--credential", "twilio", "--from", "HEAD~4").changes)).toEqual(["dev credential twilio.authToken: re-issued"]);
    expect(log(dir, "--until", "2020-01-01").changes).toEqual([]);
    expect(short(log(dir, "--person", "auditor-2").changes)).toEqual(["- person auditor-2: added"]);
    expect(log(dir, "--person", "super-admin-1").changes.length).toBeGreaterThan(5);
    const bad = spawnSync(process.execPath, [cli, "-C", dir, "audit", "log", "--since", "yesterday"], { env, encoding: "utf8" });
    expect([bad.status, bad.stderr.includes("YYYY-MM-DD")]).toEqual([2, true]);
  });
  it("gives the same from its cache, without it, with a torn one, and from a rebased history", () => {
    const first = log(dir).changes;
    expect(log(dir).changes).toEqual(first);
    expect(log(dir, "--no-cache").changes).toEqual(first);
    const file = join(dir, ".stackseal/cache/audit.log");
    writeFileSync(file, readFileSync(file, "utf8").slice(0, -40));
    expect(log(dir).changes).toEqual(first);
    const copy = mkdtempSync(join(tmpdir(), "audit-"));
    cpSync(dir, copy, { recursive: true });
    git(copy, "-c", "sequence.editor=true", "rebase", "-q", "--force-rebase", "HEAD~2");
    expect(short(log(copy).changes)).toEqual(short(first));
  });
  it("says what a shallow clone lacks", () => {
    const clone = mkdtempSync(join(tmpdir(), "audit-"));
    git(tmpdir(), "clone", "-q", "--depth", "2", `file://${dir}`, clone);
    const { findings, changes } = log(clone);
    expect(findings.map((f) => f.code)).toEqual(["AUDIT_SHALLOW"]);
    expect(changes.length).toBeGreaterThan(0);
  });
  it("says what to do of a bare repository, and of a clone without contents whose origin is gone; its document is whole all the same", () => {
    const [bare, partial] = [mkdtempSync(join(tmpdir(), "audit-")), mkdtempSync(join(tmpdir(), "audit-"))];
    git(tmpdir(), "clone", "-q", "--bare", `file://${dir}`, bare);
    git(bare, "config", "uploadpack.allowFilter", "true");
    git(tmpdir(), "clone", "-q", "--filter=blob:none", `file://${bare}`, partial);
    const said = (at: string): unknown => { const { findings, ok } = log(at) as unknown as { findings: { code: string; hint: string }[]; ok: boolean }; return [ok, ...findings.map((f) => `${f.code}: ${f.hint}`)]; };
    expect(said(bare)).toEqual([false, "AUDIT_NO_GIT: git clone it, and go there with -C; or git worktree add DIR"]);
    rmSync(bare, { recursive: true });
    expect(said(partial)).toEqual([false, "GIT_FAILED: connect to the origin, or clone it whole: git clone without --filter"]);
  });
  it("names the update and the store version that carried a change, where told, and says unknown else", () => {
    const { changes } = log(dir);
    expect(changes.filter((c) => c.environment === null).every((c) => c.deployment === null)).toBe(true);
    expect(changes.find((c) => c.path === "twilio.authToken")!.deployment).toEqual({ stack: null, update: null, at: null, by: null, storeVersion: null });
    const told = mkdtempSync(join(tmpdir(), "told-"));
    const [state, updates] = [join(told, "state.json"), join(told, "updates.json")];
    const merge = git(dir, "log", "--format=%H", "--grep=^Merge").trim(), direct = git(dir, "log", "--format=%H", "--grep=^Move").trim();
    const urn = "urn:pulumi:dev::stackseal::stackseal:index:SealedVersion::twilio";
    writeFileSync(state, JSON.stringify({ version: 3, deployment: { resources: [{ urn, type: "stackseal:index:SealedVersion", inputs: { values: [{ key: "twilio.authToken", variable: "TWILIO_AUTH_TOKEN", issueId: "01ZZZZZZZZZZZZZZZZZZZZZZZZ" }] }, outputs: { versionId: "abcdef0123456789" } }] } }));
    const update = (version: number, commit: string | null, result = "succeeded", startTime = 1000 + version): object => ({ version, kind: "update", startTime, endTime: startTime, message: "", result, resourceChanges: {}, ...(commit && { commit }) });
    writeFileSync(updates, JSON.stringify({ command: "history", stacks: [
      { stack: "dev", updates: [update(4, git(dir, "rev-parse", "HEAD").trim()), update(3, merge), update(2, merge, "failed"), update(1, direct)] },
      { stack: "prod-payments", updates: [update(7, null, "succeeded", Math.floor(Date.now() / 1000) + 3600), update(6, null, "succeeded", 1000)] },
    ] }));
    const said = log(dir, "--state", state, "--updates", updates).changes;
    const of = (path: string, env: string, change: string): Change["deployment"] => said.find((c) => c.path === path && c.environment === env && c.change === change)!.deployment;
    expect(of("twilio.authToken", "dev", "re-issued")).toMatchObject({ stack: "dev", update: 3, by: "commit", storeVersion: "abcdef0123456789" });
    expect(of("vapi.token", "dev", "added")).toMatchObject({ stack: "dev", update: 1, by: "commit", storeVersion: null });
    expect(of("stripe.webhooks.payments.path", "prod", "changed")).toMatchObject({ stack: "prod-payments", update: 7, by: "time" });
    expect(of("twilio.authToken", "prod", "added")).toMatchObject({ stack: null, update: null });
    const csv = spawnSync(process.execPath, [cli, "-C", dir, "audit", "log", "--format", "csv", "--state", state, "--updates", updates, "--credential", "twilio.authToken", "--env", "dev"], { env, encoding: "utf8" }).stdout;
    expect(csv.split("\r\n")[1]).toMatch(/,dev,3,abcdef0123456789$/);
    writeFileSync(updates, "{}");
    const bad = spawnSync(process.execPath, [cli, "-C", dir, "audit", "log", "--updates", updates], { env, encoding: "utf8" });
    expect([bad.status, bad.stderr.includes("BUNDLE_INPUT")]).toEqual([2, true]);
  });
  it("counts as code owner only who may change that environment", () => {
    const copy = mkdtempSync(join(tmpdir(), "audit-"));
    cpSync(dir, copy, { recursive: true });
    const key = join(mkdtempSync(join(tmpdir(), "key-")), "k");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    const line = readFileSync(`${key}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ");
    edit(copy, "stacks/people.yaml", /(engineer-1:[\s\S]*?signing: \[")[^"]+/, `$1${line}`);
    git(copy, "commit", "-qam", "Another key");
    git(copy, "switch", "-qc", "topic");
    for (const e of ["dev", "prod"]) edit(copy, `stacks/${e}/environment.yaml`, /plan: \w+/, "plan: starter");
    git(copy, "commit", "-qam", "Plans");
    git(copy, "switch", "-q", "main");
    merger(copy, "-c", "gpg.format=ssh", "-c", `user.signingkey=${key}`, "merge", "-q", "--no-ff", "-S", "-m", "By an engineer", "topic");
    const plans = log(copy).changes.filter((c) => c.change === "changed" && c.path === "platform.plan" && c.review.mergedBy === "engineer-1");
    expect(plans.map((c) => [c.environment, c.review.codeOwners]).sort()).toEqual([["dev", "satisfied"], ["prod", "not satisfied"]]);
  });
  it("shows the verdict that was recorded for a commit", () => {
    git(dir, "notes", "--ref", "stackseal", "add", "-m", "policies: held", "HEAD");
    expect(log(dir).changes[0]?.policy).toBe("policies: held");
    git(dir, "notes", "--ref", "stackseal", "remove", "HEAD");
  });
  it("prints CSV that a spreadsheet doesn't run, and no value anywhere", () => {
    const copy = mkdtempSync(join(tmpdir(), "audit-"));
    cpSync(dir, copy, { recursive: true });
    edit(copy, "stacks/dev/environment.yaml", /plan: \w+/, "plan: starter");
    execFileSync("git", ["commit", "-qam", "x"], { cwd: copy, env: { ...env, GIT_AUTHOR_NAME: '=HYPERLINK("x"),y' } });
    const r = spawnSync(process.execPath, [cli, "-C", copy, "audit", "log", "--format", "csv"], { env, encoding: "utf8", maxBuffer: 64 << 20 });
    const lines = r.stdout.split("\r\n");
    expect(lines[0]?.split(",").slice(0, 6)).toEqual(["commit", "at", "kind", "environment", "path", "change"]);
    expect(lines[1]).toContain(`"'=HYPERLINK(""x""),y <engineer@acme.example>"`);
    expect(r.stdout).not.toContain("ENC[");
  });
  it("needs a repository with a commit", () => {
    const empty = mkdtempSync(join(tmpdir(), "audit-"));
    const run = (): [number | null, boolean] => { const r = spawnSync(process.execPath, [cli, "-C", empty, "audit", "log"], { env, encoding: "utf8" }); return [r.status, r.stderr.includes("AUDIT_NO_GIT")]; };
    expect(run()).toEqual([2, true]);
    git(empty, "init", "-q");
    expect(run()).toEqual([2, true]);
    rmSync(empty, { recursive: true });
  });
});
