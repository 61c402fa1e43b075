import { existsSync, readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { FindingError } from "../lib/finding.ts";
import { LOCAL } from "../schemas/layout.ts";
import { members, type People, type Member } from "../schemas/people.ts";
import { sealCodes } from "../seal/codes.ts";
import { readPeople } from "../seal/deploy.ts";
import { localSigner, type Signer } from "../seal/seed.ts";
import { publicBlob, readSigningKey, type SigningKey } from "../seal/signature.ts";
import { publicLineOf, sshKeygenKey } from "../seal/ssh-keygen.ts";
import type { Context } from "./command.ts";

const refuse = (message: string, hint?: string): FindingError => new FindingError(sealCodes.finding("SIGNING_KEY", { message, hint }), 2);

/**
 * Who signs: `local`'s own throwaway writer, else the key that STACKSEAL_SIGNING_KEY or git's user.signingkey names (a private key's file, or
 * the public half of one in an agent or on hardware), found in people.yaml. Throws FindingError SIGNING_KEY.
 */
export function signerOf(context: Context, environment: string, people: People = readPeople(context.root, environment)): Signer {
  const local = environment === LOCAL ? localSigner(context.root) : null;
  if (local) return local;
  const key = signingKey(context);
  const who = members(people).find((m: Member) => m.entry.signing.some((l) => publicBlob(l).equals(publicBlob(key.publicLine))));
  if (!who) throw refuse("nobody in people.yaml has this signing key", "a Super Admin adds it: stackseal people change NAME --signing \"ssh-ed25519 …\"");
  return { name: who.name, key };
}
/** The key at hand, whoever's it is: the named file, else STACKSEAL_SIGNING_KEY, else git's. Throws FindingError SIGNING_KEY. */
export function signingKey(context: Context, chosen?: string): SigningKey {
  const named = chosen ?? context.env["STACKSEAL_SIGNING_KEY"] ?? gitKey(context);
  const file = named?.replace(/^~(?=\/)/, homedir()).replace(/^key::/, "");
  if (file === undefined || file === "" || !existsSync(file)) throw refuse("no signing key is at hand", "set STACKSEAL_SIGNING_KEY to your SSH key's file (its public half in people.yaml), or git config user.signingkey");
  const text = readFileSync(file, "utf8");
  const own = readSigningKey(text);
  if (own) return own;
  const beside = existsSync(`${file}.pub`) ? readFileSync(`${file}.pub`, "utf8").trim() : null;
  const line = /^(ssh-|ecdsa-|sk-)/.test(text) ? text.trim() : (beside ?? publicLineOf(file, context.env));
  if (line === null) throw refuse("the signing key's public half can't be told", "keep KEY.pub beside KEY");
  return sshKeygenKey(file, line, context.env);
}
function gitKey(context: Context): string | undefined {
  const r = spawnSync("git", ["-C", context.root, "config", "--get", "user.signingkey"], { encoding: "utf8", env: context.env });
  return r.status === 0 ? r.stdout.trim() || undefined : undefined;
}
