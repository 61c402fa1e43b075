import { randomBytes } from "node:crypto";
import { ageSeal } from "./age.ts";
import { pathData, sealLeaf } from "./cipher.ts";
import { split } from "./foreign/shamir.ts";
import { MacHash } from "./mac.ts";
import { ageLines, instant, scalar } from "./write.ts";

/**
 * The text of a sops file whose data key is shared among groups of age recipients (Shamir): any `threshold` groups open it, here and with
 * the sops CLI; fewer learn nothing. `values` are flat: name → text.
 */
export async function renderShared(values: Readonly<Record<string, string>>, groups: readonly (readonly string[])[], threshold: number, now: Date): Promise<string> {
  const dataKey = new Uint8Array(randomBytes(32));
  const shares = split(dataKey, groups.length, threshold);
  const mac = new MacHash();
  const lines = Object.entries(values).map(([name, text]) => {
    mac.add(text);
    return `${scalar(name)}: ${sealLeaf(dataKey, text, pathData([name]))}`;
  });
  const sealed = await Promise.all(groups.map(async (recipients, n) => Promise.all(recipients.map(async (recipient) => ({ recipient, enc: await ageSeal([recipient], shares[n] as Uint8Array) })))));
  const lastmodified = instant(now);
  return [
    ...lines, "sops:", `    shamir_threshold: ${threshold}`, "    key_groups:",
    ...sealed.flatMap((keys) => ageLines(keys).map((l, n) => `        ${n === 0 ? "- " : "  "}${l}`)),
    `    lastmodified: "${lastmodified}"`, `    mac: ${sealLeaf(dataKey, mac.digest(), lastmodified)}`, "    version: 3.13.3", "",
  ].join("\n");
}
