// What a deployment costs beside AWS's own answers, and whether check stays linear: npm run bench -- aws [CREDENTIALS] [ENVIRONMENTS].
// A deployment in this process notes every call of the AWS SDK. Then the built command's `up` of one environment with 500 sealed credentials, and a program that makes the same calls
// with the same clients in a plain loop, 16 at a time: each a process of its own against a ministack of its own. Then `check` over 10, 25 and 50 environments, a process each.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { readDocument } from "../lib/document.ts";
import { systemClock } from "../lib/clock.ts";
import { FindingError } from "../lib/finding.ts";
import { embedded } from "../engine/index.ts";
import { expectedSecrets } from "../schemas/integrations/index.ts";
import { environmentFile, humanPepperFile, paymentsFile, pepperFile, sealedFile } from "../schemas/layout.ts";
import { parseEnvironment, parsePayments } from "../schemas/parse.ts";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { newPepper, sealPeppers, sealSamples } from "../seal/seed.ts";
import { newSigningKey, readSigningKey } from "../seal/signature.ts";
import { readProject } from "../stacks/read.ts";
import { deploy } from "../scripts/deploy.ts";
import type { Context } from "../scripts/command.ts";
import { findPeer, startMinistack } from "../tests/aws/emulator.ts";

const ACCOUNT = "111111111111";
const PARALLEL = 16;
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

/** One call of the AWS SDK, as another process can make it again. */
interface Call { readonly service: string; readonly region: string; readonly command: string; readonly input: unknown }
interface Client { send(c: object): Promise<unknown>; destroy(): void }
type Sdk = Readonly<Record<string, new (o: unknown) => Client>>;
const SERVICES = ["secrets-manager", "kms", "iam", "sts", "s3", "sns", "eventbridge", "cloudtrail", "scheduler", "ssm"];
const sdkOf = (service: string): Sdk => createRequire(import.meta.url)(`@aws-sdk/client-${service}`) as Sdk;
const clientName = (sdk: Sdk): string => Object.keys(sdk).find((k) => /^[A-Z][A-Za-z0-9]*Client$/.test(k)) ?? never();
/** Every SDK client's one `send`, noted; loaded as the products' own modules are. */
function note(calls: Call[]): void {
  for (const service of SERVICES) {
    const sdk = sdkOf(service), Service = sdk[clientName(sdk)] as { prototype: object };
    // Each service's client has a prototype of its own, which inherits the one `send`.
    const prototype = Service.prototype as { send: (this: object, c: object, ...more: unknown[]) => Promise<unknown> }, { send } = prototype;
    prototype.send = async function (c, ...more) {
      const { config } = this as { config: { region: () => Promise<string> } };
      calls.push({ service, region: await config.region(), command: c.constructor.name, input: structuredClone((c as { input: unknown }).input) });
      return send.call(this, c, ...more);
    };
  }
}

async function project(endpoint: string, credentials: number, environments = 1): Promise<{ root: string; identity: string }> {
  const root = mkdtempSync(join(tmpdir(), "bench-aws-"));
  cpSync("Pulumi.yaml", join(root, "Pulumi.yaml"));
  mkdirSync(join(root, "stacks/dev"), { recursive: true });
  const identity = await newIdentity(), recipient = await recipientOf(identity), signing = newSigningKey("super-admin-1");
  writeFileSync(join(root, "stacks/people.yaml"), `people:\n    super-admin-1:\n        role: super-admin\n        tiers: [development, staging, production]\n        recipients: [${recipient}]\n        signing: ["${signing.publicLine}"]\n        secondFactor: { attestedAt: "2026-11-01" }\n        from: "2026-01-01"\n`);
  const key = readSigningKey(signing.file);
  if (!key) throw new Error("no signing key");
  const now = new Date(), peppers = { g: newPepper(), h: newPepper() };
  writeFileSync(join(root, pepperFile("dev")), await sealPeppers({ g1: peppers.g }, [recipient], now));
  writeFileSync(join(root, humanPepperFile("dev", "development")), await sealPeppers({ h1: peppers.h }, [recipient], now));
  const [base, pay] = [readFileSync(environmentFile("dev"), "utf8"), readFileSync(paymentsFile("dev"), "utf8")];
  for (let e = 0; e < environments; e++) {
    const name = environments === 1 ? "dev" : `dev${String(e)}`;
    mkdirSync(join(root, "stacks", name), { recursive: true });
    const hooks = Array.from({ length: Math.max(1, credentials - 17) }, (_, i) => `            h${String(i)}: { url: "https://hooks.partner.example/${name}/${String(i)}", events: [call.completed] }\n`).join("");
    const store = endpoint === "" ? "{ kind: file }" : `{ kind: aws, accountId: "${ACCOUNT}", region: eu-west-1, endpoint: "${endpoint}" }`;
    const text = base.replace(/^store: .*$/m, `store: ${store}`).replace(/^environment: .*$/m, `environment: ${name}`).replace(/https:\/\/dev\.acme/g, `https://${name}.acme`).replace(/AC0{31}1/, `AC${String(e + 1).padStart(32, "0")}`).replace(/(outbound-webhooks:\n {8}endpoints:\n)(?: {12}.*\n)*/, `$1${hooks}`);
    writeFileSync(join(root, environmentFile(name)), text);
    writeFileSync(join(root, paymentsFile(name)), pay.replace(/^environment: .*$/m, `environment: ${name}`).replace(/^ {4}mode: test$/m, "    mode: test\n    apiBase: sandbox"));
    const environment = parseEnvironment(readDocument(root, environmentFile(name)).document ?? never()).value ?? never();
    const payments = parsePayments(readDocument(root, paymentsFile(name)).document ?? never()).value ?? never();
    const expected = expectedSecrets({ ...environment.integrations, stripe: payments.stripe }, "development");
    for (const cls of ["standard", "payments"] as const) writeFileSync(join(root, sealedFile(name, cls)), await sealSamples(expected.filter((x) => x.spec.class === cls), name, [recipient], { g: new Map([[1, peppers.g]]), h: new Map([[1, peppers.h]]) }, { name: "super-admin-1", key }, now));
  }
  return { root, identity };
}
const never = (): never => { throw new Error("the bench's declarations can't be read"); };
const context = (root: string, identity: string): Context => ({
  root, clock: systemClock, env: { PATH: process.env["PATH"], HOME: root, SOPS_AGE_KEY: identity }, json: false, color: false, interactive: false, yes: true, envs: ["dev"], stdin: process.stdin,
  out: () => undefined, say: () => undefined, signal: new AbortController().signal, progress: () => undefined,
});

/** The calls that `up` makes, of a deployment that nobody times. */
async function callsOf(credentials: number): Promise<{ readonly calls: readonly Call[]; readonly steps: number; readonly credentials: number }> {
  const calls: Call[] = [];
  note(calls);
  const m = await startMinistack(ACCOUNT), { root, identity } = await project(m.url, credentials), c = context(root, identity);
  const d = readProject(root, { only: ["dev"], clock: systemClock }).environments[0] ?? never();
  const done = await deploy(c, await embedded(c), d, { parallel: PARALLEL });
  await m.close();
  if (!done.ok) throw new FindingError(done.findings);
  return { calls, steps: done.json.steps.length, credentials: d.credentials.length };
}
/** The plain loop, as the program that this file is when it is called with the calls' file and an address: prints how many were refused, out of their order. */
async function loop(file: string, endpoint: string): Promise<void> {
  const calls = deserialize(readFileSync(file)) as Call[], clients = new Map<string, Client>();
  const clientOf = ({ service, region }: Call, sdk: Sdk): Client => {
    const known = clients.get(`${service} ${region}`) ?? new (sdk[clientName(sdk)] ?? never())({ region, endpoint, credentials: { accessKeyId: "test", secretAccessKey: "test" }, forcePathStyle: true });
    clients.set(`${service} ${region}`, known);
    return known;
  };
  let next = 0, refused = 0;
  await Promise.all(Array.from({ length: PARALLEL }, async () => {
    for (let call = calls[next++]; call; call = calls[next++]) {
      const sdk = sdkOf(call.service);
      await clientOf(call, sdk).send(new (sdk[call.command] ?? never())(call.input)).catch(() => { refused++; });
    }
  }));
  for (const c of clients.values()) c.destroy();
  console.log(String(refused));
}
interface Took { readonly ms: number; readonly cpu: number; readonly stdout: string }
/** A process of its own: its time, and its processor time, which a busy machine changes less. */
function timed(args: readonly string[], env: NodeJS.ProcessEnv = {}, ended: readonly number[] = [0]): Took {
  const at = performance.now();
  const r = spawnSync("sh", ["-c", '"$@"; code=$?; times; exit $code', "sh", process.execPath, ...args], { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8", maxBuffer: 1 << 28, env: { PATH: process.env["PATH"], NO_COLOR: "1", AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true", ...env } });
  const ms = performance.now() - at;
  if (r.status === null || !ended.includes(r.status)) throw new Error(`${args.join(" ")} ended with ${String(r.status)}: ${r.stdout.slice(-500)}`);
  const lines = r.stdout.trimEnd().split("\n"), spent = [...(lines.at(-1) ?? "").matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + (Number(m) * 60 + Number(s)) * 1000, 0);
  return { ms, cpu: spent, stdout: lines.slice(0, -2).join("\n") };
}

async function deployment(credentials: number): Promise<void> {
  if (findPeer("ministack") === undefined) { console.log("no ministack here (pip install ministack): the deployment isn't measured"); return; }
  const { calls, ...of } = await callsOf(credentials), file = join(mkdtempSync(join(tmpdir(), "bench-calls-")), "calls");
  writeFileSync(file, serialize(calls));
  const m = await startMinistack(ACCOUNT), { root, identity } = await project(m.url, credentials);
  const cli = [resolve("dist/cli.js"), "-C", root], env = { HOME: root, SOPS_AGE_KEY: identity };
  // One Super Admin alone has nobody who attests a second factor: the preview says so, and ends with 1.
  const seen = timed([...cli, "preview", "--env", "dev", "--json"], env, [0, 1]);
  const up = timed([...cli, "up", "--env", "dev", "--parallel", String(PARALLEL), "--yes", "--json"], env);
  const again = timed([...cli, "up", "--env", "dev", "--parallel", String(PARALLEL), "--yes", "--json"], env);
  await m.close();
  const fresh = await startMinistack(ACCOUNT), plain = timed([fileURLToPath(import.meta.url), "--loop", file, fresh.url]);
  await fresh.close();
  console.log(`${String(of.credentials)} sealed credentials in one environment, ${String(of.steps)} steps, ${String(calls.length)} calls of the AWS SDK, ${String(PARALLEL)} at a time; each a process of its own`);
  const line = (what: string, t: Took): void => { console.log(`${what.padEnd(44)} ${seconds(t.ms).padStart(6)}   processor ${seconds(t.cpu).padStart(6)}`); };
  line("up on ministack", up);
  line(`the same calls in a plain loop (${plain.stdout} refused)`, plain);
  line("preview of the same, without a call", seen);
  line("up again, nothing to change", again);
  console.log(`up takes ${(up.ms / plain.ms).toFixed(2)} times as long as the loop (aim: at most 2)`);
}
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

async function checks(most: number): Promise<void> {
  console.log("environments  check, cold   a further environment   (best of 3, 30 credentials each)");
  let before: { n: number; ms: number } | null = null;
  for (const n of [Math.ceil(most / 5), Math.ceil(most / 2), most]) {
    const { root } = await project("", 30, n);
    const times = Array.from({ length: 3 }, () => {
      const at = performance.now();
      const r = spawnSync(process.execPath, [resolve("dist/cli.js"), "-C", root, "check", "--json"], { encoding: "utf8", maxBuffer: 1 << 28, env: { PATH: process.env["PATH"], HOME: root, NO_COLOR: "1" } });
      if ((JSON.parse(r.stdout) as { environments: unknown[] }).environments.length !== n) throw new Error("check didn't see every environment");
      return performance.now() - at;
    });
    const ms = Math.min(...times);
    console.log(`${String(n).padStart(12)}  ${`${String(Math.round(ms))} ms`.padStart(11)}   ${before ? `${((ms - before.ms) / (n - before.n)).toFixed(1)} ms` : ""}`);
    before = { n, ms };
  }
}
if (!existsSync(environmentFile("dev"))) never();
const [first = "500", second = "50", third = ""] = process.argv.slice(2);
if (first === "--loop") await loop(second, third);
else {
  await deployment(Number(first));
  if (Number(second) > 0) await checks(Number(second));
}
