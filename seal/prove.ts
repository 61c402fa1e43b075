import type { Finding } from "../lib/finding.ts";
import type { SecretFormat } from "../schemas/integration.ts";
import { specOf } from "../schemas/integrations/index.ts";
import { sealCodes } from "./codes.ts";
import { fingerprintLike, type Peppers } from "./fingerprint.ts";
import type { Opened } from "./open.ts";

/** Proves every claim against its value: kind's form, mode, fingerprint. Changed or not, all of them; nothing may be written before this is empty. */
export async function proveClaims(opened: Opened, peppers: Peppers, formats: ReadonlyMap<string, SecretFormat> = new Map()): Promise<Finding[]> {
  const each = await Promise.all(opened.file.credentials.map(async (c): Promise<Finding[]> => {
    const value = opened.values.get(c.path);
    if (!c.claims || value === undefined) return [];
    const { kind, mode, fingerprint } = c.claims;
    const lie = (claim: string, say: string): Finding => sealCodes.finding("SEAL_CLAIM_FALSE", { message: `the claim ${claim} is false: ${say}`, at: c.claimsAt, path: c.path, hint: `stackseal secret set ${c.path}` });
    const spec = specOf(kind);
    if (!spec) return [lie("kind", "no integration declares this kind")];
    const format = formats.get(c.path) ?? spec.format;
    const seen = spec.modeOf?.(value) ?? undefined;
    const print = await fingerprintLike(fingerprint, peppers, value);
    return [
      ...(format.soft !== true && !format.pattern.test(value) ? [lie("kind", `the value is not ${format.says}`)] : []),
      ...(seen !== mode && (seen !== undefined || mode !== undefined) && spec.modeOf ? [lie("mode", `the value is ${seen ?? "of no visible mode"}`)] : []),
      ...(print === null ? [sealCodes.finding("PEPPER_MISSING", { message: `the pepper of generation ${fingerprint.split(":")[0] ?? ""} isn't at hand`, at: c.claimsAt, path: c.path })] : print !== fingerprint ? [lie("fingerprint", "the value is another one")] : []),
    ];
  }));
  return each.flat();
}
