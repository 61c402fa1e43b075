import type { Finding } from "../lib/finding.ts";
import { Git } from "../lib/git.ts";
import { sealCodes } from "../seal/codes.ts";
import { fingerprintLike, type Peppers } from "../seal/fingerprint.ts";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Whether git's history, on any branch, ever held the value in a sealed file: by its fingerprints under every generation at hand, without opening
 * anything. A value that was in force once is no new issue; null where it never was, or where there is no repository.
 */
export async function heldBefore(root: string, env: Env, path: string, value: string, human: boolean, peppers: Peppers): Promise<Finding | null> {
  const git = new Git(root, env);
  if (!git.inside) return null;
  const letter = human ? "h" : "g";
  for (const generation of peppers[letter].keys()) {
    const print = await fingerprintLike(`${letter}${generation}:`, peppers, value);
    const found = print && git.text(["log", "--all", "-1", "--format=%h of %cs", "--no-ext-diff", "--no-textconv", "--no-renames", `-S${print}`, "--", "stacks"]);
    if (found) return sealCodes.finding("VALUE_RETURNED", { message: `the value was in force before (commit ${found})`, path, hint: "issue a new one at the provider: whoever knew the old one knows this one" });
  }
  return null;
}
