import { spawn, type ChildProcess } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FindingError } from "../../lib/finding.ts";
import { startVault, type VaultFake } from "../../sandbox/vault.ts";
import { findPeer } from "../../tests/aws/emulator.ts";
import type { Put } from "./contract.ts";
import { VaultStore } from "./vault.ts";

const id = (c: string): string => c.repeat(64);
const put = (name: string, c: string, more: Partial<Put> = {}): Put => ({ name, versionId: id(c), values: { TOKEN: `value of ${c}` }, tags: { environment: "dev" }, notes: { TOKEN: `2026-11-24 ${c}` }, ...more });
const code = async (p: Promise<unknown>): Promise<string> => p.then(() => "nothing", (e: unknown) => (e instanceof FindingError ? `${e.findings[0]!.code} ${e.exit}` : String(e)));

interface Server { readonly url: string; readonly token: string; readonly close: () => Promise<void> }
const fake = async (): Promise<Server> => {
  const v = await startVault({ mount: "secret" });
  return { url: v.url, token: v.rootToken, close: () => v.close() };
};
/** A development server of the real thing, where one is on PATH. */
const real = async (): Promise<Server> => {
  const url = "http://127.0.0.1:18214";
  const child: ChildProcess = spawn(findPeer("vault") ?? "vault", ["server", "-dev", `-dev-listen-address=${url.slice(7)}`, "-dev-no-store-token"], { env: { PATH: process.env["PATH"], HOME: "/nonexistent", VAULT_DEV_ROOT_TOKEN_ID: "root" }, stdio: "ignore" });
  for (let i = 0; i < 200 && !(await fetch(`${url}/v1/sys/health`).then((r) => r.ok, () => false)); i++) await new Promise((r) => setTimeout(r, 100));
  // Nothing is delivered into one that keeps no audit.
  await fetch(`${url}/v1/sys/audit/file`, { method: "PUT", headers: { "x-vault-token": "root" }, body: JSON.stringify({ type: "file", options: { file_path: "discard" } }) });
  return { url, token: "root", close: () => new Promise((done) => { child.once("exit", () => { done(); }); child.kill("SIGTERM"); }) };
};

describe.each([["the fake", fake, false], ["a real Vault on PATH", real, findPeer("vault") === undefined]] as const)("KV v2 on %s", (_what, start, skip) => {
  let server: Server | undefined;
  let store: VaultStore;
  beforeAll(async () => {
    if (skip) return;
    server = await start();
    store = new VaultStore({ address: server.url, mount: "secret" }, { VAULT_TOKEN: server.token });
  });
  afterAll(async () => { await server?.close(); });
  const labels = async (name: string): Promise<Record<string, string | null>> => Object.fromEntries((await store.describe(name))!.versions.map((v) => [v.id[0]!, v.label]));
  const api = (method: string, path: string, body?: unknown): Promise<Response> => fetch(`${server!.url}/v1/${path}`, { method, headers: { "x-vault-token": server!.token }, ...(body !== undefined && { body: JSON.stringify(body) }) });

  it.skipIf(skip)("delivers once, keeps the previous one, and A→B→A ends at A", async () => {
    const name = "stackseal/dev/twilio";
    expect(await store.describe(name)).toBeNull();
    await store.put(put(name, "a"));
    await store.put(put(name, "a"));
    expect(((await (await api("GET", `secret/metadata/${name}`)).json()) as { data: { current_version: number } }).data.current_version).toBe(1);
    await store.put(put(name, "b"));
    expect(await labels(name)).toEqual({ a: "previous", b: "current" });
    expect(await store.read(name, "previous")).toEqual({ TOKEN: "value of a" });
    await store.put(put(name, "a"));
    expect(await labels(name)).toEqual({ a: "current", b: "previous" });
    expect(await store.read(name)).toEqual({ TOKEN: "value of a" });
    const found = (await store.describe(name))!;
    expect(found).toMatchObject({ ours: true, tags: { environment: "dev", "managed-by": "stackseal" } });
    expect(found.versions[0]!.notes).toEqual({ TOKEN: "2026-11-24 a" });
    expect((await store.list("stackseal/dev/")).map((s) => s.name)).toEqual([name]);
  });
  it.skipIf(skip)("keeps a pending version on a path of its own, promotes and withdraws it", async () => {
    const name = "stackseal/dev/vapi";
    await store.put(put(name, "a"));
    await store.put(put(name, "b", { stage: "pending" }));
    expect(await labels(name)).toEqual({ a: "current", b: "pending" });
    expect(await store.read(name)).toEqual({ TOKEN: "value of a" });
    expect(await store.read(name, "pending")).toEqual({ TOKEN: "value of b" });
    await store.promote(name, id("b"));
    await store.promote(name, id("b"));
    expect(await labels(name)).toEqual({ a: "previous", b: "current" });
    expect(await store.read(name, "pending")).toBeNull();
    await store.put(put(name, "c", { stage: "pending" }));
    await store.withdraw(name, id("c"));
    expect(await store.read(name, "pending")).toBeNull();
    await store.promote(name, id("a"));
    expect(await store.read(name)).toEqual({ TOKEN: "value of a" });
    expect(await code(store.promote(name, id("e")))).toBe("STORE_VERSION_MISSING 1");
    expect((await store.list("stackseal/dev/")).map((s) => s.name)).not.toContain(`${name}/pending`);
  });
  it.skipIf(skip)("refuses another's secret, and sees what another wrote", async () => {
    await api("POST", "secret/data/stackseal/dev/foreign", { data: { a: "b" } });
    expect(await code(store.put(put("stackseal/dev/foreign", "a")))).toBe("STORE_FOREIGN 1");
    expect(await code(store.remove("stackseal/dev/foreign"))).toBe("STORE_FOREIGN 1");
    const name = "stackseal/dev/calcom";
    await store.put(put(name, "a"));
    await api("POST", `secret/data/${name}`, { options: { cas: 1 }, data: { a: "b" } });
    expect((await store.describe(name))!.versions.find((v) => v.label === "current")!.id).toBe("kv-2");
    await store.put(put(name, "a"));
    expect((await store.describe(name))!.versions.find((v) => v.label === "current")!.id).toBe(id("a"));
  });
  it.skipIf(skip)("takes a secret out of force softly", async () => {
    const name = "stackseal/dev/hubspot";
    await store.put(put(name, "a"));
    await store.remove(name);
    expect(await store.read(name)).toBeNull();
    expect((await store.describe(name))!.versions.every((v) => v.label === null)).toBe(true);
    await store.put(put(name, "a"));
    expect(await store.read(name)).toEqual({ TOKEN: "value of a" });
  });
});

describe("against a fake that fails", () => {
  let v: VaultFake;
  const store = (env: Record<string, string> = { VAULT_TOKEN: v.rootToken }, more: { namespace?: string } = {}): VaultStore => new VaultStore({ address: v.url, mount: "secret", ...more }, env);
  beforeAll(async () => { v = await startVault({ mount: "secret", namespace: "acme" }); });
  afterAll(async () => { await v.close(); });
  const name = "stackseal/dev/twilio";
  it("tries throttling and 5xx again", async () => {
    v.failNext.push(429, 503, 500);
    await store(undefined, { namespace: "acme" }).put(put(name, "a"));
    expect(await store({ VAULT_TOKEN: v.rootToken, VAULT_NAMESPACE: "acme" }).read(name)).toEqual({ TOKEN: "value of a" });
  });
  it.each<[string, () => Promise<unknown>, string]>([
    ["no token", () => store({}).describe(name), "STORE_CREDENTIALS 2"],
    ["another token", () => store({ VAULT_TOKEN: "s.nothing", VAULT_NAMESPACE: "acme" }).describe(name), "STORE_DENIED 1"],
    ["another namespace", () => store(undefined, { namespace: "other" }).describe(name), "STORE_DENIED 1"],
    ["a certificate file that isn't there", () => store({ VAULT_TOKEN: "x", VAULT_CACERT: "/nonexistent/ca.pem" }).describe(name), "STORE_CREDENTIALS 2"],
    ["nobody listening", () => new VaultStore({ address: "http://127.0.0.1:1", mount: "secret" }, { VAULT_TOKEN: "x" }).describe(name), "STORE_UNREACHABLE 3"],
    ["a path that Vault's pattern of ours doesn't take", () => store(undefined, { namespace: "acme" }).put({ ...put(name, "a"), name: "Stackseal/../x" }), "STORE_NAME_INVALID 1"],
  ])("says what to do about %s", async (_what, run, expected) => { expect(await code(run())).toBe(expected); });
  it("lets one of two writers win at the same moment", async () => {
    const s = store(undefined, { namespace: "acme" });
    const results = await Promise.all(["1", "2", "3", "4"].map((c) => code(s.put(put("stackseal/dev/race", c)))));
    expect(results.filter((r) => r === "nothing").length).toBeGreaterThan(0);
    expect(results.every((r) => r === "nothing" || r === "STORE_VERSION_CONFLICT 1")).toBe(true);
  });
});
