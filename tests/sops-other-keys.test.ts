import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expand } from "../schemas/template.ts";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { formatOf, openForeign } from "../seal/foreign/open.ts";
import type { FindingError } from "../lib/finding.ts";
import { findPeer, startMoto, type Emulator } from "./aws/emulator.ts";
import { as, keys, makeBase, project, sops } from "./sealed-project.ts";

// Keys of other kinds that the real sops puts next to age: a cloud KMS, a plugin of age.

const DEV = "stacks/dev/secrets.sops.yaml";

describe.skipIf(!sops || findPeer("moto_server") === undefined)("a key of AWS KMS next to age", () => {
  let moto: Emulator;
  beforeAll(async () => {
    moto = await startMoto();
    await makeBase();
  });
  afterAll(() => moto.close());
  it("is read through age and kept by a change; a fresh data key is refused by name", async () => {
    const aws = { AWS_ENDPOINT_URL: moto.url, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_REGION: "eu-west-1" };
    const client = new KMSClient({ region: "eu-west-1", endpoint: moto.url, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
    const arn = (await client.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!;
    const dir = project();
    const text = (): string => readFileSync(join(dir, DEV), "utf8");
    const run = (...args: string[]): string => execFileSync("sops", args, { cwd: dir, encoding: "utf8", stdio: "pipe", env: { PATH: process.env["PATH"], HOME: dir, SOPS_AGE_KEY: keys["super-admin-1"]!.identity, ...aws } });
    run("rotate", "-i", "--add-kms", arn, DEV);
    expect(text()).toContain(arn);
    expect(as("super-admin-1", dir, ["secret", "sign", "--env", "dev"]).status).toBe(0);
    const block = (): string => /^ {4}kms:\n(?: {8}.*\n)+/m.exec(text())![0];
    const before = block();
    const value = expand("{hex:32}");
    expect(as("engineer-1", dir, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], value).stderr).toBe("");
    expect(block()).toBe(before);
    // Through age, and through KMS alone.
    expect(run("decrypt", "--extract", '["twilio"]["authToken"]["value"]', DEV)).toBe(value);
    expect(execFileSync("sops", ["decrypt", "--extract", '["twilio"]["authToken"]["value"]', DEV], { cwd: dir, encoding: "utf8", stdio: "pipe", env: { PATH: process.env["PATH"], HOME: dir, ...aws } })).toBe(value);
    const check = as(null, dir, ["check", "--json"]);
    expect(check.codes).toEqual(["SEAL_RECIPIENTS_STALE"]);
    expect(check.stdout).toContain(arn);
    const settled = text();
    const refused = as("super-admin-1", dir, ["secret", "reseal", "--env", "dev", "--json"]);
    expect(refused.codes).toContain("SEAL_FRESH_KEY");
    expect(refused.stdout).toContain(arn);
    expect(text()).toBe(settled);
    expect(as("super-admin-1", dir, ["secret", "verify", DEV]).stdout).toContain(`kms ${arn}`);
  });
});

describe.skipIf(!sops)("a recipient of an age plugin", () => {
  const dir = mkdtempSync(join(tmpdir(), "plugin-"));
  // A plugin as the specification of age's plugins has it: it wraps nothing, since nobody opens with it here.
  const plugin = `#!${process.execPath}
const lines = require("node:readline").createInterface({ input: process.stdin });
const say = (...l) => { for (const x of l) process.stdout.write(x + "\\n"); };
lines.on("line", (l) => {
  if (l === "-> done") say("-> recipient-stanza 0 acmetest c2VyaWFs", "${Buffer.alloc(32, 7).toString("base64").replace(/=+$/, "")}");
  else if (l.startsWith("-> ok")) { say("-> done", ""); process.exit(0); }
});
`;
  const recipient = bech32("age1acmetest", Array.from({ length: 32 }, (_, i) => i));
  it("is named as not supported; the file is read through age where that opens it", async () => {
    writeFileSync(join(dir, "age-plugin-acmetest"), plugin);
    chmodSync(join(dir, "age-plugin-acmetest"), 0o755);
    const identity = await newIdentity();
    const encrypt = (file: string, to: string): { file: string; text: string } => {
      writeFileSync(join(dir, file), "a: 1\n");
      execFileSync("sops", ["--config", "/dev/null", "encrypt", "-i", "--age", to, file], { cwd: dir, stdio: "pipe", env: { PATH: `${dir}${delimiter}${process.env["PATH"] ?? ""}`, HOME: dir } });
      return { file, text: readFileSync(join(dir, file), "utf8") };
    };
    const alone = encrypt("alone.yaml", recipient);
    const refused = await openForeign(alone.text, formatOf(alone.file), [identity], alone.file).catch((e: unknown) => (e as FindingError).findings);
    expect(refused).toMatchObject([{ code: "SEAL_RECIPIENT_UNSUPPORTED", severity: "error" }, { code: "SEAL_NOT_RECIPIENT" }]);
    expect(JSON.stringify(refused)).toContain(recipient);
    expect(JSON.stringify(refused)).toContain("plugin");
    const both = encrypt("both.yaml", `${recipient},${await recipientOf(identity)}`);
    const read = await openForeign(both.text, formatOf(both.file), [identity], both.file);
    expect(read.values.map((v) => v.text)).toEqual(["1"]);
    expect(read.findings).toMatchObject([{ code: "SEAL_RECIPIENT_UNSUPPORTED", severity: "warning" }]);
  });
});

/** BIP 173's encoding, which recipients are written in. */
function bech32(hrp: string, bytes: readonly number[]): string {
  const CHARS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  const words: number[] = [];
  let acc = 0, bits = 0;
  for (const b of bytes) {
    acc = ((acc << 8) | b) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) words.push((acc >> (bits - 5)) & 31);
  }
  if (bits > 0) words.push((acc << (5 - bits)) & 31);
  const polymod = (values: readonly number[]): number => values.reduce((chk, v) => {
    const top = chk >>> 25;
    return [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3].reduce((c, g, i) => ((top >>> i) & 1 ? c ^ g : c), ((chk & 0x1ffffff) << 5) ^ v);
  }, 1);
  const codes = [...Buffer.from(hrp)];
  const sum = polymod([...codes.map((c) => c >> 5), 0, ...codes.map((c) => c & 31), ...words, 0, 0, 0, 0, 0, 0]) ^ 1;
  return `${hrp}1${[...words, ...[0, 1, 2, 3, 4, 5].map((i) => (sum >>> (5 * (5 - i))) & 31)].map((w) => CHARS[w] as string).join("")}`;
}
