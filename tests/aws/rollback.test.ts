import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../../providers/stores/index.ts";
import { versionWith } from "../../providers/stores/contract.ts";
import { startVault } from "../../sandbox/vault.ts";
import { parseClear } from "../../seal/clear.ts";
import type { Store as DeclaredStore } from "../../schemas/environment.ts";
import { findPeer, startMinistack } from "./emulator.ts";
import { ACCOUNT, cloudProject, type CloudProject } from "./project.ts";

interface Outside { readonly store: string; readonly declared: DeclaredStore; readonly env: Readonly<Record<string, string>>; readonly close: () => Promise<void> }
const file = (): Promise<Outside> => Promise.resolve({ store: "{ kind: file }", declared: { kind: "file" }, env: {}, close: () => Promise.resolve() });
const aws = async (): Promise<Outside> => {
  const m = await startMinistack(ACCOUNT);
  return { store: `{ kind: aws, accountId: "${ACCOUNT}", region: eu-west-1, endpoint: "${m.url}" }`, declared: { kind: "aws", accountId: ACCOUNT, region: "eu-west-1", endpoint: m.url } as DeclaredStore, env: {}, close: () => m.close() };
};
const vault = async (): Promise<Outside> => {
  const v = await startVault({ mount: "secret" });
  return { store: `{ kind: vault, address: "${v.url}", mount: secret }`, declared: { kind: "vault", address: v.url, mount: "secret" } as DeclaredStore, env: { VAULT_TOKEN: v.rootToken }, close: () => v.close() };
};
const GIT = { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_AUTHOR_NAME: "somebody", GIT_AUTHOR_EMAIL: "somebody@acme.example", GIT_COMMITTER_NAME: "somebody", GIT_COMMITTER_EMAIL: "somebody@acme.example" };
const SEALED = "stacks/dev/secrets.sops.yaml";
interface Said { readonly to: string; readonly branch: string | null; readonly steps: { readonly step: string; readonly state: string }[]; readonly issues: { readonly path: string }[]; readonly findings: { readonly code: string }[] }

describe.each([["files", file, false], ["AWS (ministack)", aws, findPeer("ministack") === undefined], ["Vault (the fake)", vault, false]] as const)("rollback on %s", (kind, outside, skip) => {
  let o: Outside;
  let p: CloudProject;
  let first = "";
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: p.root, encoding: "utf8", env: { PATH: process.env["PATH"], HOME: p.root, ...GIT } }).trim();
  const run = (args: readonly string[], more: Record<string, string> = {}) => p.run(args, { ...GIT, ...o.env, ...more });
  const rollback = async (...args: string[]): Promise<Said & { code: number; states: string }> => {
    const r = await run(["rollback", "--env", "dev", "--secret", "twilio", "--json", ...args]);
    const said = JSON.parse(r.out) as Said;
    return { ...said, code: r.code, states: (said.steps as Said["steps"] | undefined)?.map((s) => s.state).join(" ") ?? "" };
  };
  const inForce = async (): Promise<string> => versionWith(await openStore({ root: p.root, env: { ...p.env, ...o.env } }, "dev", o.declared).describe("stackseal/dev/twilio"), "current")!.id;
  const up = async (...more: string[]): Promise<void> => {
    const r = await run(["up", "--env", "dev", "--yes", ...more]);
    expect(r.err).not.toMatch(/ error | ISSUE_/);
    expect(r.code).toBe(0);
  };
  const issueOf = (text: string, path: string): string => parseClear(text, SEALED).sealed!.credentials.find((c) => c.path === path)!.claims!.issueId;

  beforeAll(async () => {
    if (skip) return;
    o = await outside();
    p = await cloudProject(o.store);
    writeFileSync(join(p.root, ".gitignore"), ".stackseal/\n*.lock\n");
    git("init", "-q", "-b", "main");
    git("add", "-A");
    git("commit", "-q", "-m", "First");
    await up();
    first = await inForce();
    // Files: one value under the same data key. Elsewhere: every value under another one.
    if (kind === "files") expect(spawnSync(process.execPath, [join(import.meta.dirname, "../../dist/cli.js"), "-C", p.root, "secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], { input: "0123456789abcdef".repeat(2), env: { ...p.env, ...GIT }, encoding: "utf8" }).stderr).not.toContain(" error ");
    else await p.reissue("standard");
    git("commit", "-q", "-a", "-m", "Second");
    await up();
    expect(await inForce()).not.toBe(first);
  }, 240_000);
  afterAll(async () => { if (!skip) await o.close(); });

  it.skipIf(skip)("says where it stands, is killed between its two steps, and is finished by running it again", async () => {
    const head = git("rev-parse", "HEAD");
    const second = await inForce();
    const dry = await rollback("--dry-run");
    expect([dry.code, dry.to, dry.states, dry.issues.map((i) => i.path)]).toEqual([0, first, "todo todo", ["twilio.authToken"]]);
    expect((await rollback()).findings.map((f) => f.code)).toEqual(["NOT_CONFIRMED"]);
    expect(await inForce()).toBe(second);

    // A git that kills whoever would make the branch.
    const bin = mkdtempSync(join(tmpdir(), "bin-"));
    const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
    writeFileSync(join(bin, "git"), `#!/bin/sh\ncase " $* " in *" update-ref "*) kill -9 $PPID; exit 1;; esac\nexec ${real} "$@"\n`);
    chmodSync(join(bin, "git"), 0o755);
    const killed = await run(["rollback", "--env", "dev", "--secret", "twilio", "--yes"], { PATH: `${bin}:${process.env["PATH"] ?? ""}` });
    expect([killed.code, killed.out]).toEqual([1, ""]);
    expect(await inForce()).toBe(first);
    expect(git("branch", "--list", "rollback/*")).toBe("");
    expect((await rollback("--dry-run")).states).toBe("already todo");

    const done = await rollback("--yes");
    expect([done.code, done.to, done.states]).toEqual([0, first, "already done"]);
    expect(await inForce()).toBe(first);
    expect([git("rev-parse", "HEAD"), git("status", "--porcelain")]).toEqual([head, ""]);
    const [was, is] = ["HEAD", done.branch!].map((c) => git("show", `${c}:${SEALED}`));
    expect(git("diff", "--name-only", "HEAD", done.branch!)).toBe(SEALED);
    expect(issueOf(is!, "twilio.authToken")).toBe(issueOf(git("show", `HEAD~1:${SEALED}`), "twilio.authToken"));
    expect(issueOf(is!, "vapi.token")).toBe(issueOf(was!, "vapi.token"));
    expect((await rollback("--yes")).states).toBe("already already");
  }, 240_000);

  it.skipIf(skip)("leaves nothing to do when its branch is merged: the store has what git says", async () => {
    git("merge", "-q", "--ff-only", git("branch", "--list", "--format=%(refname:short)", "rollback/*"));
    await up();
    expect(await inForce()).toBe(first);
    const drift = JSON.parse((await run(["drift", "--env", "dev", "--json"])).out) as { drift: { name: string }[] };
    expect(drift.drift.filter((x) => x.name.includes("twilio"))).toEqual([]);
    expect(readFileSync(join(p.root, SEALED), "utf8")).toContain("issueId");
    const forward = await rollback("--yes");
    expect([forward.code, forward.states]).toEqual([0, "done done"]);
    expect(await inForce()).not.toBe(first);
  }, 240_000);
});

describe("rollback refuses", () => {
  let p: CloudProject;
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: p.root, encoding: "utf8", env: { PATH: process.env["PATH"], HOME: p.root, ...GIT } }).trim();
  const codes = async (...args: string[]): Promise<string[]> => (JSON.parse((await p.run(["rollback", "--env", "dev", "--json", "--yes", ...args], GIT)).out) as Said).findings.map((f) => f.code);
  const set = (reason: string, value: string): void => {
    expect(spawnSync(process.execPath, [join(import.meta.dirname, "../../dist/cli.js"), "-C", p.root, "secret", "set", "twilio.authToken", "--env", "dev", "--reason", reason], { input: value, env: { ...p.env, ...GIT }, encoding: "utf8" }).status).toBe(0);
  };
  beforeAll(async () => { p = await cloudProject("{ kind: file }"); });

  it("by name what can't be gone back to", async () => {
    expect(await codes("--secret", "twilio")).toEqual(["ROLLBACK_NOT_IN_GIT"]);
    writeFileSync(join(p.root, ".gitignore"), ".stackseal/\n*.lock\n");
    git("init", "-q", "-b", "main");
    git("add", "-A");
    git("commit", "-q", "-m", "First");
    expect(await codes("--secret", "twillio")).toEqual(["ROLLBACK_SECRET_UNKNOWN"]);
    expect(await codes("--secret", "stripe-webhook-payments")).toEqual(["ROLLBACK_MINTED"]);
    expect(await codes("--secret", "twilio")).toEqual(["ROLLBACK_NO_VERSION"]);
    expect((await p.run(["up", "--env", "dev", "--yes"])).code).toBe(0);
    expect(await codes("--secret", "twilio")).toEqual(["ROLLBACK_NO_VERSION"]);
    expect(await codes("--secret", "twilio", "--to", "ffffffffffff")).toEqual(["ROLLBACK_NO_VERSION"]);
    set("compromise", "0123456789abcdef".repeat(2));
    git("commit", "-q", "-a", "-m", "Second");
    // Not delivered yet: there is nothing to go back from, and it isn't guessed.
    expect(await codes("--secret", "twilio")).toEqual(["ROLLBACK_NO_VERSION"]);
    expect((await p.run(["up", "--env", "dev", "--yes"])).code).toBe(0);
    expect(await codes("--secret", "twilio")).toEqual(["ROLLBACK_EXPOSED"]);
    expect(await codes("--secret", "twilio", "--although-exposed", "--branch", "main")).toEqual(["ROLLBACK_BRANCH_TAKEN"]);
    expect(await codes("--secret", "twilio", "--although-exposed")).toEqual([]);
  }, 240_000);
  it("while a rotation of the secret is open, and only of that one", async () => {
    expect(git("status", "--porcelain")).toBe("");
    // Guided, and nobody gives the new value: it stays open.
    const started = spawnSync(process.execPath, [join(import.meta.dirname, "../../dist/cli.js"), "-C", p.root, "rotate", "start", "vapi.token", "--reason", "scheduled", "--env", "dev", "--sandbox", "--yes"], { input: "", env: { ...p.env, ...GIT }, encoding: "utf8" });
    const [open] = (JSON.parse((await p.run(["rotations", "--env", "dev", "--json"], GIT)).out) as { rotations: { rotation: string; path: string; state: string }[] }).rotations;
    expect(open, started.stderr).toMatchObject({ path: "vapi.token", state: expect.not.stringMatching(/closed|aborted/) as string });
    const refused = JSON.parse((await p.run(["rollback", "--env", "dev", "--json", "--yes", "--secret", "vapi"], GIT)).out) as { findings: { code: string; hint: string }[] };
    expect(refused.findings.map((f) => [f.code, f.hint])).toEqual([["ROLLBACK_ROTATING", `stackseal rotate abort ${open!.rotation} --env dev`]]);
    expect(await codes("--secret", "twilio", "--dry-run", "--although-exposed")).not.toContain("ROLLBACK_ROTATING");
  }, 240_000);
  it("nothing that the store has forgotten: git goes first, and up follows when it is named", async () => {
    const ids = (): string[] => (JSON.parse(readFileSync(join(p.root, ".stackseal/store/dev/twilio.json"), "utf8")) as { versions: { id: string }[] }).versions.map((v) => v.id);
    const oldest = ids()[0]!;
    for (const c of ["1", "2"]) {
      set("scheduled", `${c}123456789abcdef`.repeat(2));
      git("commit", "-q", "-a", "-m", c);
      expect((await p.run(["up", "--env", "dev", "--yes", "--rollback", "twilio"])).code).toBe(0);
    }
    expect(await codes("--secret", "twilio", "--to", oldest, "--although-exposed", "--branch", "back")).toEqual(["ROLLBACK_NOT_HELD"]);
    git("merge", "-q", "--ff-only", "back");
    expect((await p.run(["up", "--env", "dev", "--yes"])).err).toContain("ISSUE_OLDER");
    expect((await p.run(["up", "--env", "dev", "--yes", "--rollback", "twilio"])).code).toBe(0);
    expect(ids()[0]).toBe(oldest);
  }, 240_000);
});
