import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createAtomic, writeAtomic } from "../../lib/atomic.ts";
import { FindingError } from "../../lib/finding.ts";
import { newIdentity, parseIdentities, recipientOf } from "../../seal/age.ts";
import { sealCodes } from "../../seal/codes.ts";
import { newSigningKey, readSigningKey, type SigningKey } from "../../seal/signature.ts";
import type { Context } from "../command.ts";
import { signingKey } from "../signer.ts";
import type { Plan } from "./plan.ts";
import type { Ledger } from "./ledger.ts";

/** The recipient of the first identity in a file; made there, readable by its owner alone, where there is none. Throws FindingError. */
export async function recipientIn(file: string, ledger: Ledger): Promise<string> {
  if (existsSync(file)) {
    const [first] = parseIdentities(readFileSync(file, "utf8")) ?? [];
    if (first === undefined) throw new FindingError(sealCodes.finding("SEAL_IDENTITY_INVALID", { message: `${file} holds no age identity`, hint: "--identity FILE: age-keygen makes one" }), 2);
    ledger.kept(file, "your age identity");
    return recipientOf(first);
  }
  const identity = await newIdentity();
  const recipient = await recipientOf(identity);
  if (!secret(file, `# public key: ${recipient}\n${identity}\n`)) return recipientIn(file, ledger);
  ledger.made(file, "a new age identity, outside the repository: keep a copy in a safe place");
  return recipient;
}
/** A key's file, readable by its owner alone; false where one was made there in this moment: a key that somebody was sealed to is never written over. */
function secret(file: string, text: string): boolean {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if (!createAtomic(file, text, 0o600)) return false;
  chmodSync(file, 0o600);
  return true;
}
/** Who signs: the key that was named or is at hand, else ~/.ssh/id_ed25519, else a new one outside the repository. `file`: where the environment must be told of it. */
export function keyOf(context: Context, plan: Plan, ledger: Ledger): { readonly key: SigningKey; readonly file: string | null } {
  if (plan.signingKey !== undefined) return { key: signingKey(context, plan.signingKey), file: plan.signingKey };
  try {
    return { key: signingKey(context), file: null };
  } catch (e) {
    if (!(e instanceof FindingError)) throw e;
  }
  const own = join(context.env["HOME"] ?? homedir(), ".ssh", "id_ed25519");
  const made = join(plan.keys, `${plan.person}.ssh`);
  const file = existsSync(made) ? made : existsSync(own) ? own : made;
  if (!existsSync(file)) {
    const fresh = newSigningKey(plan.person);
    if (secret(file, fresh.file)) writeAtomic(`${file}.pub`, `${fresh.publicLine}\n`);
    ledger.made(file, "a new SSH signing key, outside the repository");
  } else ledger.kept(file, "your SSH key");
  return { key: signingKey(context, file), file };
}
/** The public line of a machine's SSH key in that file; made there where there is none. Throws FindingError. */
export function signingKeyIn(file: string, name: string, ledger: Ledger): { readonly publicLine: string; readonly file: string } {
  const there = existsSync(file) ? readSigningKey(readFileSync(file, "utf8")) : null;
  if (there) {
    ledger.kept(file, `${name}'s SSH key`);
    return { publicLine: there.publicLine, file };
  }
  const fresh = newSigningKey(name);
  if (!secret(file, fresh.file)) return signingKeyIn(file, name, ledger);
  ledger.made(file, `${name}'s SSH key, outside the repository`);
  return { publicLine: fresh.publicLine, file };
}
