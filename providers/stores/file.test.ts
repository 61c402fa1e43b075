import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { newIdentity } from "../../seal/age.ts";
import { versionWith } from "./contract.ts";
import { FileStore } from "./file.ts";

const name = "stackseal/local/twilio";
const marker = "canary-value-0123456789";
const put = (versionId: string, value: string) => ({ name, versionId, values: { TOKEN: value }, tags: {}, notes: {} });

describe("the file store", () => {
  const root = mkdtempSync(join(tmpdir(), "store-"));
  const store = new FileStore(root, "local", {});
  beforeAll(async () => {
    mkdirSync(join(root, ".stackseal/identities"), { recursive: true });
    writeFileSync(join(root, ".stackseal/identities/local.age"), `${await newIdentity()}\n`);
  });

  it("keeps current and previous, and gives them back", async () => {
    expect(await store.describe(name)).toBeNull();
    await store.put(put("a", marker));
    await store.put(put("b", "second"));
    expect(await store.read(name)).toEqual({ TOKEN: "second" });
    expect(await store.read(name, "previous")).toEqual({ TOKEN: marker });
    await store.put(put("b", "second"));
    expect((await store.describe(name))!.versions.map((v) => [v.id, v.label])).toEqual([["b", "current"], ["a", "previous"]]);
  });
  it("moves the label back when an old version is put again, and forgets the values of what has no label", async () => {
    await store.put(put("c", "third"));
    await store.put(put("b", "second"));
    expect((await store.describe(name))!.versions.map((v) => [v.id, v.label])).toEqual([["b", "current"], ["c", "previous"], ["a", null]]);
    const kept = JSON.parse(readFileSync(join(root, ".stackseal/store/local/twilio.json"), "utf8")) as { versions: { id: string; sealed?: string }[] };
    expect(kept.versions.find((v) => v.id === "a")!.sealed).toBeUndefined();
  });
  it("holds values sealed, and for this user alone", () => {
    const file = join(root, ".stackseal/store/local/twilio.json");
    expect(statSync(file).mode & 0o077).toBe(0);
    for (const v of ["second", "third", Buffer.from("second").toString("base64")]) expect(readFileSync(file, "utf8")).not.toContain(v);
  });
  it("withdraws a previous version, never the one in force", async () => {
    await store.withdraw(name, "b");
    await store.withdraw(name, "c");
    expect((await store.describe(name))!.versions.filter((v) => v.label !== null).map((v) => v.id)).toEqual(["b"]);
    expect(await store.read(name, "previous")).toBeNull();
  });
  it("refuses what another wrote, another environment and a link", async () => {
    mkdirSync(join(root, ".stackseal/store/local/payments"), { recursive: true });
    writeFileSync(join(root, ".stackseal/store/local/foreign.json"), JSON.stringify({ format: 1, name: "stackseal/local/foreign", tags: {}, versions: [] }));
    await expect(store.put({ ...put("x", "y"), name: "stackseal/local/foreign" })).rejects.toThrow("STORE_FOREIGN");
    await expect(store.remove("stackseal/local/foreign")).rejects.toThrow("STORE_FOREIGN");
    for (const bad of ["stackseal/prod/twilio", "stackseal/local/../prod/twilio", "/etc/passwd", "stackseal/local"]) await expect(store.describe(bad)).rejects.toThrow("REFERENCE_TARGET");
    symlinkSync("/tmp", join(root, ".stackseal/store/local/payments/stripe.json"));
    await expect(store.put({ ...put("x", "y"), name: "stackseal/local/payments/stripe" })).rejects.toThrow("REFERENCE_SYMLINK");
  });
  it("finds a file that was put in another's place", async () => {
    const text = readFileSync(join(root, ".stackseal/store/local/twilio.json"), "utf8");
    writeFileSync(join(root, ".stackseal/store/local/vapi.json"), text.replace('"stackseal/local/twilio"', '"stackseal/local/vapi"'));
    await expect(store.read("stackseal/local/vapi")).rejects.toThrow("STORE_CORRUPT");
    writeFileSync(join(root, ".stackseal/store/local/vapi.json"), "{");
    await expect(store.read("stackseal/local/vapi")).rejects.toThrow("STORE_CORRUPT");
  });
  it("keeps a pending version beside what is in force, and promotes it", async () => {
    const other = "stackseal/local/calcom";
    const labels = async (): Promise<(string | null)[][]> => (await store.describe(other))!.versions.map((v) => [v.id, v.label]);
    await store.put({ ...put("a", "one"), name: other, stage: "pending" });
    expect(await store.read(other)).toBeNull();
    await store.promote(other, "a");
    await store.put({ ...put("b", "two"), name: other, stage: "pending" });
    await store.put({ ...put("c", "three"), name: other, stage: "pending" });
    expect(await store.read(other)).toEqual({ TOKEN: "one" });
    expect(await store.read(other, "pending")).toEqual({ TOKEN: "three" });
    await expect(store.promote(other, "b")).rejects.toThrow("STORE_VERSION_MISSING");
    await store.put({ ...put("a", "one"), name: other, stage: "pending" });
    expect(await labels()).toEqual([["c", "pending"], ["b", null], ["a", "current"]]);
    await store.promote(other, "c");
    await store.promote(other, "c");
    expect(await store.read(other)).toEqual({ TOKEN: "three" });
    expect(await store.read(other, "previous")).toEqual({ TOKEN: "one" });
    expect(await store.read(other, "pending")).toBeNull();
    await store.put({ ...put("d", "four"), name: other, stage: "pending" });
    await store.withdraw(other, "d");
    await store.withdraw(other, "c");
    expect((await labels()).filter(([, l]) => l !== null)).toEqual([["c", "current"], ["a", "previous"]]);
    await store.promote(other, "a");
    expect(await store.read(other)).toEqual({ TOKEN: "one" });
    await expect(store.promote(other, "nothing")).rejects.toThrow("STORE_VERSION_MISSING");
  });
  it("lets writes to one secret follow each other", async () => {
    const other = "stackseal/local/smtp";
    await Promise.all(["1", "2", "3", "4"].map((v) => store.put({ ...put(v, v), name: other })));
    const found = (await store.describe(other))!;
    expect(found.versions).toHaveLength(4);
    expect(versionWith(found, "current")!.id).toBe("4");
    await store.remove(other);
    expect(await store.describe(other)).toBeNull();
  });
});
