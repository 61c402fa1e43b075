import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FindingError } from "../lib/finding.ts";
import { LOCAL, WORK_DIR } from "../schemas/layout.ts";
import { parseIdentities, type Identity } from "./age.ts";
import { sealCodes } from "./codes.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The age identities at hand: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, and for `local` those in `.stackseal/identities`.
 * Throws FindingError SEAL_NO_IDENTITY or SEAL_IDENTITY_INVALID; no message quotes a key.
 */
export function identitiesFor(root: string, environment: string, env: Env): Identity[] {
  const texts: { from: string; text: string }[] = [];
  if (env["SOPS_AGE_KEY"]) texts.push({ from: "SOPS_AGE_KEY", text: env["SOPS_AGE_KEY"] });
  const file = env["SOPS_AGE_KEY_FILE"];
  if (file) {
    if (!existsSync(file)) throw new FindingError(sealCodes.finding("SEAL_NO_IDENTITY", { message: "SOPS_AGE_KEY_FILE names a file that isn't there", hint: "point it to your age identity" }), 2);
    texts.push({ from: "SOPS_AGE_KEY_FILE", text: readFileSync(file, "utf8") });
  }
  const dir = join(root, WORK_DIR, "identities");
  if (environment === LOCAL && existsSync(dir)) for (const f of readdirSync(dir).filter((n) => n.endsWith(".age"))) texts.push({ from: `${WORK_DIR}/identities/${f}`, text: readFileSync(join(dir, f), "utf8") });
  const all = texts.flatMap(({ from, text }) => {
    const found = parseIdentities(text);
    if (found === null) throw new FindingError(sealCodes.finding("SEAL_IDENTITY_INVALID", { message: `${from} holds something that is no age identity`, hint: "age-keygen makes one; SSH keys are not supported here" }), 2);
    return found;
  });
  if (all.length === 0) throw new FindingError(sealCodes.finding("SEAL_NO_IDENTITY", { message: "no age identity is at hand", hint: environment === LOCAL ? "stackseal start makes one for local" : "set SOPS_AGE_KEY_FILE to your age identity's file" }), 2);
  return [...new Set(all)];
}
