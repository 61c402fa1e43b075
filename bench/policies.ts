// How long the whole pack takes over a large stack, and against conftest with five equivalent rules on the same graph as JSON. To run it:
//   npx esbuild bench/policies.ts --bundle --platform=node --format=esm --packages=external --outfile=dist/bench/policies.mjs && node dist/bench/policies.mjs [RESOURCES]
// conftest (pinned) is installed by Go into the user's cache the first time; without Go its line is left out.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { rules } from "../policies/index.ts";
import { PackConfig } from "../policies/kit/config.ts";
import { ExceptionBook } from "../policies/kit/exceptions.ts";
import { judgeGraph, type GraphResource } from "../policies/kit/graph.ts";
import { makePolicies } from "../policies/kit/pack.ts";
import type { Known } from "../policies/policy.ts";

const known: Known = { now: new Date("2026-11-24T00:00:00Z"), environments: [{ name: "prod", tier: "production", accountId: "333333333333", region: "eu-west-1", replicas: [], host: "app.acme.example", here: false }] };
const tags = { "managed-by": "stackseal", environment: "prod", tier: "production", class: "standard", owner: "admin", "due-at": "2999-01-01" };
/** Secrets with their versions, parameters and policies, a tenth of them wrong. */
function graph(n: number): GraphResource[] {
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [{ Sid: "Read", Effect: "Allow", Principal: { AWS: "arn:aws:iam::333333333333:role/stackseal-prod-app" }, Action: ["secretsmanager:GetSecretValue"], Resource: "*" }, { Effect: "Deny", Principal: "*", Action: "secretsmanager:*", Resource: "*", Condition: { Bool: { "aws:SecureTransport": "false" } } }] });
  const make = (type: string, i: number, inputs: Record<string, unknown>): GraphResource => ({ type, name: `r${String(i)}`, urn: `urn:pulumi:prod::stackseal::${type}::r${String(i)}`, inputs, outputs: {}, protect: true, from: type.includes("secretPolicy") ? { secretArn: [`urn:pulumi:prod::stackseal::aws:secretsmanager/secret:Secret::r${String(i - 1)}`] } : {} });
  return Array.from({ length: n }, (_, i) => {
    const wrong = i % 40 < 4;
    switch (i % 4) {
      case 0: return make("aws:secretsmanager/secret:Secret", i, { name: `stackseal/prod/r${String(i)}`, kmsKeyId: wrong ? "alias/aws/secretsmanager" : "alias/stackseal/prod/standard", recoveryWindowInDays: wrong ? 7 : 30, tags });
      case 1: return make("aws:secretsmanager/secretPolicy:SecretPolicy", i, { secretArn: `arn:aws:secretsmanager:eu-west-1:333333333333:secret:stackseal/prod/r${String(i)}`, blockPublicPolicy: !wrong, policy: wrong ? policy.replace("arn:aws:iam::333333333333:role/stackseal-prod-app", "*") : policy });
      case 2: return make("stackseal:index:SealedVersion", i, { secretId: `stackseal/prod/r${String(i)}`, store: { kind: "aws", accountId: "333333333333", region: "eu-west-1" }, tags, values: [{ variable: "A", key: `r${String(i)}.token`, issueId: "01JD0000000000000000000000", fingerprint: `g1:${String(i).padStart(22, "A")}` }] });
      default: return make("aws:ssm/parameter:Parameter", i, { name: `/stackseal/prod/r${String(i)}/URL`, type: "String", value: `https://api.example/${String(i)}`, tags: wrong ? {} : { "managed-by": "stackseal", environment: "prod", tier: "production" } });
    }
  });
}
const pack = makePolicies({ rules, known, config: new PackConfig(), book: new ExceptionBook() });
const size = Number(process.argv[2] ?? 1000);
const times: { n: number; ms: number }[] = [];
await judgeGraph(pack, graph(50));
for (const n of [size / 2, size, size * 2, size * 4]) {
  const g = graph(n);
  const start = performance.now();
  const found = await judgeGraph(pack, g);
  const ms = performance.now() - start;
  times.push({ n, ms });
  console.log(`${String(n).padStart(6)} resources, ${String(pack.length)} policies: ${ms.toFixed(0)} ms, ${String(found.length)} violations`);
}
const at = (n: number): number => times.find((t) => t.n === n)?.ms ?? Number.NaN;
console.log(`the whole pack on ${String(size)} resources: ${at(size).toFixed(0)} ms past process start (wanted: under 1000 at 1000); four times the resources take ${(at(size * 4) / at(size)).toFixed(1)} times as long`);

const VERSION = "v0.71.1";
const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "stackseal", "tools");
const conftest = join(cache, `conftest-${VERSION}`, "conftest");
if (!existsSync(conftest)) {
  mkdirSync(cache, { recursive: true });
  const dir = mkdtempSync(join(cache, ".conftest-"));
  if (spawnSync("go", ["install", `github.com/open-policy-agent/conftest@${VERSION}`], { env: { ...process.env, GOBIN: dir }, stdio: "ignore" }).status === 0) renameSync(dir, join(cache, `conftest-${VERSION}`));
  else rmSync(dir, { recursive: true, force: true });
}
if (!existsSync(conftest)) console.log("conftest isn't here: no comparison");
else {
  const FIVE = ["customer-managed-key", "recovery-window", "secret-policy", "no-wildcards", "owned-and-tagged"];
  const dir = mkdtempSync(join(tmpdir(), "conftest-"));
  mkdirSync(join(dir, "policy"));
  writeFileSync(join(dir, "graph.json"), JSON.stringify({ resources: graph(size) }));
  writeFileSync(join(dir, "policy/main.rego"), `package main
import rego.v1
secrets contains r if { some r in input.resources; r.type == "aws:secretsmanager/secret:Secret" }
deny contains msg if { some r in secrets; startswith(object.get(r.inputs, "kmsKeyId", "alias/aws/"), "alias/aws/"); msg := sprintf("%s: AWS's own key", [r.urn]) }
deny contains msg if { some r in secrets; object.get(r.inputs, "recoveryWindowInDays", 30) < 30; msg := sprintf("%s: recovery window", [r.urn]) }
deny contains msg if { some r in input.resources; r.type == "aws:secretsmanager/secretPolicy:SecretPolicy"; not r.inputs.blockPublicPolicy; msg := sprintf("%s: public access", [r.urn]) }
deny contains msg if { some r in input.resources; doc := json.unmarshal(r.inputs.policy); some s in doc.Statement; s.Effect == "Allow"; s.Principal.AWS == "*"; msg := sprintf("%s: any principal", [r.urn]) }
deny contains msg if { some r in input.resources; r.inputs.tags; some t in ["managed-by", "environment"]; not r.inputs.tags[t]; msg := sprintf("%s: tag %s", [r.urn, t]) }
`);
  const run = (): number => {
    const start = performance.now();
    const r = spawnSync(conftest, ["test", "--no-color", "-o", "json", "-p", join(dir, "policy"), join(dir, "graph.json")], { encoding: "utf8", maxBuffer: 1 << 28 });
    if (r.status !== 1) throw new Error(`conftest: ${r.stderr}${r.stdout.slice(0, 500)}`);
    return performance.now() - start;
  };
  const empty = (): number => { const start = performance.now(); spawnSync(conftest, ["--version"]); return performance.now() - start; };
  const median = (f: () => number): number => [f(), f(), f(), f(), f()].sort((a, b) => a - b)[2] as number;
  const theirs = median(run) - median(empty);
  const five = makePolicies({ rules: rules.filter((r) => FIVE.includes(r.id)), known, config: new PackConfig(), book: new ExceptionBook() });
  const g = graph(size);
  const ours: number[] = [];
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    await judgeGraph(five, g);
    ours.push(performance.now() - start);
  }
  const mine = ours.sort((a, b) => a - b)[2] as number;
  console.log(`five equivalent rules on ${String(size)} resources, past process start: ours ${mine.toFixed(0)} ms, conftest ${VERSION} ${theirs.toFixed(0)} ms: ${(theirs / mine).toFixed(1)} times as long`);
  rmSync(dir, { recursive: true, force: true });
}
