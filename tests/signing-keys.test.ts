import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash, createSign, generateKeyPairSync, sign } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expand } from "../schemas/template.ts";
import { parseClear } from "../seal/clear.ts";
import { armorSignature, verifyText } from "../seal/signature.ts";
import { as, keys, makeBase, project } from "./sealed-project.ts";

// Keys that only an agent or a piece of hardware holds.

const stock = spawnSync("ssh-keygen", ["-?"]).error === undefined && spawnSync("ssh-agent", ["-?"]).error === undefined;
const DEV = "stacks/dev/secrets.sops.yaml";

describe.skipIf(!stock)("a key in ssh-agent", () => {
  let agent: ChildProcess;
  const dir = mkdtempSync(join(tmpdir(), "agent-"));
  const SSH_AUTH_SOCK = join(dir, "sock");
  beforeAll(async () => {
    await makeBase();
    agent = spawn("ssh-agent", ["-D", "-a", SSH_AUTH_SOCK], { stdio: "ignore" });
    for (let n = 0; n < 200 && !existsSync(SSH_AUTH_SOCK); n++) await new Promise((r) => setTimeout(r, 20));
  });
  afterAll(() => { agent.kill(); });
  it("signs what is sealed, its private half nowhere on disk; check knows the writer", () => {
    const root = project();
    const file = join(root, "keys/engineer-1.ssh");
    execFileSync("ssh-add", ["-q", file], { env: { ...process.env, SSH_AUTH_SOCK } });
    writeFileSync(`${file}.pub`, execFileSync("ssh-keygen", ["-y", "-f", file]));
    rmSync(file);
    // The file is gone: that is said, nothing else is tried.
    const set = as("engineer-1", root, ["secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], expand("{hex:32}"), { SSH_AUTH_SOCK, STACKSEAL_SIGNING_KEY: `${file}.pub` });
    expect([set.status, set.stderr]).toEqual([2, expect.stringContaining("SIGNING_KEY")]);
    const named = spawnSync(process.execPath, [join(import.meta.dirname, "../dist/cli.js"), "-C", root, "--now", "2026-11-24", "secret", "set", "twilio.authToken", "--env", "dev", "--reason", "scheduled"], { input: expand("{hex:32}"), encoding: "utf8", env: { PATH: process.env["PATH"], HOME: root, SOPS_AGE_KEY: keys["engineer-1"]!.identity, STACKSEAL_SIGNING_KEY: `${file}.pub`, SSH_AUTH_SOCK } });
    expect(named.stderr).toBe("");
    expect(parseClear(readFileSync(join(root, DEV), "utf8"), DEV).sealed!.credentials.find((c) => c.path === "twilio.authToken")!.claims!.sealedBy).toBe("engineer-1");
    expect(as(null, root, ["check", "--json"]).codes).toEqual([]);
  });
});

describe.skipIf(!stock)("a hardware key's signature", () => {
  const str = (b: string | Buffer): Buffer => {
    const body = Buffer.from(b as string);
    const n = Buffer.alloc(4);
    n.writeUInt32BE(body.length);
    return Buffer.concat([n, body]);
  };
  const APPLICATION = "ssh:";
  const hash = (d: string | Buffer): Buffer => createHash("sha256").update(d).digest();
  /** What a token does (PROTOCOL.u2f), with a key made here: application, flags (somebody touched it), counter, message. */
  function token(kind: "ed25519" | "ecdsa"): { readonly line: string; sign(message: string): string } {
    const type = kind === "ed25519" ? "sk-ssh-ed25519@openssh.com" : "sk-ecdsa-sha2-nistp256@openssh.com";
    const pair = kind === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const jwk = pair.publicKey.export({ format: "jwk" });
    const bytes = (b: string | undefined): Buffer => Buffer.from(b ?? "", "base64url");
    const key = kind === "ed25519" ? str(bytes(jwk.x)) : Buffer.concat([str("nistp256"), str(Buffer.concat([Buffer.from([4]), bytes(jwk.x), bytes(jwk.y)]))]);
    const blob = Buffer.concat([str(type), key, str(APPLICATION)]);
    const mpint = (b: Buffer): Buffer => {
      const bare = b.subarray(b.findIndex((x) => x !== 0));
      return str((bare[0]! & 0x80) !== 0 ? Buffer.concat([Buffer.from([0]), bare]) : bare);
    };
    return {
      line: `${type} ${blob.toString("base64")} token`,
      sign(message) {
        const data = Buffer.concat([Buffer.from("SSHSIG"), str("stackseal-people"), str(""), str("sha512"), str(createHash("sha512").update(message).digest())]);
        const counter = Buffer.from([1, 0, 0, 0, 7]);
        const signed = Buffer.concat([hash(APPLICATION), counter, hash(data)]);
        const raw = kind === "ed25519" ? sign(null, signed, pair.privateKey) : createSign("sha256").update(signed).sign({ key: pair.privateKey, dsaEncoding: "ieee-p1363" });
        const sig = kind === "ed25519" ? str(raw) : str(Buffer.concat([mpint(raw.subarray(0, 32)), mpint(raw.subarray(32))]));
        const version = Buffer.from([0, 0, 0, 1]);
        return Buffer.concat([Buffer.from("SSHSIG"), version, str(blob), str("stackseal-people"), str(""), str("sha512"), str(Buffer.concat([str(type), sig, counter]))]).toString("base64");
      },
    };
  }
  it.each(["ed25519", "ecdsa"] as const)("%s: holds here as it holds for stock ssh-keygen, and over no other text", (kind) => {
    const dir = mkdtempSync(join(tmpdir(), "token-"));
    const t = token(kind);
    const text = "people: {}\n";
    const made = t.sign(text);
    writeFileSync(join(dir, "allowed"), `super-admin-1 ${t.line}\n`);
    writeFileSync(join(dir, "sig"), armorSignature(made));
    const byStock = (input: string): number | null => spawnSync("ssh-keygen", ["-Y", "verify", "-f", "allowed", "-I", "super-admin-1", "-n", "stackseal-people", "-s", "sig"], { cwd: dir, input }).status;
    expect([byStock(text), byStock(`${text} `)]).toEqual([0, 255]);
    expect([verifyText(made, text, [t.line], "stackseal-people"), verifyText(made, `${text} `, [t.line], "stackseal-people"), verifyText(made, text, [token(kind).line], "stackseal-people")]).toEqual([t.line, null, null]);
    const bent = Buffer.from(made, "base64");
    bent[bent.length - 1] = 8; // another counter than was signed
    expect(verifyText(bent.toString("base64"), text, [t.line], "stackseal-people")).toBeNull();
  });
});
