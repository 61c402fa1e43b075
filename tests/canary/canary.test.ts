import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findCli } from "../../engine/pulumi/find.ts";
import { LOCAL } from "../../schemas/layout.ts";
import { expand } from "../../schemas/template.ts";
import { commands } from "../../scripts/commands/index.ts";
import { makeExample, type Keys } from "../../tools/example-people.ts";
import { files, sealedMarkers } from "./markers.ts";
import { formsOf, Search, type Found, type Marker } from "./search.ts";
import { CLI_STEPS, DEFAULT, EXCUSED, STEPS, type Step } from "./steps.ts";
import { watch, type Watched } from "./watch.ts";

const repo = resolve(import.meta.dirname, "../..");
const NOW = new Date();
const work = mkdtempSync(join(tmpdir(), "canary-"));
const root = join(work, "project"), temp = join(work, "tmp"), home = join(work, "home"), reports = join(work, "reports"), keysDir = join(work, "keys");
let keys: Record<string, Keys> = {};
let echo: Server;
afterAll(() => {
  echo.close();
  rmSync(work, { recursive: true, force: true });
});

/** Where a value stands because it must: the throwaway keys of local, and the fake provider's own memory. */
const EXPECTED = [/^\.stackseal\/identities\//, /^\.stackseal\/passphrase/, /^\.stackseal\/sandbox\//];
/** Every declared value of every environment, what the sandbox minted, and the people's own keys. */
async function markers(): Promise<Marker[]> {
  const out = await sealedMarkers(root, (name) => (name === LOCAL ? {} : { SOPS_AGE_KEY: keys["super-admin-1"]?.identity }));
  const minted = join(root, ".stackseal/sandbox/stripe.json");
  for (const e of (JSON.parse(readFileSync(minted, "utf8")) as { endpoints: { id: string; secret: string }[] }).endpoints) out.push({ name: `signing secret of ${e.id}`, value: e.secret, fixed: "whsec_".length });
  for (const [who, k] of Object.entries(keys)) {
    out.push({ name: `age identity of ${who}`, value: k.identity, fixed: "AGE-SECRET-KEY-1".length });
    const seed = k.signing.split("\n").slice(3, 6).join("\n");
    out.push({ name: `signing key of ${who}`, value: seed, fixed: 0 });
  }
  return out;
}
const hits: string[] = [];
const ran = new Map<string, number | null>();
let search: Search;
let all: Marker[] = [];
const note = (where: string, found: readonly Found[]): void => { for (const f of found) hits.push(`${where}: ${f.marker} as ${f.form}`); };
const searched = new Map<string, number>();
/** Every file that was written since: of the project, the temporary folder, the home and the reports. */
function searchFiles(after: string): void {
  for (const dir of [root, temp, home, reports, join(work, "fake"), join(work, "backend"), join(work, "pulumi")]) if (existsSync(dir)) for (const f of files(dir)) {
    const rel = relative(root, f);
    if (EXPECTED.some((x) => x.test(rel)) || rel.startsWith(".git/objects")) continue;
    const stamp = statSync(f).mtimeMs;
    if (searched.get(f) === stamp) continue;
    searched.set(f, stamp);
    note(`${after}: file ${relative(work, f)}`, search.in(readFileSync(f)));
  }
}

beforeAll(async () => {
  for (const d of [root, temp, home, reports, keysDir, join(work, "fake"), join(work, "backend")]) mkdirSync(d, { recursive: true });
  for (const f of ["stacks", "Pulumi.yaml", "schemas/access.ts"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => f.startsWith("schemas") || !p.endsWith(".ts") });
  keys = await makeExample(root, NOW);
  for (const [who, k] of Object.entries(keys)) {
    writeFileSync(join(keysDir, `${who}.age`), `${k.identity}\n`, { mode: 0o600 });
    writeFileSync(join(keysDir, `${who}.ssh`), k.signing, { mode: 0o600 });
  }
  writeFileSync(join(root, ".gitignore"), ".stackseal/\nbackup/\nrestored*/\n");
  writeFileSync(join(root, "stacks/backup.yaml"), "breakGlass: [super-admin-1, super-admin-2, admin-1]\neveryDays: 7\ndrillEveryDays: 92\n");
  writeFileSync(join(work, "crash.cjs"), "setTimeout(() => { throw new Error('crash in the midst'); }, 700);\n");
  const git = (...a: string[]): void => { spawnSync("git", a, { cwd: root, env: { PATH: process.env["PATH"], HOME: home, GIT_CONFIG_NOSYSTEM: "1" } }); };
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("-c", "user.name=super-admin-1", "-c", "user.email=super-admin-1@acme.example", "commit", "-q", "-m", "Start");
  // A service that answers every call with an error that quotes the caller's own headers and body.
  echo = createServer((req, res) => {
    const body: Buffer[] = [];
    req.on("data", (d: Buffer) => body.push(d));
    req.on("end", () => { res.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ error: { type: "invalid_request_error", code: "resource_missing", message: `Invalid API Key provided: ${String(req.headers.authorization)} ${Buffer.concat(body).toString()}`, param: req.headers.authorization } })); });
  });
  await new Promise<void>((done) => { echo.listen(0, "127.0.0.1", done); });
}, 120_000);

const port = (): number => (echo.address() as { port: number }).port;
async function run(step: Step): Promise<Watched> {
  const name = step.args.join(" ");
  // What only the run itself knows: the archive that it made, and where the keys lie.
  const args = step.args.map((a) => (a === "ARCHIVE" ? join("backup", [...files(join(root, "backup"))].map((f) => relative(join(root, "backup"), f)).find((f) => f.endsWith(".age")) ?? "none.age") : a.startsWith("KEY:") ? join(keysDir, `${a.slice(4)}.age`) : a));
  const given = Object.fromEntries(Object.entries(step.env ?? {}).map(([k, v]) => [k, v === "ECHO" ? `http://127.0.0.1:${port()}` : v === "CRASH" ? `--require ${join(work, "crash.cjs")}` : v]));
  const { NODE_OPTIONS: options, ...more } = given;
  const report = `--report-uncaught-exception --report-on-fatalerror --report-directory=${reports}`;
  const env = {
    PATH: process.env["PATH"], HOME: home, TMPDIR: temp, STACKSEAL_DEBUG: "1", DEBUG: "*", NODE_DEBUG: "http,https,tls", PULUMI_DEBUG_PROMISE_LEAKS: "1", GRPC_TRACE: "all", GRPC_VERBOSITY: "DEBUG", GIT_CONFIG_NOSYSTEM: "1",
    ...(step.as !== undefined && { SOPS_AGE_KEY_FILE: join(keysDir, `${step.as}.age`), STACKSEAL_SIGNING_KEY: join(keysDir, `${step.as}.ssh`) }),
    ...more, NODE_OPTIONS: options === undefined ? report : `${report} ${options}`,
  };
  const w = await watch(process.execPath, [join(repo, "dist/cli.js"), "-C", root, ...args], { env, ...(step.input !== undefined && { input: step.input }), ...(step.stopAfter !== undefined && { stopAfter: step.stopAfter }), ...(step.given !== undefined && { given: step.given }) });
  if (!ran.has(name)) ran.set(name, w.code);
  if (!step.reveals) note(`${name}: standard output`, search.in(w.stdout));
  note(`${name}: standard error`, search.in(w.stderr));
  note(`${name}: processes`, search.in(w.processes));
  searchFiles(name);
  return w;
}

/** The Pulumi CLI where there is one, else what stands in for it: then its own doings are unseen, what it is given and what becomes of its answers isn't. */
const cli = findCli(process.env);
const cliEnv: Record<string, string> = {
  FAKE_DIR: join(work, "fake"), FAKE_EVENTS: "up", PULUMI_BACKEND_URL: `file://${join(work, "backend")}`, PULUMI_CONFIG_PASSPHRASE: "", PULUMI_HOME: join(work, "pulumi"), PULUMI_SKIP_UPDATE_CHECK: "1",
  ...(cli === null && { PATH: `${join(repo, "tests/engine/fake-cli")}:${process.env["PATH"] ?? ""}` }),
};
describe("the canary", () => {
  it("finds no marker in anything that any command writes or prints", async () => {
    search = new Search([]);
    // local's samples are made by the first run; their markers are known only then, so its output is searched again below.
    const first = await run(STEPS[0] as Step);
    all = await markers();
    expect(all.filter((m) => m.name.startsWith("local:")).length).toBeGreaterThan(5);
    expect(new Set(all.map((m) => m.value)).size).toBe(all.length);
    // A value that somebody gives by hand, as it comes in.
    const given = expand("{hex:32}");
    all.push({ name: "given to secret set", value: given, fixed: 0 });
    search = new Search(all);
    searched.clear();
    note("start: printed", search.in(Buffer.concat([first.stdout, first.stderr, first.processes])));
    searchFiles("start");
    const set = await run({ args: ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], as: "super-admin-1", input: given });
    expect([set.code, set.stderr.toString()]).toEqual([0, ""]);
    for (const step of STEPS) await run(step);
    // The CLI runs the built program and plugins by the paths of Pulumi.yaml.
    symlinkSync(join(repo, "dist"), join(root, "dist"));
    for (const step of CLI_STEPS) await run({ ...step, env: cliEnv });
    const listed = new Set(STEPS.map((s) => s.args));
    const done = (name: string): boolean => [...listed].some((args) => args.slice(0, name.split(" ").length).join(" ") === name);
    for (const c of commands) if (!done(c.name) && EXCUSED[c.name] === undefined) await run(DEFAULT(c.name));
    expect(hits).toEqual([]);
    // It really ran: the main job, a deployment, a re-seal with a key, and a run that crashed in the midst.
    for (const name of ["start", "check", "preview", "up --env local --yes", "secret reseal --env dev --yes", "secret get twilio.authToken --env dev --reveal", "audit bundle --since 2020-01-01 --until 2099-12-31 --out bundle", "audit verify bundle.tar --json", "backup create --out backup --json", "backup drill ARCHIVE --identity KEY:super-admin-1 --identity KEY:super-admin-2 --json", "backup restore ARCHIVE --identity KEY:super-admin-1 --identity KEY:admin-1 --into restored", "access review --json", ...(cli === null ? CLI_STEPS.map((x) => x.args.join(" ")) : [])]) expect([name, ran.get(name)]).toEqual([name, 0]);
    expect(ran.get("secret get twilio.authToken --env prod --reveal")).toBe(1);
  }, 600_000);

  it("wrote a crash report, and searched it", () => {
    expect([...files(reports)].length).toBeGreaterThan(0);
    expect([...searched.keys()].some((f) => f.startsWith(reports))).toBe(true);
  });
});

describe("a planted leak", () => {
  const value = `sk_test_${randomBytes(24).toString("base64url").replace(/[-_]/g, "x")}/+ä"\\`;
  const marker: Marker = { name: "planted", value, fixed: 8 };
  const text = `some log line before ${"x".repeat(50)} `;
  const planted = new Search([marker]);
  const b64 = (pad: string): string => Buffer.from(`${pad}${value}tail`).toString("base64");
  it.each<[string, Buffer]>([
    ["raw", Buffer.from(text + value)], ["raw without its prefix", Buffer.from(text + value.slice(8))],
    ["base64 at 0", Buffer.from(text + b64(""))], ["base64 at 1", Buffer.from(text + b64("a"))], ["base64 at 2", Buffer.from(text + b64("ab"))],
    ["base64url", Buffer.from(text + Buffer.from(`a${value}tail`).toString("base64url"))],
    ["URL-encoded", Buffer.from(text + encodeURIComponent(value))], ["percent-encoded throughout", Buffer.from(text + [...Buffer.from(value)].map((b) => `%${b.toString(16).toUpperCase().padStart(2, "0")}`).join(""))],
    ["hex", Buffer.from(text + Buffer.from(value).toString("hex"))], ["HEX", Buffer.from(text + Buffer.from(value).toString("hex").toUpperCase())],
    ["JSON-escaped", Buffer.from(text + JSON.stringify({ a: value }))], ["UTF-16", Buffer.concat([Buffer.from(text), Buffer.from(value, "utf16le")])],
    ["gzip", Buffer.concat([Buffer.from(text), gzipSync(`{"a":${JSON.stringify(value)}}`)])], ["deflate", Buffer.concat([Buffer.from(text), deflateSync(value)])], ["gzip of base64", Buffer.concat([Buffer.from(text), gzipSync(b64("a"))])], ["deflate, quick", Buffer.concat([Buffer.from(text), deflateSync(value, { level: 3 })])], ["deflate at its best in base64", Buffer.from(text + deflateSync(value, { level: 9 }).toString("base64"))], ["deflate in base64", Buffer.from(text + deflateSync(value).toString("base64"))], ["gzip inside gzip", gzipSync(Buffer.concat([Buffer.from("x"), gzipSync(value)]))], ["gzip in base64", Buffer.from(text + gzipSync(value).toString("base64"))],
    ["the first half", Buffer.from(text + value.slice(8, 8 + Math.floor((value.length - 8) / 2)))], ["the second half", Buffer.from(text + value.slice(8 + Math.floor((value.length - 8) / 2)))],
  ])("is found: %s", (_form, bytes) => { expect(planted.in(bytes).map((f) => f.marker)).toEqual(expect.arrayContaining(["planted"])); });
  it("is found in a process's arguments and environment", async () => {
    const w = await watch(process.execPath, ["-e", "require('node:child_process').spawnSync('sleep', ['0.4'], { env: { X: process.argv[1] } })", value], { env: { PATH: process.env["PATH"] } });
    expect(planted.in(w.processes).map((f) => f.form)).toContain("raw");
  });
  it("is no false alarm: other values of the same kind", () => {
    expect(formsOf(marker).length).toBeGreaterThan(12);
    expect(planted.in(Buffer.from(`sk_test_ ${randomBytes(3000).toString("base64")} ${randomBytes(3000).toString("hex")}`))).toEqual([]);
  });
});
