import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from "node:crypto";
import { FindingError } from "../../lib/finding.ts";
import { engineCodes } from "../codes.ts";

/** Pulumi's passphrase secrets provider: PBKDF2-SHA256 (1,000,000 rounds), then AES-256-GCM, `v1:nonce:data`. */
export class PassphraseSecrets {
  readonly salt: string;
  private readonly key: Buffer;
  private constructor(key: Buffer, salt: string) {
    this.key = key;
    this.salt = salt;
  }
  static async create(passphrase: string): Promise<PassphraseSecrets> {
    const salt = randomBytes(8), key = await derive(passphrase, salt);
    return new PassphraseSecrets(key, `v1:${salt.toString("base64")}:${seal(key, "pulumi")}`);
  }
  /** `state` is the provider's `salt` in a checkpoint, or `encryptionsalt` of a stack's file. Throws FindingError STATE_PASSPHRASE. */
  static async open(passphrase: string, state: string): Promise<PassphraseSecrets> {
    const salt = saltOf(state);
    if (!salt) throw new Error("the passphrase provider's salt is malformed");
    const key = await derive(passphrase, salt);
    try {
      if (unseal(key, state.split(":").slice(2).join(":")) === "pulumi") return new PassphraseSecrets(key, state);
    } catch {
      // Said below: GCM refuses a wrong key.
    }
    throw new FindingError(engineCodes.finding("STATE_PASSPHRASE", { message: "the passphrase doesn't open this state", hint: "set PULUMI_CONFIG_PASSPHRASE to the one that it was written with" }), 2);
  }
  encrypt(plaintext: string): string {
    return seal(this.key, plaintext);
  }
  decrypt(ciphertext: string): string {
    return unseal(this.key, ciphertext);
  }
}
/** Begins the key of a salt, a fifth of a second's work on another thread: whoever asks for it later waits for less. */
export function beginKey(passphrase: string, salt: Buffer): void {
  const name = `${salt.toString("base64")}:${passphrase}`;
  if (!begun.has(name)) begun.set(name, reckon(passphrase, salt));
  begun.get(name)?.catch(() => undefined); // whoever asks for it says it
}
/** The salt of a provider's state; null where it is malformed. */
export function saltOf(state: string): Buffer | null {
  const [version, salt, ...check] = state.split(":");
  return version === "v1" && salt && check.length === 3 ? Buffer.from(salt, "base64") : null;
}
const begun = new Map<string, Promise<Buffer>>();
function derive(phrase: string, salt: Buffer): Promise<Buffer> {
  const name = `${salt.toString("base64")}:${phrase}`, before = begun.get(name);
  begun.delete(name);
  return before ?? reckon(phrase, salt);
}
const reckon = (phrase: string, salt: Buffer): Promise<Buffer> =>
  new Promise((done, fail) => { pbkdf2(phrase, salt, 1_000_000, 32, "sha256", (e, key) => { if (e) fail(e); else done(key); }); });
function seal(key: Buffer, text: string): string {
  const nonce = randomBytes(12), c = createCipheriv("aes-256-gcm", key, nonce);
  const body = Buffer.concat([c.update(text, "utf8"), c.final(), c.getAuthTag()]);
  return `v1:${nonce.toString("base64")}:${body.toString("base64")}`;
}
function unseal(key: Buffer, text: string): string {
  const [version, nonce, body] = text.split(":");
  if (version !== "v1" || !nonce || !body) throw new Error("a malformed ciphertext");
  const raw = Buffer.from(body, "base64"), d = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"));
  d.setAuthTag(raw.subarray(-16));
  return Buffer.concat([d.update(raw.subarray(0, -16)), d.final()]).toString("utf8");
}
