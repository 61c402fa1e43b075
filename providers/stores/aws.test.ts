import { CreateSecretCommand, DeleteSecretCommand, ListSecretVersionIdsCommand, SecretsManagerClient, UpdateSecretVersionStageCommand } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FindingError } from "../../lib/finding.ts";
import { findPeer, startMinistack, startMoto, startProxy, type Emulator, type Proxy } from "../../tests/aws/emulator.ts";
import { AwsStore } from "./aws.ts";
import { noteTags, notesIn, staleNoteTags } from "./aws-notes.ts";
import { OWNER, OWNER_TAG, type Put } from "./contract.ts";

const region = "eu-west-1";
const id = (c: string): string => c.repeat(64);
const code = async (p: Promise<unknown>): Promise<string> => p.then(() => "nothing", (e: unknown) => (e instanceof FindingError ? `${e.findings[0]!.code} ${e.exit}` : String(e)));

describe("notes in tags", () => {
  it("come back whole, one version's beside another's", () => {
    const notes = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`VARIABLE_${i}`, `2026-11-24 01JD${"0".repeat(22)}`]));
    const tags = { ...noteTags(id("a"), notes), ...noteTags(id("b"), { X: "1" }), other: "tag" };
    expect(Object.values(tags).every((v) => v.length <= 256)).toBe(true);
    expect(notesIn(tags, id("a"))).toEqual(notes);
    expect(notesIn(tags, id("b"))).toEqual({ X: "1" });
    expect(staleNoteTags(tags, [id("b")])).toEqual(Object.keys(noteTags(id("a"), notes)));
    expect(noteTags(id("a"), Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`V${i}`, "x".repeat(60)])))).toEqual({});
  });
});

describe.each([["ministack", () => startMinistack("123456789012")], ["moto", startMoto]] as const)("Secrets Manager on %s", (peer, start) => {
  const skip = findPeer(peer === "moto" ? "moto_server" : peer) === undefined;
  let emulator: Emulator | undefined;
  let client: SecretsManagerClient;
  let store: AwsStore;
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  beforeAll(async () => {
    if (skip) return;
    emulator = await start();
    client = new SecretsManagerClient({ region, endpoint: emulator.url, credentials });
    store = new AwsStore({ accountId: "123456789012", region, endpoint: emulator.url }, {});
  });
  afterAll(async () => { await emulator?.close(); });
  let n = 0;
  const shell = async (owner = OWNER): Promise<string> => {
    const Name = `stackseal/dev/s${n++}`;
    await client.send(new CreateSecretCommand({ Name, Tags: [{ Key: OWNER_TAG, Value: owner }] }));
    return Name;
  };
  const put = (name: string, c: string, more: Partial<Put> = {}): Put => ({ name, versionId: id(c), values: { TOKEN: `value of ${c}` }, tags: {}, notes: { TOKEN: `2026-11-24 ${c}` }, ...more });
  const labels = async (name: string): Promise<Record<string, string | null>> => Object.fromEntries((await store.describe(name))!.versions.filter((v) => v.id.length === 64 && v.id === v.id[0]!.repeat(64)).map((v) => [v.id[0]!, v.label]));

  it.skipIf(skip)("delivers once, keeps the previous one, and A→B→A ends at A", async () => {
    const name = await shell();
    expect(await store.describe("stackseal/dev/nothing")).toBeNull();
    await store.put(put(name, "a", { tags: { "due-at": "2027-01-01" } }));
    await store.put(put(name, "a", { tags: { "due-at": "2027-01-01" } }));
    expect(await labels(name)).toEqual({ a: "current" });
    await store.put(put(name, "b"));
    expect(await labels(name)).toEqual({ a: "previous", b: "current" });
    expect(await store.read(name, "previous")).toEqual({ TOKEN: "value of a" });
    await store.put(put(name, "a"));
    expect(await labels(name)).toEqual({ a: "current", b: "previous" });
    const found = (await store.describe(name))!;
    expect(found.ours).toBe(true);
    expect(found.tags).toMatchObject({ "due-at": "2027-01-01" });
    expect(found.versions.find((v) => v.label === "current")!.notes).toEqual({ TOKEN: "2026-11-24 a" });
    expect(await store.read(name)).toEqual({ TOKEN: "value of a" });
    expect((await store.list("stackseal/dev/")).find((s) => s.name === name)!.versions.find((v) => v.label === "current")!.id).toBe(id("a"));
  });
  it.skipIf(skip)("moves the label where somebody moved it away", async () => {
    const name = await shell();
    await store.put(put(name, "a"));
    await store.put(put(name, "b"));
    await client.send(new UpdateSecretVersionStageCommand({ SecretId: name, VersionStage: "AWSCURRENT", MoveToVersionId: id("a"), RemoveFromVersionId: id("b") }));
    await store.put(put(name, "b"));
    expect(await labels(name)).toEqual({ a: "previous", b: "current" });
  });
  it.skipIf(skip)("keeps a pending version beside what is in force, promotes and withdraws it", async () => {
    const name = await shell();
    await store.put(put(name, "a"));
    await store.put(put(name, "b", { stage: "pending" }));
    expect(await labels(name)).toEqual({ a: "current", b: "pending" });
    expect(await store.read(name, "pending")).toEqual({ TOKEN: "value of b" });
    await store.promote(name, id("b"));
    await store.promote(name, id("b"));
    expect(await labels(name)).toEqual({ a: "previous", b: "current" });
    const stages = (await client.send(new ListSecretVersionIdsCommand({ SecretId: name }))).Versions!.flatMap((v) => v.VersionStages ?? []);
    expect(stages.filter((s) => s === "AWSPENDING")).toEqual([]);
    await store.put(put(name, "c", { stage: "pending" }));
    await store.withdraw(name, id("c"));
    expect((await labels(name))["c"] ?? null).toBeNull();
    expect(await code(store.promote(name, id("e")))).toBe("STORE_VERSION_MISSING 1");
    await store.promote(name, id("a"));
    expect(await labels(name)).toMatchObject({ a: "current", b: "previous" });
  });
  it.skipIf(skip)("refuses by name what it mustn't write", async () => {
    const foreign = await shell("somebody");
    const doomed = await shell();
    await client.send(new DeleteSecretCommand({ SecretId: doomed, RecoveryWindowInDays: 7 }));
    const name = await shell();
    expect(await code(store.put(put(foreign, "a")))).toBe("STORE_FOREIGN 1");
    expect(await code(store.put(put(doomed, "a")))).toBe("STORE_DELETION_PENDING 1");
    expect(await code(store.put(put("stackseal/dev/never-made", "a")))).toBe("STORE_SHELL_MISSING 1");
    expect(await code(store.put(put("stackseal/dev/bad name", "a")))).toBe("STORE_NAME_INVALID 1");
    expect(await code(store.put({ ...put(name, "a"), versionId: "short" }))).toBe("STORE_NAME_INVALID 1");
    expect(await code(store.put(put(name, "a", { values: { TOKEN: "x".repeat(65_536) } })))).toBe("STORE_VALUE_TOO_LARGE 1");
    expect(await labels(name)).toEqual({});
    expect(await code(new AwsStore({ accountId: "999999999999", region, endpoint: emulator!.url }, {}).describe(name))).toBe("STORE_ACCOUNT 2");
    expect(await code(new AwsStore({ accountId: "123456789012", region, endpoint: "https://secretsmanager.example" }, {}).describe(name))).toBe("STORE_ADDRESS 1");
    expect(await code(new AwsStore({ accountId: "123456789012", region, endpoint: "http://127.0.0.1:1" }, {}).describe(name))).toBe("STORE_UNREACHABLE 3");
  });

  describe("through a proxy that fails", () => {
    let proxy: Proxy | undefined;
    let behind: AwsStore;
    beforeAll(async () => {
      if (skip) return;
      proxy = await startProxy(emulator!.url);
      behind = new AwsStore({ accountId: "123456789012", region, endpoint: proxy.url }, {});
    });
    afterAll(async () => { await proxy?.close(); });
    const failing = (name: string, status: number, times: number, message = "said") => { proxy!.intercept = (target, _b, n) => (target === "PutSecretValue" && n <= times ? { status, body: { __type: name, message } } : null); proxy!.seen.length = 0; };

    it.skipIf(skip)("tries throttling and 5xx again, and delivers once", async () => {
      const name = await shell();
      failing("ThrottlingException", 400, 2);
      await behind.put(put(name, "a"));
      expect(proxy!.seen.filter((t) => t === "PutSecretValue")).toHaveLength(3);
      failing("InternalServiceError", 500, 2);
      await behind.put(put(name, "b"));
      expect(await labels(name)).toEqual({ a: "previous", b: "current" });
    });
    it.skipIf(skip).each([
      ["ExpiredTokenException", 400, "STORE_CREDENTIALS 2"],
      ["UnrecognizedClientException", 400, "STORE_CREDENTIALS 2"],
      ["AccessDeniedException", 400, "STORE_DENIED 1"],
      ["EncryptionFailure", 400, "STORE_KEY_UNUSABLE 1"],
      ["ServiceQuotaExceededException", 400, "STORE_LIMIT 1"],
      ["ResourceExistsException", 400, "STORE_VERSION_CONFLICT 1"],
      ["InvalidParameterException", 400, "STORE_REFUSED 1"],
    ])("says what to do about %s", async (error, status, expected) => {
      const name = await shell();
      failing(error, status, 99, "the value hunter2hunter2 is wrong");
      const thrown = await behind.put(put(name, "a")).then(() => null, (e: unknown) => e as FindingError);
      expect(`${thrown!.findings[0]!.code} ${thrown!.exit}`).toBe(expected);
      if (expected !== "STORE_REFUSED 1") expect(thrown!.message).not.toContain("hunter2");
    });
    it.skipIf(skip)("finds that the label didn't stay", async () => {
      const name = await shell();
      await store.put(put(name, "a"));
      await store.put(put(name, "b"));
      // As AWS does, and these emulators don't: putting an old token again moves no label.
      proxy!.intercept = (target) => (target === "PutSecretValue" ? { status: 200, body: { Name: name, VersionId: id("a"), VersionStages: ["AWSPREVIOUS"] } } : null);
      await behind.put(put(name, "a"));
      expect(await labels(name)).toEqual({ a: "current", b: "previous" });
      proxy!.intercept = (target) => (target === "PutSecretValue" ? { status: 200, body: { VersionId: id("b"), VersionStages: ["AWSPREVIOUS"] } } : target === "UpdateSecretVersionStage" ? { status: 200, body: {} } : null);
      expect(await code(behind.put(put(name, "b")))).toBe("STORE_NOT_CURRENT 1");
    });
  });
});
