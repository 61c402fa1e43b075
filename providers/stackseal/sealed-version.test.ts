import { cpSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { SECRET, SIGNATURE, UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import { edit, localProject, referenceTo, versionInputs, versionUrn, type LocalProject } from "../../tests/providers/fixture.ts";
import { versionWith } from "../stores/contract.ts";
import { FileStore } from "../stores/file.ts";
import { stacksealProvider } from "./index.ts";

describe("SealedVersion", () => {
  let p: LocalProject;
  let inputs: Props;
  const urn = versionUrn();
  const first = (): Props => (inputs["values"] as Props[])[0]!;
  const withValue = (v: Props): Props => ({ ...inputs, values: [{ ...first(), ...v }] });
  beforeAll(async () => {
    p = await localProject();
    inputs = versionInputs(p);
  });

  it("delivers the sealed value, and shows only references and a version id", async () => {
    const provider = stacksealProvider(p.context);
    const preview = await provider.create(urn, inputs, { preview: true });
    const made = await provider.create(urn, inputs, { preview: false });
    expect(preview.outputs["versionId"]).toBe(made.outputs["versionId"]);
    expect(made.outputs["versionId"]).toMatch(/^[0-9a-f]{64}$/);
    const value = p.standard.values.get("twilio.authToken")!;
    expect(await new FileStore(p.root, "local", {}).read("stackseal/local/twilio")).toEqual({ TWILIO_AUTH_TOKEN: value });
    expect(JSON.stringify(made)).not.toContain(value);
  });
  it("does nothing the second time, and has the same id whatever the order of values", async () => {
    const file = join(p.root, ".stackseal/store/local/twilio.json");
    const before = readFileSync(file, "utf8");
    const provider = stacksealProvider(p.context);
    await provider.create(urn, { ...inputs, values: [...(inputs["values"] as Props[])].reverse() }, { preview: false });
    expect(readFileSync(file, "utf8")).toBe(before);
    expect((await provider.diff(urn, "x", inputs, {}, inputs, [])).changes).toBe("none");
  });
  it("tells in detail what a new issue changes", async () => {
    const d = await stacksealProvider(p.context).diff(urn, "x", inputs, {}, withValue({ issueId: "01JD0000000000000000000000" }), []);
    expect(d).toMatchObject({ changes: "some", diffs: ["values"], replaces: [], detailed: { "values[0].issueId": { kind: "update", inputDiff: true } } });
    const moved = await stacksealProvider(p.context).diff(urn, "x", inputs, {}, { ...inputs, secretId: "stackseal/local/vapi" }, []);
    expect(moved).toMatchObject({ replaces: ["secretId"], detailed: { secretId: { kind: "update-replace" } }, deleteBeforeReplace: false });
  });
  it("sees after a refresh that another version is in force", async () => {
    const provider = stacksealProvider(p.context);
    const now = await provider.read(urn, "stackseal/local/twilio", inputs, { ...inputs, versionId: "old" });
    expect(now.outputs["versionId"]).toMatch(/^[0-9a-f]{64}$/);
    expect((await provider.diff(urn, "x", inputs, now.outputs, inputs, [])).changes).toBe("none");
    expect(await provider.diff(urn, "x", inputs, { ...inputs, versionId: "f".repeat(64) }, inputs, [])).toMatchObject({ changes: "some", detailed: { versionId: { kind: "update", inputDiff: false } } });
    expect((await provider.read(versionUrn("zapier"), "stackseal/local/zapier", {}, { ...inputs, secretId: "stackseal/local/zapier" })).id).toBe("");
  });

  it.each<[string, () => Props, string]>([
    ["an absolute key", () => withValue({ key: "/etc/passwd" }), "REFERENCE_PATH"],
    ["a key with ..", () => withValue({ key: "../prod/twilio.authToken" }), "REFERENCE_PATH"],
    ["a key that nothing declares", () => withValue({ key: "twilio.nothing" }), "REFERENCE_UNDECLARED"],
    ["a key of class payments", () => withValue({ key: "stripe.secretKey" }), "REFERENCE_CLASS"],
    ["a key of another integration", () => withValue({ key: "vapi.token", variable: "VAPI_TOKEN" }), "REFERENCE_TARGET"],
    ["a variable of another credential", () => withValue({ variable: "PATH" }), "REFERENCE_VARIABLE"],
    ["another environment's secret", () => ({ ...inputs, secretId: "stackseal/prod/twilio" }), "REFERENCE_TARGET"],
    ["another class's secret", () => ({ ...inputs, secretId: "stackseal/local/payments/stripe" }), "REFERENCE_TARGET"],
    ["a secret as a property", () => ({ ...inputs, tags: { [SIGNATURE]: SECRET, value: { a: "b" } } }), "SECRET_IN_PROPERTY"],
    ["a value where a reference belongs", () => withValue({ value: "x" }), "INPUT_UNKNOWN"],
    ["no values", () => ({ ...inputs, values: [] }), "INPUT_INVALID"],
    ["a missing store", () => ({ secretId: inputs["secretId"]!, values: inputs["values"]! }), "INPUT_MISSING"],
  ])("refuses %s in Check and again in Create", async (_what, make, code) => {
    const provider = stacksealProvider(p.context);
    const { failures } = await provider.check(urn, {}, make());
    expect(failures.map((f) => f.reason.split(":")[0])).toContain(code);
    // Wrapped secrets are unwrapped before a Create; everything else is refused there once more.
    if (code !== "SECRET_IN_PROPERTY") await expect(provider.create(urn, make(), { preview: false })).rejects.toThrow(code);
  });
  it("refuses a payments credential outside the payments stack, and everything in foundation", async () => {
    const provider = stacksealProvider(p.context);
    const payments: Props = { ...inputs, secretId: "stackseal/local/payments/stripe", values: [{ variable: "STRIPE_SECRET", ...referenceTo(p.payments, "stripe.secretKey") }] };
    expect((await provider.check(versionUrn("stripe", "local-payments"), {}, payments)).failures).toEqual([]);
    expect((await provider.check(versionUrn("stripe"), {}, payments)).failures.map((f) => f.reason.split(":")[0])).toEqual(["REFERENCE_TARGET", "REFERENCE_CLASS"]);
    expect((await provider.check(versionUrn("stripe", "local-foundation"), {}, payments)).failures.map((f) => f.reason.split(":")[0])).toEqual(["STACK_PART"]);
  });
  it("refuses a sealed file behind a link", async () => {
    const q = await localProject();
    cpSync(join(q.root, ".stackseal/local/secrets.sops.yaml"), join(q.root, "elsewhere.yaml"));
    rmSync(join(q.root, ".stackseal/local/secrets.sops.yaml"));
    symlinkSync("../../elsewhere.yaml", join(q.root, ".stackseal/local/secrets.sops.yaml"));
    const provider = stacksealProvider(q.context);
    expect((await provider.check(urn, {}, versionInputs(q))).failures.map((f) => f.reason)).toEqual([expect.stringContaining("REFERENCE_SYMLINK")]);
    await expect(provider.create(urn, versionInputs(q), { preview: false })).rejects.toThrow("REFERENCE_SYMLINK");
  });
  it("lets unknowns of a preview pass, and says the version unknown", async () => {
    const provider = stacksealProvider(p.context);
    const unknown = { ...inputs, values: [{ ...first(), issueId: UNKNOWN }] };
    expect((await provider.check(urn, {}, unknown)).failures).toEqual([]);
    expect((await provider.create(urn, unknown, { preview: true })).outputs["versionId"]).toBe(UNKNOWN);
  });
  it("refuses what the sealed file doesn't say, and another store than declared", async () => {
    const provider = stacksealProvider(p.context);
    await expect(provider.create(urn, withValue({ issueId: "01JD0000000000000000000000" }), { preview: false })).rejects.toThrow("REFERENCE_STALE");
    await expect(provider.create(urn, withValue({ fingerprint: `g0:${"A".repeat(22)}` }), { preview: false })).rejects.toThrow("REFERENCE_STALE");
    await expect(provider.create(urn, { ...inputs, store: { kind: "vault", address: "https://vault.example", mount: "x" } }, { preview: false })).rejects.toThrow("STORE_MISMATCH");
  });
  it("refuses an older issue than the one in force, and takes it where a rollback names it", async () => {
    const q = await localProject();
    const claims = q.standard.claims.get("twilio.authToken")!;
    const issue = (issueId: string, issuedAt: string) => ({ values: new Map([["twilio.authToken", `value of ${issueId}`]]), claims: new Map([["twilio.authToken", { ...claims, issueId, issuedAt }]]) });
    const deliver = (issueId: string, issuedAt: string, rollback: string[] = []) =>
      stacksealProvider({ ...q.context, open: () => Promise.resolve(issue(issueId, issuedAt)), rollback }).create(urn, { ...inputs, values: [{ variable: "TWILIO_AUTH_TOKEN", key: "twilio.authToken", issueId, fingerprint: claims.fingerprint }] }, { preview: false });
    const [a, b, c] = ["01JDAAAAAAAAAAAAAAAAAAAAAA", "01JDBBBBBBBBBBBBBBBBBBBBBB", "01JDCCCCCCCCCCCCCCCCCCCCCC"];
    await deliver(a, "2026-01-01");
    await deliver(b, "2026-02-01");
    await expect(deliver(a, "2026-01-01")).rejects.toThrow("ISSUE_OLDER");
    await expect(deliver(c, "2026-01-15")).rejects.toThrow("ISSUE_OLDER");
    const store = new FileStore(q.root, "local", {});
    expect(await store.read("stackseal/local/twilio")).toEqual({ TWILIO_AUTH_TOKEN: `value of ${b}` });
    const back = await deliver(a, "2026-01-01", ["stackseal/local/twilio"]);
    expect(await store.read("stackseal/local/twilio")).toEqual({ TWILIO_AUTH_TOKEN: `value of ${a}` });
    expect(versionWith(await store.describe("stackseal/local/twilio"), "current")!.id).toBe(back.outputs["versionId"]);
  });
  it("doesn't overwrite a secret without our tag", async () => {
    edit(p.root, ".stackseal/store/local/twilio.json", (t) => t.replace('"managed-by": "stackseal"', '"managed-by": "somebody"'));
    await expect(stacksealProvider(p.context).create(urn, inputs, { preview: false })).rejects.toThrow("STORE_FOREIGN");
    edit(p.root, ".stackseal/store/local/twilio.json", (t) => t.replace('"somebody"', '"stackseal"'));
  });
  it("doesn't delete what the same deployment created under the same id", async () => {
    const provider = stacksealProvider(p.context);
    const { id, outputs } = await provider.create(urn, inputs, { preview: false });
    await provider.delete(urn, id, inputs, outputs);
    expect(await new FileStore(p.root, "local", {}).read("stackseal/local/twilio")).not.toBeNull();
    await stacksealProvider(p.context).delete(urn, id, inputs, outputs);
    await stacksealProvider(p.context).delete(urn, id, inputs, outputs);
    expect(await new FileStore(p.root, "local", {}).describe("stackseal/local/twilio")).toBeNull();
  });
  it("never says a value when the sealed file was tampered with", async () => {
    const q = await localProject();
    const value = q.standard.values.get("twilio.authToken")!;
    edit(q.root, ".stackseal/local/secrets.sops.yaml", (t) => t.replace(/issuedAt: "2026-11-24"/, 'issuedAt: "2026-11-23"'));
    const error = await stacksealProvider(q.context).create(urn, versionInputs(q), { preview: false }).then(() => null, (e: unknown) => e as Error);
    expect(error!.message).toContain("SEAL_SIGNATURE_INVALID");
    expect(error!.message).not.toContain(value);
  });
});
