import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { FindingError } from "../lib/finding.ts";
import { expectedSecrets } from "../schemas/integrations/index.ts";
import type { People } from "../schemas/people.ts";
import { newIdentity, recipientOf } from "./age.ts";
import { parseClear, type ClearFile } from "./clear.ts";
import { openSealed } from "./open.ts";
import { proveClaims } from "./prove.ts";
import { newPepper, sealSamples } from "./seed.ts";
import { armorSignature, canonicalClaims, newSigningKey, readSigningKey, signText, verifyText } from "./signature.ts";
import { verifySignatures } from "./verify.ts";

const sops = spawnSync("sops", ["--version", "--disable-version-check"]).status === 0;
const settings = {
  twilio: { accountSid: `AC${"0".repeat(32)}` }, vapi: {}, stripe: { mode: "test" }, smtp: { provider: "sendgrid" },
  "outbound-webhooks": { endpoints: { "crm-sync": {}, billing: {} } }, zapier: { hooks: { leads: {} } },
};
const where = { environment: "dev", tier: "development", class: "standard" } as const;
const pepper = newPepper();
const peppers = { g: new Map([[1, pepper]]), h: new Map([[1, newPepper()]]) };
let identity: string, text: string, people: People;
const dir = mkdtempSync(join(tmpdir(), "seal-"));
const clear = (t: string): ClearFile => parseClear(t, "secrets.sops.yaml").sealed!;
const codesOf = async (t: string): Promise<string[]> => {
  const r = parseClear(t, "f");
  if (!r.sealed || r.findings.length) return r.findings.map((f) => f.code);
  return openSealed(r.sealed, [identity]).then(() => [], (e: unknown) => (e as FindingError).findings.map((f) => f.code));
};

beforeAll(async () => {
  identity = await newIdentity();
  const key = newSigningKey("super-admin-1");
  const signer = { name: "super-admin-1", key: readSigningKey(key.file)! };
  people = { people: { "super-admin-1": { role: "super-admin", tiers: ["development"], recipients: [await recipientOf(identity)], signing: [key.publicLine] }, "auditor-1": { role: "auditor", tiers: ["development"], recipients: [], signing: [newSigningKey("a").publicLine] } }, machines: {} };
  text = await sealSamples(expectedSecrets(settings, "development"), "dev", [await recipientOf(identity)], peppers, signer, new Date("2026-11-24T10:00:00Z"));
});

it("opens what it wrote, with every claim and signature proven", async () => {
  const opened = await openSealed(clear(text), [identity]);
  expect([...opened.values.keys()].sort()).toEqual(["outbound-webhooks.billing.signingSecret", "outbound-webhooks.crm-sync.signingSecret", "smtp.password", "stripe.secretKey", "twilio.authToken", "vapi.token", "zapier.leads.hookUrl"]);
  expect(await proveClaims(opened, peppers)).toEqual([]);
  expect(verifySignatures(clear(text).credentials, where, people)).toEqual([]);
});
it("is opened by nobody else", async () => {
  await expect(openSealed(clear(text), [await newIdentity()])).rejects.toMatchObject({ findings: [{ code: "SEAL_NOT_RECIPIENT" }] });
});

describe("tampering is refused", () => {
  const swap = (t: string): string => {
    const [a, b] = [...t.matchAll(/value: (ENC\[.*\])/g)].slice(0, 2).map((m) => m[1]!);
    return t.replace(a!, "@@").replace(b!, a!).replace("@@", b!);
  };
  it.each<[string, (t: string) => string, string]>([
    ["an edited claim", (t) => t.replace("reason: initial", "reason: scheduled"), "SEAL_MAC_MISMATCH"],
    ["swapped values", swap, "SEAL_CIPHERTEXT"],
    ["a renamed key", (t) => t.replace("    authToken:", "    authToken2:"), "SEAL_CIPHERTEXT"],
    ["a deleted value", (t) => t.replace(/^vapi:\n(?: .*\n)+/m, ""), "SEAL_MAC_MISMATCH"],
    ["a value replaced by plain text", (t) => t.replace(/value: ENC\[.*\]/, "value: hello"), "SEAL_PLAINTEXT"],
    ["a removed mac", (t) => t.replace(/^ {4}mac: .*\n/m, ""), "SEAL_METADATA"],
    ["a changed lastmodified", (t) => t.replace(/lastmodified: "2026/, 'lastmodified: "2025'), "SEAL_MAC_MISMATCH"],
    ["a file cut off", (t) => t.slice(0, t.indexOf("sops:")), "SEAL_METADATA"],
    ["an injected clear key", (t) => t.replace(/^( +)reason:/m, "$1extra: 1\n$1reason:"), "SEAL_CLAIMS_INVALID"],
    ["a foreign mac", (t) => t.replace(/mac: ENC\[.*\]/, `mac: ${/value: (ENC\[.*\])/.exec(t)![1]!}`), "SEAL_MAC_MISMATCH"],
  ])("%s", async (_name, change, code) => {
    const changed = change(text);
    expect(changed).not.toBe(text);
    expect(await codesOf(changed)).toContain(code);
  });
});

describe("signatures", () => {
  it("are over place and ciphertext: copied claims and signature don't serve another value", () => {
    const list = clear(text).credentials;
    const twilio = list.find((c) => c.path === "twilio.authToken")!;
    const other = list.find((c) => c.path === "vapi.token")!;
    const codes = (c: typeof twilio, w: { environment: string; tier: "development"; class: "standard" } = where): string[] => verifySignatures([c], w, people).map((f) => f.code);
    expect(codes({ ...twilio, leaf: other.leaf })).toEqual(["SEAL_SIGNATURE_INVALID"]);
    expect(codes({ ...twilio, path: "vapi.token" })).toEqual(["SEAL_SIGNATURE_INVALID"]);
    expect(codes(twilio, { ...where, environment: "staging" })).toEqual(["SEAL_SIGNATURE_INVALID"]);
    expect(codes({ ...twilio, claims: { ...twilio.claims!, maxAgeDays: 1 } })).toEqual(["SEAL_SIGNATURE_INVALID"]);
    expect(codes({ ...twilio, claims: { ...twilio.claims!, sealedBy: "auditor-1" } })).toEqual(["SEAL_SIGNATURE_INVALID"]);
    expect(codes({ ...twilio, claims: { ...twilio.claims!, sealedBy: "nobody" } })).toEqual(["SEAL_WRITER_UNKNOWN"]);
    const { signature: _s, ...unsigned } = twilio.claims!;
    expect(codes({ ...twilio, claims: unsigned })).toEqual(["SEAL_UNSIGNED"]);
  });
  it.each(["ed25519", "rsa", "ecdsa"])("of stock ssh-keygen (%s) are verified here", (type) => {
    const key = join(dir, `k-${type}`);
    execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", key]);
    writeFileSync(join(dir, `m-${type}`), "hello\n");
    execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-n", "stackseal-claims", "-f", key, join(dir, `m-${type}`)]);
    const sig = readFileSync(join(dir, `m-${type}.sig`), "utf8").replace(/-----.*-----|\s/g, "");
    const line = readFileSync(`${key}.pub`, "utf8");
    expect(verifyText(sig, "hello\n", [line])).toBe(line);
    expect(verifyText(sig, "hullo\n", [line])).toBeNull();
    expect(verifyText(sig, "hello\n", [line], "other")).toBeNull();
  });
  it("of ours are verified by stock ssh-keygen", () => {
    const c = clear(text).credentials[0]!;
    writeFileSync(join(dir, "allowed"), `super-admin-1 ${people.people["super-admin-1"]!.signing[0]!}\n`);
    writeFileSync(join(dir, "sig"), armorSignature(c.claims!.signature!));
    const run = (message: string): number | null => spawnSync("ssh-keygen", ["-Y", "verify", "-f", join(dir, "allowed"), "-I", "super-admin-1", "-n", "stackseal-claims", "-s", join(dir, "sig")], { input: message }).status;
    const message = canonicalClaims("dev", c.path, c.claims!, c.leaf);
    expect(run(message)).toBe(0);
    expect(run(message.replace("dev", "prod"))).not.toBe(0);
  });
  it("reads the private key that ssh-keygen writes", () => {
    const key = join(dir, "k-read");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    const k = readSigningKey(readFileSync(key, "utf8"))!;
    expect(verifyText(signText(k, "x"), "x", [readFileSync(`${key}.pub`, "utf8")])).not.toBeNull();
  });
});

it("finds a claim that isn't true of the value", async () => {
  const opened = await openSealed(clear(text), [identity]);
  const values = new Map(opened.values);
  values.set("twilio.authToken", "0".repeat(32));
  values.set("stripe.secretKey", `sk_live_${"a".repeat(24)}`);
  expect((await proveClaims({ ...opened, values }, peppers)).map((f) => `${f.path} ${/the claim (\w+)/.exec(f.message)![1]!}`).sort()).toEqual(["stripe.secretKey fingerprint", "stripe.secretKey mode", "twilio.authToken fingerprint"]);
});

describe.skipIf(!sops)("the sops CLI", () => {
  const env = (): NodeJS.ProcessEnv => ({ ...process.env, SOPS_AGE_KEY: identity });
  const file = (): string => {
    const d = mkdtempSync(join(tmpdir(), "sops-"));
    mkdirSync(d, { recursive: true });
    writeFileSync(join(d, "secrets.sops.yaml"), text);
    return join(d, "secrets.sops.yaml");
  };
  it("decrypts what we write, to the same values", async () => {
    const plain = JSON.parse(execFileSync("sops", ["decrypt", "--output-type", "json", file()], { env: env(), encoding: "utf8" })) as Record<string, Record<string, { value: string }>>;
    const ours = (await openSealed(clear(text), [identity])).values;
    expect(plain["twilio"]!["authToken"]!.value).toBe(ours.get("twilio.authToken"));
    expect(plain["stripe"]!["secretKey"]!.value).toBe(ours.get("stripe.secretKey"));
  });
  it("sets one value and touches only that leaf, the mac and the date; we read and verify the result", async () => {
    const f = file();
    execFileSync("sops", ["set", f, '["twilio"]["authToken"]["value"]', '"0123456789abcdef0123456789abcdef"'], { env: env() });
    const after = readFileSync(f, "utf8");
    const changed = after.split("\n").filter((l, i) => l !== text.split("\n")[i]).map((l) => l.trim().split(":")[0]);
    expect(changed.sort()).toEqual(["lastmodified", "mac", "value"]);
    const opened = await openSealed(clear(after), [identity]);
    expect(opened.values.get("twilio.authToken")).toBe("0123456789abcdef0123456789abcdef");
    expect(verifySignatures(opened.file.credentials, where, people).map((x) => `${x.code} ${x.path}`)).toEqual(["SEAL_SIGNATURE_INVALID twilio.authToken"]);
  });
  it("rotates the data key; we read and verify the result", async () => {
    const f = file();
    execFileSync("sops", ["rotate", "-i", f], { env: env() });
    expect((await openSealed(clear(readFileSync(f, "utf8")), [identity])).values.size).toBe(7);
  });
  it("refuses what we refuse: an edited claim", () => {
    const f = file();
    writeFileSync(f, text.replace("reason: initial", "reason: scheduled"));
    expect(spawnSync("sops", ["decrypt", f], { env: env() }).status).not.toBe(0);
  });
});
