import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { endpointVersion } from "../../providers/stripe/stamp.ts";
import { signingSecretName } from "../../schemas/layout.ts";

// A Stripe endpoint's roll and the deployments after it, by the commands: the stack's state names an endpoint that is gone, and finds its way.

const repo = resolve(import.meta.dirname, "../..");
const root = mkdtempSync(join(tmpdir(), "adopt-"));
const env = { PATH: process.env["PATH"] ?? "", HOME: mkdtempSync(join(tmpdir(), "home-")), NO_COLOR: "1" };
interface Step { op: string; urn: string }
interface Ran { code: number; json: { findings: { code: string }[]; environments?: { steps: Step[] }[] }; err: string }
const run = (...argv: string[]): Promise<Ran> => new Promise((done) => {
  execFile(process.execPath, [join(repo, "dist/cli.js"), "-C", root, ...argv, "--env", "local", "--yes", "--json"], { env, maxBuffer: 64 << 20 }, (e, out, err) => { done({ code: typeof e?.code === "number" ? e.code : e ? 1 : 0, json: JSON.parse(out === "" ? "{}" : out) as Ran["json"], err }); });
});
const json = (file: string): unknown => JSON.parse(readFileSync(join(root, ".stackseal", file), "utf8"));
interface Endpoint { id: string; description: string | null; metadata: Record<string, string> }
const all = (): Endpoint[] => (json("sandbox/stripe.json") as { endpoints: Endpoint[] }).endpoints;
const endpoints = (): Endpoint[] => all().filter((e) => e.metadata["name"] === "payments");
const stateOf = (): { id: string; outputs: Record<string, unknown> } => (json("state/local-payments.json") as { deployment: { resources: { id: string; urn: string; outputs: Record<string, unknown> }[] } }).deployment.resources.find((r) => r.urn.endsWith("WebhookEndpoint::payments"))!;
const steps = (r: Ran): string[] => r.json.environments!.flatMap((e) => e.steps).filter((s) => s.urn.endsWith("WebhookEndpoint::payments")).map((s) => s.op);
const current = (): string => (json(`store/${signingSecretName("local", "payments").replace("stackseal/", "")}.json`) as { versions: { id: string; label: string | null }[] }).versions.find((v) => v.label === "current")!.id;

beforeAll(async () => {
  for (const f of ["stacks", "Pulumi.yaml", ".sops.yaml"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  if (existsSync(join(repo, "policies"))) cpSync(join(repo, "policies"), join(root, "policies"), { recursive: true, filter: (p) => !/\.ts$|dist/.test(p) });
  expect((await new Promise<number>((done) => { execFile(process.execPath, [join(repo, "dist/cli.js"), "-C", root, "start"], { env }, (e) => { done(e ? 1 : 0); }); }))).toBe(0);
}, 180_000);
afterAll(() => { rmSync(root, { recursive: true, force: true }); });
const roll = async (): Promise<void> => {
  const r = await run("rotate", "start", "stripe.webhooks.payments.signingSecret", "--reason", "scheduled", "--confirm", "event");
  expect([r.code, r.json.findings.filter((f) => f.code.startsWith("ROTATION_"))]).toEqual([0, []]);
};

it("a deployment after a roll takes the new endpoint over, replaces nothing and makes no second; so do a refresh, another roll and a removal", async () => {
  const first = endpoints().map((e) => e.id);
  expect([first.length, stateOf().id]).toEqual([1, first[0]]);
  await roll();
  const second = endpoints().map((e) => e.id);
  expect(second).toHaveLength(1);
  expect(second).not.toEqual(first);
  const up = await run("up");
  expect([up.code, steps(up)]).toEqual([0, ["update"]]);
  expect(endpoints().map((e) => e.id)).toEqual(second);
  expect([stateOf().outputs["signingSecretVersion"], current()]).toEqual([endpointVersion(second[0]!), endpointVersion(second[0]!)]);
  const again = await run("up");
  expect([again.code, steps(again).filter((s) => s !== "same")]).toEqual([0, []]);
  // What is declared reaches the endpoint that is there.
  const file = join(root, "stacks/local/payments.yaml");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace(/(\n\s+)(apiVersion: .+)/, "$1$2$1description: taken over"));
  expect(readFileSync(file, "utf8")).not.toBe(text);
  expect(steps(await run("up"))).toEqual(["update"]);
  expect(endpoints().map((e) => [e.id, e.description])).toEqual([[second[0], "taken over"]]);
  // Rolled twice with a state that names the first one still; a refresh then names the one that is there.
  await roll();
  const third = endpoints().map((e) => e.id);
  const refreshed = await run("refresh");
  expect([refreshed.code, stateOf().id, endpoints().length]).toEqual([0, third[0], 1]);
  expect(steps(await run("up")).filter((s) => s !== "same" && s !== "update")).toEqual([]);
  expect(endpoints().map((e) => e.id)).toEqual(third);
  await roll();
  expect((await run("destroy")).code).toBe(0);
  expect(all()).toEqual([]);
}, 240_000);
