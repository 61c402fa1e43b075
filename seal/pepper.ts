import { existsSync } from "node:fs";
import { join } from "node:path";
import { FindingError } from "../lib/finding.ts";
import { humanPepperFile, pepperFile } from "../schemas/layout.ts";
import type { Identity } from "./age.ts";
import { readClear } from "./clear.ts";
import { sealCodes } from "./codes.ts";
import type { Peppers } from "./fingerprint.ts";
import { openSealed } from "./open.ts";

/** Opens the peppers of an environment: generated values' and, of its tier, human-chosen values'. Throws FindingError where a file can't be opened. */
export async function openPeppers(root: string, environment: string, tier: string, identities: readonly Identity[]): Promise<Peppers> {
  const g = new Map<number, Buffer>();
  const h = new Map<number, Buffer>();
  for (const file of new Set([pepperFile(environment), humanPepperFile(environment, tier)])) {
    if (!existsSync(join(root, file))) throw new FindingError(sealCodes.finding("PEPPER_MISSING", { message: `${file} is missing`, hint: "stackseal init makes it" }), 2);
    const { sealed, findings } = readClear(root, file);
    if (!sealed) throw new FindingError(findings, 2);
    for (const [name, value] of (await openSealed(sealed, identities)).values) {
      const m = /^([gh])(\d+)$/.exec(name);
      if (m) (m[1] === "g" ? g : h).set(Number(m[2]), Buffer.from(value, "base64"));
    }
  }
  return { g, h };
}
