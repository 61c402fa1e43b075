import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { hasErrors, type Finding } from "../lib/finding.ts";
import type { SecretClass, Tier } from "../schemas/access.ts";
import { specOf } from "../schemas/integrations/index.ts";
import { heldIn, rotationsDir, sealedFile } from "../schemas/layout.ts";
import type { People } from "../schemas/people.ts";
import { readClear } from "./clear.ts";
import { sealCodes } from "./codes.ts";
import { recipientsFor, verifyRecipients } from "./recipients.ts";
import { verifySignatures } from "./verify.ts";

const CLASSES = ["standard", "payments"] as const satisfies readonly SecretClass[];

// The one list of the sealed files that an environment has: whatever seals, judges or counts credentials asks here.

/** A sealed file of credentials; `rotation` where an open rotation holds them, under the names `next` and `previous`. */
export interface CredentialFile {
  readonly kind: "credentials";
  readonly file: string;
  readonly environment: string;
  readonly tier: Tier;
  readonly class: SecretClass;
  readonly rotation?: string;
}
/** The sealed files that exist, of these classes: the environment's own, and what its open rotations hold. */
export function credentialFiles(root: string, environment: string, tier: Tier, classes: readonly SecretClass[] = CLASSES): CredentialFile[] {
  const own = classes.map((cls): CredentialFile => ({ kind: "credentials", file: sealedFile(environment, cls), environment, tier, class: cls }));
  return [...own, ...heldFiles(root, environment, tier).filter((f) => classes.includes(f.class))].filter((f) => existsSync(join(root, f.file)));
}
/** What an environment's rotations hold sealed. */
export function heldFiles(root: string, environment: string, tier: Tier): CredentialFile[] {
  const dir = rotationsDir(environment);
  return (existsSync(join(root, dir)) ? readdirSync(join(root, dir)) : []).sort().flatMap((name): CredentialFile[] => {
    const held = heldIn(`${dir}/${name}`);
    return held ? [{ kind: "credentials", file: `${dir}/${name}`, environment, tier, class: held.class, rotation: held.rotation }] : [];
  });
}
/** For `.sops.yaml`: the paths of an environment's files of a class, those too that a rotation may yet write. */
export const credentialPattern = (environment: string, cls: SecretClass): string => sealedFile(environment, cls).replaceAll(".", "\\.").replace(/[^/]+$/, (name) => `(rotations/[^/.]+\\.)?${name}`);

/** What is wrong with what rotations hold, without a key: form, writers, recipients, class and mode. */
export function judgeHeld(root: string, environment: string, tier: Tier, people: People | null, on: string): Finding[] {
  return heldFiles(root, environment, tier).flatMap((f): Finding[] => {
    const { sealed, findings } = readClear(root, f.file);
    if (!sealed) return [...findings];
    const hint = `stackseal rotate abort ${f.rotation ?? ""} --env ${environment}`;
    return [
      ...findings,
      ...(people && !hasErrors(findings) ? [...verifySignatures(sealed.credentials, f, people).map((x) => ({ ...x, hint })), ...verifyRecipients(sealed, recipientsFor(people, tier, f.class, on), people, environment)] : []),
      ...sealed.credentials.flatMap((c): Finding[] => {
        const cls = specOf(c.claims?.kind ?? "")?.class;
        const place = { at: c.claimsAt, path: `rotations/${f.rotation ?? ""}/${c.path}`, hint };
        return [
          ...(cls !== undefined && cls !== f.class ? [sealCodes.finding("SEAL_HELD_CLASS", { message: `${c.claims?.kind ?? ""} is of class ${cls}, and the file is sealed for ${f.class}`, ...place })] : []),
          ...(c.claims?.mode === "live" && tier !== "production" ? [sealCodes.finding("SEAL_HELD_MODE", { message: `a live credential is held in ${environment} (${tier})`, ...place })] : []),
        ];
      }),
    ];
  });
}
/** Every sealed file beneath stacks/, declared or not, in order of name. */
export function allSealedFiles(root: string): string[] {
  const walk = (dir: string): string[] => readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? walk(join(dir, e.name)) : e.isFile() && /\.sops\.ya?ml$/.test(e.name) ? [relative(root, join(dir, e.name))] : []));
  return existsSync(join(root, "stacks")) ? walk(join(root, "stacks")).sort() : [];
}
/** Whether a path is one of an environment's sealed files of credentials; null where it isn't. */
export function placeIn(environment: string, file: string): Omit<CredentialFile, "tier"> | null {
  const held = heldIn(file);
  if (held) return held.environment === environment ? { kind: "credentials", file, ...held } : null;
  const cls = CLASSES.find((c) => sealedFile(environment, c) === file);
  return cls ? { kind: "credentials", file, environment, class: cls } : null;
}
