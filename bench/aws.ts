// What a deployment costs beside AWS's own answers, and whether check stays linear: npm run bench -- aws [CREDENTIALS] [ENVIRONMENTS].
// `up` of one environment with 500 sealed credentials on ministack, every call of the AWS SDK noted; then the same calls with the same clients in a plain loop, 16 at a time, on a
// fresh ministack. Then `check` over 10, 25 and 50 environments, a process each.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createRequire } from "node:module";
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

interface Call { readonly client: new (s: object) => { send(c: object): Promise<unknown>; destroy(): void }; readonly settings: { readonly region: string }; readonly command: object }
/** Every SDK client's one `send`, noted; loaded as the products' own modules are. */
function note(services: readonly string[], calls: Call[]): void {
  const require = createRequire(import.meta.url);
  const seen = new Set<object>();
  for (const s of services) {
    const sdk = require(`@aws-sdk/client-${s}`) as Record<string, unknown>;
    const Service = Object.entries(sdk).find(([k, v]) => /^[A-Z][A-Za-z0-9]*Client$/.test(k) && typeof v === "function")?.[1] as { prototype: object };
    const base = Object.getPrototypeOf(Service.prototype) as { send: (this: object, c: object, ...more: unknown[]) => Promise<unknown> };
    if (seen.has(base)) continue;
    seen.add(base);
    const send = base.send;
    base.send = async function (c, ...more) {
      const self = this as { constructor: Call["client"]; config: { region: () => Promise<string> } };
      const call: Call = { client: self.constructor, settings: { region: await self.config.region() }, command: c };
      calls.push(call);
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

async function deployment(credentials: number): Promise<void> {
  if (findPeer("ministack") === undefined) { console.log("no ministack here (pip install ministack): the deployment isn't measured"); return; }
  const calls: Call[] = [];
  note(["secrets-manager", "kms", "iam", "sts", "s3", "sns", "eventbridge", "cloudtrail", "scheduler", "ssm"], calls);
  const m = await startMinistack(ACCOUNT);
  const { root, identity } = await project(m.url, credentials);
  const c = context(root, identity);
  const d = readProject(root, { only: ["dev"], clock: systemClock }).environments[0] ?? never();
  const at = performance.now(), cpuAt = process.cpuUsage();
  const done = await deploy(c, await embedded(c), d, { parallel: PARALLEL });
  const up = performance.now() - at, upCpu = cpu(cpuAt);
  if (!done.ok) throw new FindingError(done.findings);
  await m.close();
  const noted = calls.slice();
  const fresh = await startMinistack(ACCOUNT);
  const clients = new Map<string, { send(c: object): Promise<unknown>; destroy(): void }>();
  const clientOf = (call: Call): { send(c: object): Promise<unknown> } => {
    const k = `${call.client.name} ${call.settings.region}`;
    const known = clients.get(k) ?? new call.client({ region: call.settings.region, endpoint: fresh.url, credentials: { accessKeyId: "test", secretAccessKey: "test" }, forcePathStyle: true });
    clients.set(k, known);
    return known;
  };
  const from = performance.now(), cpuFrom = process.cpuUsage();
  let next = 0, refused = 0;
  await Promise.all(Array.from({ length: PARALLEL }, async () => {
    for (let call = noted[next++]; call; call = noted[next++]) await clientOf(call).send(call.command).catch(() => { refused++; });
  }));
  const floor = performance.now() - from, floorCpu = cpu(cpuFrom);
  for (const x of clients.values()) x.destroy();
  await fresh.close();
  console.log(`${String(d.credentials.length)} sealed credentials in one environment, ${String(done.json.steps.length)} steps, ${String(noted.length)} calls of the AWS SDK, ${String(PARALLEL)} at a time`);
  console.log(`up on ministack ${seconds(up)}; the same calls in a plain loop ${seconds(floor)} (${String(refused)} of them refused, out of their order): ${(up / floor).toFixed(2)} times as long (aim: at most 2)`);
  console.log(`this process's own CPU: ${seconds(upCpu)} for up, ${seconds(floorCpu)} for the loop: what a busy machine doesn't change`);
}
const cpu = (from: NodeJS.CpuUsage): number => ((u) => (u.user + u.system) / 1000)(process.cpuUsage(from));
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
const [credentials = 500, environments = 50] = process.argv.slice(2).map(Number);
await deployment(credentials);
if (environments > 0) await checks(environments);
