import { cpSync, existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { channel, startPlugin, type Plugin } from "../engine/spawned/grpc.ts";
import { PluginProvider } from "../engine/spawned/plugin.ts";
import { providerClient, providerRpc, type ProviderCalls } from "../engine/spawned/client.ts";
import { empty, fromStruct, grpc, promised, providerPb, toStruct, type Method } from "../../engine/embedded/rpc.ts";
import { embedded, type Outcome } from "../../engine/index.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Provider } from "../../lib/provider.ts";
import type { Props, Value } from "../../lib/pulumi-value.ts";
import { providerFor } from "../../providers/index.ts";
import { startStripe } from "../../sandbox/stripe.ts";
import { stackName } from "../../schemas/layout.ts";
import { judgementOf, partsOf, runOf } from "../../scripts/deployment.ts";
import { readProject } from "../../stacks/read.ts";
import { endpointInputs, endpointUrn, localProject, versionInputs, versionUrn, type LocalProject } from "./fixture.ts";

// The files that the Pulumi CLI would start, as it starts them: a process, a port on its first line, gRPC.

vi.setConfig({ testTimeout: 400_000, hookTimeout: 400_000 });
const repo = resolve(import.meta.dirname, "../..");
const file = (name: string): string => join(repo, `dist/providers/${name}/pulumi-resource-${name}`);
const environment = (more: Record<string, string> = {}): Record<string, string> => ({ PATH: process.env["PATH"] ?? "", HOME: mkdtempSync(join(tmpdir(), "plugin-home-")), ...more });
let project: LocalProject;
beforeAll(async () => { project = await localProject(new Date()); });

type Client = ProviderCalls & { readonly getPluginInfo: Method<unknown, InstanceType<typeof pluginPb.PluginInfo>> };
describe.each([
  { name: "stripe", urn: endpointUrn(), inputs: (): Props => endpointInputs(project), type: "stripe:index:WebhookEndpoint", wrong: { enabledEvents: ["nothing.happened"] }, change: { enabledEvents: ["invoice.paid"] }, replace: { apiVersion: "2026-09-30.endive" } },
  { name: "stackseal", urn: versionUrn(), inputs: (): Props => versionInputs(project), type: "stackseal:index:SealedVersion", wrong: { secretId: "" }, change: { tags: { environment: "local", team: "a" } }, replace: { secretId: "stackseal/local/vapi" } },
])("pulumi-resource-$name", ({ name, urn, inputs, type, wrong, change, replace }) => {
  let plugin: Plugin, client: Client;
  const ask = <Q, R>(method: Method<Q, R>, q: Q): Promise<R> => promised(client, method, q);
  const resourceType = urn.split("::")[2]!.split("$").pop()!, resourceName = urn.split("::")[3]!;
  beforeAll(async () => {
    expect(existsSync(file(name)), "npm run build first").toBe(true);
    plugin = await startPlugin([file(name), "127.0.0.1:1"], { cwd: project.root, env: environment() });
    client = providerClient(plugin.address, channel) as Client;
  });
  afterAll(async () => {
    client.close();
    await plugin.stop();
  });
  const diff = async (news: Props): Promise<InstanceType<typeof providerPb.DiffResponse>> => {
    const q = new providerPb.DiffRequest();
    q.setUrn(urn); q.setId("x"); q.setOlds(toStruct(inputs())); q.setOldInputs(toStruct(inputs())); q.setNews(toStruct({ ...inputs(), ...news })); q.setType(resourceType); q.setName(resourceName);
    return ask(client.diff, q);
  };
  const check = async (news: Props): Promise<InstanceType<typeof providerPb.CheckResponse>> => {
    const q = new providerPb.CheckRequest();
    q.setUrn(urn); q.setNews(toStruct(news)); q.setType(resourceType); q.setName(resourceName);
    return ask(client.check, q);
  };

  it("says its version and its schema", async () => {
    expect((await ask(client.getPluginInfo, empty())).getVersion()).toMatch(/^\d+\.\d+\.\d+/);
    const schema = JSON.parse((await ask(client.getSchema, new providerPb.GetSchemaRequest())).getSchema()) as { name: string; resources: Record<string, object> };
    expect(schema.name).toBe(name);
    expect(Object.keys(schema.resources)).toContain(type);
  });
  it("takes its configuration and says what it supports", async () => {
    const q = new providerPb.CheckRequest();
    q.setUrn(`urn:pulumi:local::stackseal::pulumi:providers:${name}::default`);
    q.setNews(toStruct({ version: "0.1.0" }));
    expect((await ask(client.checkConfig, q)).getFailuresList()).toEqual([]);
    const c = new providerPb.ConfigureRequest();
    c.setAcceptsecrets(true);
    c.setArgs(toStruct({}));
    const r = await ask(client.configure, c);
    expect([r.getAcceptsecrets(), r.getSupportspreview()]).toEqual([true, true]);
  });
  it("checks: what is declared passes, what isn't allowed is refused by a code", async () => {
    const good = await check(inputs());
    expect(good.getFailuresList().map((f) => f.getReason())).toEqual([]);
    expect(fromStruct(good.getInputs())).toMatchObject(inputs());
    const bad = await check({ ...inputs(), ...wrong });
    expect(bad.getFailuresList().map((f) => f.getReason()).join()).toMatch(/[A-Z_]{6,}: /);
  });
  it("compares: nothing, a change in place, a replacement", async () => {
    expect((await diff({})).getChanges()).toBe(providerPb.DiffResponse.DiffChanges.DIFF_NONE);
    const changed = await diff(change);
    expect([changed.getChanges(), changed.getReplacesList()]).toEqual([providerPb.DiffResponse.DiffChanges.DIFF_SOME, []]);
    expect((await diff(replace)).getReplacesList()).toEqual(Object.keys(replace));
  });
  it("creates nothing in a preview, and answers without a key or a network", async () => {
    const q = new providerPb.CreateRequest();
    q.setUrn(urn); q.setProperties(toStruct(inputs())); q.setPreview(true); q.setType(resourceType); q.setName(resourceName);
    const r = await ask(client.create, q);
    expect(Object.keys(fromStruct(r.getProperties())).length).toBeGreaterThan(0);
    expect(existsSync(join(project.root, ".stackseal/store"))).toBe(false);
  });
  it("ends when it is told to", async () => {
    const other = await startPlugin([file(name), "127.0.0.1:1"], { cwd: project.root, env: environment() });
    await other.stop();
    const gone = new providerRpc.ResourceProviderClient(other.address, grpc.credentials.createInsecure());
    await expect(promised(gone, (gone as unknown as Client).getPluginInfo, empty())).rejects.toThrow(/UNAVAILABLE/);
    gone.close();
  });
});

describe("up of local through the executables", () => {
  it("gives what it gives in process: steps, outputs, state", async () => {
    const { root } = await localProject(new Date());
    const other = mkdtempSync(join(tmpdir(), "executables-"));
    cpSync(root, other, { recursive: true });
    const up = async (dir: string, how: "in process" | "executables"): Promise<{ outcomes: Outcome[]; state: unknown[] }> => {
      const d = readProject(dir, { only: ["local"], clock: systemClock }).environments[0]!;
      const sandbox = await startStripe(join(dir, ".stackseal/sandbox"));
      const engine = await embedded({ root: dir, env: {}, clock: systemClock });
      const load = (pkg: string): Promise<Provider> | Provider | null => (how === "in process" ? providerFor(pkg, { root: dir, env: {}, clock: systemClock, stripeSandbox: sandbox.url })
        : PluginProvider.start([file(pkg)], "127.0.0.1:1", environment({ STACKSEAL_STRIPE_SANDBOX: sandbox.url }), dir));
      try {
        const outcomes: Outcome[] = [], state: unknown[] = [], judgement = await judgementOf(dir, systemClock);
        for (const part of partsOf(d)) {
          outcomes.push(await engine.up({ ...(await runOf(dir, d, part, () => null, judgement)), providerFor: load }));
          state.push((await engine.export(stackName("local", part)))?.deployment["resources"]);
        }
        return { outcomes, state };
      } finally {
        await sandbox.close();
      }
    };
    const told = ({ outcomes, state }: Awaited<ReturnType<typeof up>>, dir: string): unknown => same({ steps: outcomes.map((o) => o.steps.map((s) => [s.op, s.urn, s.ok !== false]).sort()), outputs: outcomes.map((o) => o.outputs), state: state.map((rows) => [...(rows as { urn: string }[])].sort((a, b) => (a.urn < b.urn ? -1 : 1))) }, dir);
    const [a, b] = [await up(root, "in process"), await up(other, "executables")];
    expect(b.outcomes.flatMap((o) => o.diagnostics.map((x) => x.message))).toEqual([]);
    expect(b.outcomes.map((o) => o.ok)).toEqual([true, true]);
    expect(told(b, other)).toEqual(told(a, root));
    // And each finds nothing to do in what the other made.
    for (const [dir, how] of [[root, "executables"], [other, "in process"]] as const) expect(new Set((await up(dir, how)).outcomes.flatMap((o) => o.steps.map((s) => s.op)))).toEqual(new Set(["same"]));
  });
});
/** Leaves out what is new on each run: identifiers of endpoints and of providers, times, the sandbox's port, and what hangs on a signing secret that was just minted. */
const same = (v: Value, dir: string): unknown =>
  JSON.parse(JSON.stringify(v, (k, x: unknown) => (["created", "modified"].includes(k) || (/^signingSecret(Version|Fingerprint)$/.test(k) && typeof x === "string") ? "…" : typeof x === "string" ? x.replaceAll(dir, "ROOT").replaceAll(/we_\w+/g, "we_").replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UUID").replaceAll(/127\.0\.0\.1:\d+/g, "LOOPBACK") : x)));
