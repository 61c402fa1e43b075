import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OUTPUTS } from "../schemas/outputs.ts";

const repo = resolve(import.meta.dirname, "..");
const cli = join(repo, "dist/cli.js");
const home = mkdtempSync(join(tmpdir(), "evidence-"));
const base = { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1", GIT_CONFIG_NOSYSTEM: "1", GIT_AUTHOR_NAME: "engineer", GIT_AUTHOR_EMAIL: "engineer@acme.example", GIT_COMMITTER_NAME: "engineer", GIT_COMMITTER_EMAIL: "engineer@acme.example" };
const git = (dir: string, args: readonly string[], date = ""): string => execFileSync("git", args, { cwd: dir, env: { ...base, ...(date && { GIT_COMMITTER_DATE: `${date}T12:00:00Z`, GIT_AUTHOR_DATE: `${date}T12:00:00Z` }) }, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
interface Said { status: number | null; findings: { code: string; path?: string; message: string; at?: { file: string; line: number } }[]; json: Record<string, unknown>; stderr: string }
const run = (dir: string, key: string, ...args: string[]): Said => {
  const r = spawnSync(process.execPath, [cli, "-C", dir, ...args, "--json"], { env: { ...base, STACKSEAL_SIGNING_KEY: key }, encoding: "utf8" });
  const json = JSON.parse(r.stdout) as Record<string, unknown> & { findings: Said["findings"] };
  expect(OUTPUTS[String(json["command"]).replace(" ", "-")]!.safeParse(json).error?.issues ?? []).toEqual([]);
  return { status: r.status, findings: json.findings, json, stderr: r.stderr };
};
const codes = (s: Said): string[] => [...new Set(s.findings.map((f) => f.code))].sort();
const newKey = (name: string): string => {
  const key = join(home, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key]);
  return key;
};
const pub = (key: string): string => readFileSync(`${key}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ");
const edit = (dir: string, file: string, from: string | RegExp, to: string): void => {
  const text = readFileSync(join(dir, file), "utf8");
  expect(text.replace(from, to)).not.toBe(text);
  writeFileSync(join(dir, file), text.replace(from, to));
};
const walk = (dir: string): string[] => readdirSync(dir, { withFileTypes: true, recursive: true }).filter((e) => e.isFile()).map((e) => relative(dir, join(e.parentPath, e.name))).sort();

describe("audit bundle and audit verify", { timeout: 120_000 }, () => {
  const dir = join(home, "project"), q3 = join(home, "2026Q3"), q4 = join(home, "2026Q4"), clone = join(home, "clone"), signers = join(home, "signers"), state = join(home, "state.json");
  let key = "", other = "";
  const verify = (bundle: string, ...more: string[]): Said => run(clone, "", "audit", "verify", bundle, "--allowed-signers", signers, "--now", "2027-01-10", ...more);
  /** A copy of a bundle, changed. */
  const changed = (change: (copy: string) => void, from = q4): string => {
    const copy = mkdtempSync(join(home, "copy-"));
    cpSync(from, copy, { recursive: true });
    change(copy);
    return copy;
  };
  const commit = (message: string, date: string): void => { git(dir, ["add", "-A"]); git(dir, ["commit", "-qm", message], date); };
  beforeAll(() => {
    key = newKey("admin");
    other = newKey("other");
    writeFileSync(signers, `super-admin-1 namespaces="stackseal-bundle" ${pub(key)}\n`);
    execFileSync("git", ["init", "-q", "-b", "main", dir], { env: base });
    cpSync(join(repo, "stacks"), join(dir, "stacks"), { recursive: true, filter: (p) => !p.endsWith(".ts") });
    cpSync(join(repo, "policies/exceptions.yaml"), join(dir, "policies/exceptions.yaml"));
    edit(dir, "stacks/people.yaml", /signing: \["[^"]+"\]/, `signing: ["${pub(key)}"]`);
    commit("Begin", "2026-07-02");
    edit(dir, "stacks/dev/environment.yaml", "plan: agency", "plan: pro");
    commit("Another plan", "2026-09-20");
    git(dir, ["switch", "-qc", "alerts"]);
    edit(dir, "stacks/dev/environment.yaml", "email: [platform-team@acme.example]", "email: [platform-team@acme.example, oncall@acme.example]");
    commit("Alert whoever is on call", "2026-10-05");
    git(dir, ["switch", "-q", "main"]);
    edit(dir, "stacks/prod/payments.yaml", /path: [^,\n]+/, "path: /webhooks/other");
    commit("Move the endpoint", "2026-10-06");
    git(dir, ["merge", "-q", "--no-ff", "-m", "Merge the alert", "alerts"], "2026-10-07");
    git(dir, ["notes", "--ref", "stackseal", "add", "-m", "policies: held", "HEAD"]);
    const urn = "urn:pulumi:prod::stackseal::stackseal:index:SealedVersion::twilio";
    writeFileSync(state, JSON.stringify({ version: 3, deployment: { resources: [{ urn, type: "stackseal:index:SealedVersion", inputs: { values: [{ key: "twilio.authToken", variable: "TWILIO_AUTH_TOKEN", issueId: "01ZZ" }] }, outputs: { secretId: "stackseal/prod/twilio", versionId: "v1" } }, { urn: urn.replaceAll("twilio", "payment-read"), type: "aws:cloudwatch/eventRule:EventRule", inputs: { name: "stackseal-prod-payment-read", state: "ENABLED", eventPattern: "{}" }, outputs: {} }] } }));
    const first = run(dir, key, "audit", "bundle", "--quarter", "2026Q3", "--out", q3, "--now", "2026-10-01");
    expect([first.status, codes(first), first.stderr]).toEqual([0, [], ""]);
    const second = run(dir, key, "audit", "bundle", "--since", "2026-10-01", "--until", "2026-12-31", "--out", q4, "--previous", q3, "--state", state, "--now", "2027-01-04");
    expect([second.status, codes(second), second.stderr]).toEqual([0, [], ""]);
    execFileSync("git", ["clone", "-q", "--no-local", dir, clone], { env: base });
  }, 120_000);
  afterAll(() => { rmSync(home, { recursive: true, force: true }); });

  it("holds the period's log, what stands in git, and what was recorded; says what it hasn't", () => {
    const log = readFileSync(join(q4, "git/log.jsonl"), "utf8").trim().split("\n").map((l) => JSON.parse(l) as { path: string; kind: string });
    expect(log.map((l) => l.path).sort()).toEqual(["alerts.email", "stripe.webhooks.payments.path"]);
    expect(readFileSync(join(q4, "git/commits.txt"), "utf8").split("\n").length - 1).toBe(3);
    expect(readFileSync(join(q4, "git/files/stacks/people.yaml"), "utf8")).toBe(readFileSync(join(dir, "stacks/people.yaml"), "utf8"));
    expect(readFileSync(join(q4, "recorded/policies.jsonl"), "utf8").split("\n").map((l) => l && (JSON.parse(l) as { verdict: string | null }).verdict)).toEqual(["policies: held", null, ""]);
    expect(JSON.parse(readFileSync(join(q4, "recorded/store.jsonl"), "utf8"))).toMatchObject({ secret: "stackseal/prod/twilio", versionId: "v1", values: [{ issueId: "01ZZ" }] });
    const m = JSON.parse(readFileSync(join(q4, "manifest.json"), "utf8")) as { previous: { head: string }; git: { from: string }; absent: string[]; timeStamp: null };
    expect(m.git.from).toBe(m.previous.head);
    expect([m.timeStamp, m.absent.some((a) => a.startsWith("a time stamp")), m.absent.some((a) => a.startsWith("the doctor"))]).toEqual([null, true, true]);
  });
  it("holds recipients over time, the alert rules as deployed, and who could open what", () => {
    const held = readFileSync(join(q4, "git/recipients.jsonl"), "utf8").trim().split("\n").map((l) => JSON.parse(l) as { environment: string; name: string | null; recipient: string; from: string; until: string | null });
    expect(held.some((h) => h.environment === "prod" && h.name === "super-admin-1" && h.until === null && h.from.startsWith("2026-07-02"))).toBe(true);
    expect(JSON.parse(readFileSync(join(q4, "recorded/alerts.jsonl"), "utf8"))).toMatchObject({ name: "stackseal-prod-payment-read", state: "ENABLED" });
    expect(readFileSync(join(q4, "git/files/stacks/prod/environment.yaml"), "utf8")).toContain("alerts:");
  });
  it("is a tar too, checked like the folder; any byte of it that is changed is found", () => {
    const tar = `${q4}.tar`;
    const said = verify(tar, "--previous", `${q3}.tar`);
    expect([said.status, said.findings, said.json["chain"]]).toEqual([0, [], "checked"]);
    expect(execFileSync("tar", ["-xOf", tar, "manifest.json"], { encoding: "utf8" })).toBe(readFileSync(join(q4, "manifest.json"), "utf8"));
    const bytes = readFileSync(tar);
    const place = join(home, "changed.tar");
    // In a name, in a file, in the filling after a file, in the end of the archive; cut off; something after it.
    const first = bytes.indexOf("manifest.json\0"), size = readFileSync(join(q4, "manifest.json")).length;
    for (const n of [0, 140, first + 3, first + 512 + 40, first + 512 + size + 1, Math.floor(bytes.length * 0.3), Math.floor(bytes.length * 0.6), bytes.length - 5]) {
      const copy = Buffer.from(bytes);
      copy[n] = (copy[n] as number) ^ 1;
      writeFileSync(place, copy);
      const found = verify(place);
      expect([n, found.status, codes(found).some((c) => ["BUNDLE_CHANGED", "BUNDLE_MISSING", "BUNDLE_SIGNATURE"].includes(c))]).toEqual([n, 1, true]);
    }
    for (const wrong of [bytes.subarray(0, bytes.length - 2000), Buffer.concat([bytes, Buffer.from("x")])]) {
      writeFileSync(place, wrong);
      expect(verify(place).status).toBe(1);
    }
    writeFileSync(place, "no tar");
    expect([verify(place).status, codes(verify(place))]).toEqual([2, ["BUNDLE_UNREADABLE"]]);
  });
  it("is of one environment where asked, and says so in what is signed", () => {
    const out = join(home, "prod-only");
    const made = run(dir, key, "audit", "bundle", "--quarter", "2026Q4", "--env", "prod", "--out", out, "--now", "2027-01-04");
    expect([made.status, made.json["environments"]]).toEqual([0, ["prod"]]);
    expect(readFileSync(join(out, "git/log.jsonl"), "utf8").trim().split("\n").map((l) => (JSON.parse(l) as { environment: string }).environment)).toEqual(["prod"]);
    expect(walk(out).filter((f) => /stacks\/(dev|staging)\//.test(f))).toEqual([]);
    expect(verify(out).status).toBe(0);
  });
  it.skipIf(spawnSync("openssl", ["version"]).status !== 0)("checks an authority's time stamp over the manifest: over what, when, and by whom", () => {
    const ts = join(home, "ts");
    mkdirSync(ts);
    const openssl = (...args: string[]): void => { execFileSync("openssl", args, { cwd: ts, stdio: "ignore" }); };
    writeFileSync(join(ts, "conf"), "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ndefault_policy = 1.2.3.4.1\ndigests = sha256, sha512\nsigner_digest = sha256\ness_cert_id_alg = sha256\n");
    writeFileSync(join(ts, "ext"), "extendedKeyUsage = critical,timeStamping\n");
    for (const ca of ["ca", "other"]) openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", `${ca}.key`, "-out", `${ca}.pem`, "-subj", `/CN=${ca}`, "-days", "3650");
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=tsa");
    openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tsa.pem", "-days", "3650", "-extfile", "ext");
    const stamp = (file: string, out: string, ...more: string[]): void => {
      openssl("ts", "-query", "-data", file, "-sha256", ...(more.includes("-bare") ? [] : ["-cert"]), "-out", "q");
      openssl("ts", "-reply", "-config", "conf", "-queryfile", "q", "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", out, ...more.filter((m) => m !== "-bare"));
    };
    const made = join(home, "stamped");
    expect(run(dir, key, "audit", "bundle", "--quarter", "2026Q3", "--out", made).status).toBe(0);
    const check = (...more: string[]): Said => run(clone, "", "audit", "verify", made, "--allowed-signers", signers, ...more);
    expect(check().json["timeStamp"]).toBeNull();
    stamp(join(made, "manifest.json"), join(made, "manifest.json.tsr"));
    const [alone, good, bad] = [check(), check("--timestamp-ca", join(ts, "ca.pem")), check("--timestamp-ca", join(ts, "other.pem"))];
    expect([alone.status, codes(alone), (alone.json["timeStamp"] as { authority: string }).authority]).toEqual([0, [], "not checked"]);
    expect([good.status, good.json["timeStamp"]]).toMatchObject([0, { over: "manifest.json", authority: "good" }]);
    expect([bad.status, codes(bad), (bad.json["timeStamp"] as { authority: string }).authority]).toEqual([1, ["BUNDLE_TIMESTAMP"], "bad"]);
    expect(run(clone, "", "audit", "verify", `${made}.tar`, "--allowed-signers", signers, "--timestamp", join(made, "manifest.json.tsr")).json["timeStamp"]).toMatchObject({ authority: "not checked" });
    // The authority's own certificate may stand in neither the stamp nor the bundle, but beside its root.
    stamp(join(made, "manifest.json"), join(ts, "bare.tsr"), "-bare");
    writeFileSync(join(ts, "both.pem"), readFileSync(join(ts, "ca.pem"), "utf8") + readFileSync(join(ts, "tsa.pem"), "utf8"));
    expect(["ca.pem", "both.pem"].map((ca) => (check("--timestamp", join(ts, "bare.tsr"), "--timestamp-ca", join(ts, ca)).json["timeStamp"] as { authority: string }).authority)).toEqual(["bad", "good"]);
    // No openssl: said, not passed over.
    const tools = join(ts, "bin");
    mkdirSync(tools);
    for (const t of ["git", "ssh-keygen"]) symlinkSync(execFileSync("sh", ["-c", `command -v ${t}`], { encoding: "utf8" }).trim(), join(tools, t));
    const poor = spawnSync(process.execPath, [cli, "-C", clone, "audit", "verify", made, "--allowed-signers", signers, "--timestamp-ca", join(ts, "ca.pem"), "--json"], { env: { ...base, PATH: tools }, encoding: "utf8" });
    expect([poor.status, (JSON.parse(poor.stdout) as { findings: { code: string }[] }).findings.map((f) => f.code)]).toEqual([0, ["BUNDLE_TIMESTAMP_UNCHECKED"]]);
    // The token inside of a bundle: over its commits, or over the former manifest; its authority's signature counts as well.
    const inside = (name: string, token: string, now: string): Said => {
      expect(run(dir, key, "audit", "bundle", "--quarter", "2026Q4", "--out", join(home, name), "--previous", q3, "--timestamp-token", join(ts, token), "--now", now).status).toBe(0);
      return run(clone, "", "audit", "verify", join(home, name), "--allowed-signers", signers, "--previous", q3, "--timestamp-ca", join(ts, "ca.pem"));
    };
    stamp(join(q4, "git/commits.txt"), join(ts, "commits.token"), "-token_out");
    stamp(join(q3, "manifest.json"), join(ts, "former.tsr"));
    const later = [new Date(Date.now() + 86_400_000).toISOString().slice(0, 10), "2027-01-04"].sort()[1]!;
    const [commits, formerly] = [inside("tokened", "commits.token", later), inside("formerly", "former.tsr", later)];
    for (const [said, over] of [[commits, "git/commits.txt"], [formerly, "the former bundle's manifest.json"]] as const) expect([said.status, codes(said).filter((c) => c !== "BUNDLE_OPEN_PERIOD"), said.json["timeStamp"]]).toMatchObject([0, [], { over, authority: "good" }]);
    const foreign = run(clone, "", "audit", "verify", join(home, "tokened"), "--allowed-signers", signers, "--previous", q3, "--timestamp-ca", join(ts, "other.pem"));
    expect([foreign.status, codes(foreign), (foreign.json["timeStamp"] as { authority: string }).authority]).toEqual([1, ["BUNDLE_TIMESTAMP"], "bad"]);
    // A signature that isn't the authority's, with the right digest in it.
    const forged = readFileSync(join(ts, "commits.token"));
    forged[forged.length - 20] = (forged[forged.length - 20] as number) ^ 1;
    writeFileSync(join(ts, "forged.token"), forged);
    expect(codes(inside("forged", "forged.token", later))).toEqual(["BUNDLE_TIMESTAMP"]);
    // Made, it says, before the token that is in it.
    const early = inside("early", "commits.token", "2026-11-01");
    expect([early.status, early.findings.map((f) => f.message).join()]).toEqual([1, expect.stringContaining("after that")]);
    // Over another manifest; a changed one; a bundle that says it is older or younger than what the authority saw.
    stamp(join(q4, "manifest.json"), join(ts, "other.tsr"));
    expect(codes(check("--timestamp", join(ts, "other.tsr")))).toEqual(["BUNDLE_TIMESTAMP"]);
    writeFileSync(join(ts, "no.tsr"), readFileSync(join(made, "manifest.json.tsr")).subarray(0, 200));
    expect(codes(check("--timestamp", join(ts, "no.tsr")))).toEqual(["BUNDLE_TIMESTAMP"]);
    const day = (n: number): string => new Date(Date.now() + n * 86_400_000).toISOString().slice(0, 10);
    for (const [n, code, status] of [[30, "BUNDLE_TIMESTAMP", 1], [-30, "BUNDLE_TIMESTAMP_LATE", 0]] as const) {
      const out = join(home, `dated${n}`);
      expect(run(dir, key, "audit", "bundle", "--quarter", "2026Q3", "--out", out, "--now", day(n)).status).toBe(0);
      stamp(join(out, "manifest.json"), join(out, "manifest.json.tsr"));
      const said = run(clone, "", "audit", "verify", out, "--allowed-signers", signers);
      expect([codes(said), said.status]).toEqual([[code], status]);
    }
  });
  it("says which evidence answers which control, and what nothing here answers", () => {
    const c = JSON.parse(readFileSync(join(q4, "controls.json"), "utf8")) as { controls: { framework: string; control: string; source: string; evidence: string[] }[]; nothingHere: string[] };
    expect([...new Set(c.controls.map((x) => x.framework))].sort()).toEqual(["ISO 27001:2022", "PCI DSS 4.0.1", "SOC 2"]);
    expect(c.controls.every((x) => x.evidence.includes("recorded/policies.jsonl"))).toBe(true);
    const none = JSON.parse(readFileSync(join(q3, "controls.json"), "utf8")) as typeof c;
    expect(none.controls.filter((x) => x.evidence.length === 0).map((x) => `${x.framework} ${x.control}`)).toEqual(none.nothingHere);
    expect(none.nothingHere).toContain("SOC 2 A1.2");
    expect(c.controls.some((x) => x.source === "unverified")).toBe(true);
  });
  it("agrees with a clean clone, which has neither notes nor keys, and makes the git parts anew", () => {
    const said = verify(q4, "--previous", q3);
    expect([said.status, said.findings]).toEqual([0, []]);
    expect(said.json).toMatchObject({ signer: "super-admin-1", chain: "checked", recorded: ["recorded/alerts.jsonl", "recorded/policies.jsonl", "recorded/store.jsonl"], timeStamp: null });
    expect(said.json["rebuilt"]).toEqual(expect.arrayContaining(["git/log.jsonl", "git/recipients.jsonl", "git/files/stacks/prod/environment.yaml"]));
    const alone = verify(q4);
    expect([alone.status, codes(alone), alone.json["chain"]]).toEqual([0, ["BUNDLE_UNCHAINED"], "not checked"]);
    const inside = run(clone, "", "audit", "verify", q3, "--now", "2027-01-10");
    expect([inside.status, codes(inside), inside.json["chain"]]).toEqual([0, ["BUNDLE_SIGNERS"], "first"]);
  });
  it("is checked with git, sha256sum and ssh-keygen alone, by the commands that VERIFY.txt gives, and they fail where they must", () => {
    const commands = readFileSync(join(q4, "VERIFY.txt"), "utf8").split("\n").filter((l) => l.startsWith("    ")).map((l) => l.trim());
    expect(commands.length).toBe(8);
    const follow = (cwd: string, over: Record<string, string> = {}): string[] => commands.filter((c) => spawnSync("sh", ["-c", c], { cwd, env: { ...base, SIGNERS: signers, CLONE: clone, PREVIOUS: q3, ...over } }).status !== 0);
    expect(follow(q4)).toEqual([]);
    const wrong = join(home, "wrong-signers");
    writeFileSync(wrong, `super-admin-1 ${pub(other)}\n`);
    expect(follow(q4, { SIGNERS: wrong }).map((c) => c.slice(0, 10))).toEqual(["ssh-keygen"]);
    expect(follow(q4, { PREVIOUS: q4 })).toHaveLength(1);
    expect(follow(changed((c) => { writeFileSync(join(c, "more.txt"), ""); }))).toHaveLength(1);
    expect(follow(changed((c) => { edit(c, "git/commits.txt", /^./, "x"); })).map((c) => c.slice(0, 9))).toEqual(["sha256sum", "git -C \"$"]);
    expect(follow(changed((c) => { edit(c, "git/files/stacks/people.yaml", "role", "rule"); }))).toHaveLength(2);
  });
  it("finds one changed byte, wherever it is, and names the file", () => {
    const names = walk(q4);
    expect(names.length).toBeGreaterThan(8);
    for (const name of names) {
      const size = readFileSync(join(q4, name)).length;
      for (const place of name.startsWith("manifest") ? [0, 0.37, 0.74, 1] : [0.5]) {
        const copy = changed((c) => {
          const bytes = readFileSync(join(c, name));
          const n = Math.min(size - 1, Math.floor(size * place));
          bytes[n] = (bytes[n] as number) ^ 1;
          writeFileSync(join(c, name), bytes);
        });
        const said = verify(copy);
        expect([name, place, said.status]).toEqual([name, place, 1]);
        if (!name.startsWith("manifest")) expect(said.findings.find((f) => f.code === "BUNDLE_CHANGED")?.path).toBe(`${copy}/${name}`);
        else expect(codes(said)).toContain("BUNDLE_SIGNATURE");
        rmSync(copy, { recursive: true });
      }
    }
  });
  it("finds a missing and an added file, and says what is no bundle", () => {
    const missing = changed((c) => { rmSync(join(c, "controls.md")); });
    expect(verify(missing).findings).toMatchObject([{ code: "BUNDLE_UNCHAINED" }, { code: "BUNDLE_MISSING", path: `${missing}/controls.md` }].reverse());
    expect(codes(verify(changed((c) => { writeFileSync(join(c, "git/more.txt"), "x"); })))).toContain("BUNDLE_EXTRA");
    const headless = verify(changed((c) => { rmSync(join(c, "manifest.json")); }));
    expect([headless.status, codes(headless)]).toEqual([1, ["BUNDLE_MISSING"]]);
    const nothing = verify(home);
    expect([nothing.status, codes(nothing)]).toEqual([2, ["BUNDLE_UNREADABLE"]]);
  });
  it("finds a wrong signer: a stranger's key, another name space, nobody allowed", () => {
    const resigned = (by: string, space: string): string => changed((c) => {
      rmSync(join(c, "manifest.json.sig"));
      execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-f", by, "-n", space, join(c, "manifest.json")], { stdio: "ignore" });
    });
    for (const [by, space] of [[other, "stackseal-bundle"], [key, "file"]] as const) expect(codes(verify(resigned(by, space)))).toContain("BUNDLE_SIGNATURE");
    expect(verify(resigned(key, "stackseal-bundle")).status).toBe(0);
    const expired = join(home, "expired");
    writeFileSync(expired, `super-admin-1 valid-before="20261201" ${pub(key)}\n`);
    expect(codes(run(clone, "", "audit", "verify", q4, "--allowed-signers", expired, "--now", "2027-01-10"))).toContain("BUNDLE_SIGNATURE");
    writeFileSync(expired, "# nobody\n");
    expect(run(clone, "", "audit", "verify", q4, "--allowed-signers", expired).status).toBe(2);
    const refused = run(dir, other, "audit", "bundle", "--quarter", "2026Q3", "--out", join(home, "no"));
    expect([refused.status, existsSync(join(home, "no"))]).toEqual([2, false]);
  });
  it("finds what a Super Admin signed and git doesn't say, with its file and line", () => {
    const made = mkdtempSync(join(home, "lie-"));
    cpSync(dir, made, { recursive: true });
    // The same bundle of another history: one commit dropped.
    git(made, ["reset", "-q", "--hard", "HEAD~1"]);
    edit(made, "stacks/dev/environment.yaml", "plan: pro", "plan: agency");
    git(made, ["commit", "-qam", "Another history"], "2026-10-08");
    const lost = run(made, "", "audit", "verify", q4, "--allowed-signers", signers, "--now", "2027-01-10");
    expect([lost.status, codes(lost)]).toEqual([1, ["BUNDLE_DIFFERS", "BUNDLE_HISTORY", "BUNDLE_UNCHAINED"]]);
    const lines = readFileSync(join(q4, "git/commits.txt"), "utf8").split("\n"), gone = lines.findIndex((l) => l.startsWith(git(dir, ["rev-parse", "alerts"]).trim()));
    expect(lost.findings.find((f) => f.code === "BUNDLE_DIFFERS")?.at).toMatchObject({ file: `${q4}/git/commits.txt`, line: gone + 1 });
    // A line edited, and all hashes and the signature made anew with the right key.
    const lie = changed((c) => {
      edit(c, "git/log.jsonl", /"kind":"setting"/, '"kind":"alert"');
      const sum = (file: string): string => execFileSync("sha256sum", [file], { cwd: c, encoding: "utf8" }).slice(0, 64);
      const before = readFileSync(join(q4, "SHA256SUMS"), "utf8").split("\n").find((l) => l.endsWith("  git/log.jsonl"))!.slice(0, 64);
      const sumsBefore = sum("SHA256SUMS");
      edit(c, "SHA256SUMS", before, sum("git/log.jsonl"));
      edit(c, "manifest.json", before, sum("git/log.jsonl"));
      edit(c, "manifest.json", sumsBefore, sum("SHA256SUMS"));
      rmSync(join(c, "manifest.json.sig"));
      execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-f", key, "-n", "stackseal-bundle", join(c, "manifest.json")], { stdio: "ignore" });
    });
    const said = verify(lie, "--previous", q3);
    expect([said.status, codes(said)]).toEqual([1, ["BUNDLE_DIFFERS"]]);
    const log = readFileSync(join(q4, "git/log.jsonl"), "utf8").split("\n");
    expect(said.findings[0]?.at).toMatchObject({ file: `${lie}/git/log.jsonl`, line: log.findIndex((l) => l.includes('"kind":"setting"')) + 1 });
  });
  it("finds a foreign or reordered chain, and a former bundle that was changed", () => {
    expect(codes(verify(q3, "--previous", q4))).toEqual(["BUNDLE_CHAIN"]);
    const twin = join(home, "twin");
    expect(run(dir, key, "audit", "bundle", "--quarter", "2026Q3", "--out", twin, "--now", "2026-10-02").status).toBe(0);
    expect(codes(verify(q4, "--previous", twin))).toEqual(["BUNDLE_CHAIN"]);
    expect(codes(verify(q4, "--previous", changed((c) => { edit(c, "git/log.jsonl", "engineer", "somebody"); }, q3)))).toEqual(["BUNDLE_CHANGED"]);
  });
  it("finds a back-dated commit against the former bundle, and one dated before its parent", () => {
    const made = mkdtempSync(join(home, "back-"));
    cpSync(dir, made, { recursive: true });
    git(made, ["reset", "-q", "--hard", "HEAD~2"]);
    edit(made, "stacks/dev/environment.yaml", "plan: pro", "plan: agency");
    git(made, ["commit", "-qam", "Never there"], "2026-09-25");
    git(made, ["commit", "-q", "--allow-empty", "-m", "Older than its parent"], "2026-09-22");
    git(made, ["commit", "-q", "--allow-empty", "-m", "Later"], "2026-11-02");
    const bundle = join(home, "backdated");
    expect(run(made, key, "audit", "bundle", "--quarter", "2026Q4", "--out", bundle, "--previous", q3, "--now", "2027-01-04").status).toBe(0);
    const said = run(made, "", "audit", "verify", bundle, "--allowed-signers", signers, "--previous", q3, "--now", "2027-01-10");
    expect([said.status, codes(said)]).toEqual([1, ["BUNDLE_BACKDATED"]]);
    expect(said.findings.map((f) => f.message)).toEqual(expect.arrayContaining([expect.stringContaining("before its parent"), expect.stringContaining("inside the former bundle's time")]));
  });
  it("refuses to follow on a rewritten history, a shallow clone, a folder in use, a token over something else", () => {
    const made = mkdtempSync(join(home, "rewritten-"));
    cpSync(dir, made, { recursive: true });
    git(made, ["commit", "-q", "--amend", "-m", "Merged otherwise"], "2026-10-07");
    git(made, ["reset", "-q", "--hard", git(made, ["rev-list", "--max-parents=0", "HEAD"]).trim()]);
    git(made, ["commit", "-q", "--allow-empty", "-m", "Nothing happened"], "2026-09-20");
    expect(codes(run(made, key, "audit", "bundle", "--quarter", "2026Q4", "--out", join(home, "no"), "--previous", q3))).toContain("BUNDLE_HISTORY");
    const shallow = join(home, "shallow");
    execFileSync("git", ["clone", "-q", "--depth", "1", `file://${dir}`, shallow], { env: base });
    const said = run(shallow, "", "audit", "verify", q4, "--allowed-signers", signers);
    expect([said.status, codes(said)]).toEqual([2, ["AUDIT_SHALLOW"]]);
    expect(codes(run(dir, key, "audit", "bundle", "--quarter", "2026Q3", "--out", q3))).toEqual(["BUNDLE_PLACE"]);
    expect(codes(run(dir, key, "audit", "bundle", "--quarter", "2026Q4", "--out", join(home, "no"), "--timestamp-token", state))).toEqual(["BUNDLE_INPUT"]);
    expect(codes(run(dir, key, "audit", "bundle", "--quarter", "2026Q5", "--out", join(home, "no")))).toEqual(["BUNDLE_PERIOD"]);
    expect(existsSync(join(home, "no"))).toBe(false);
  });
});
