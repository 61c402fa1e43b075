import { formatOf, openForeign } from "../seal/foreign/open.ts";
import { identitiesFor } from "../seal/identity.ts";
import type { Context } from "./command.ts";
import type { Items } from "./import-source.ts";

/** Values of a sops file that is not ours, sealed and clear; its MAC is verified before any is used. Throws FindingError. */
export async function readSopsSource(context: Context, file: string, text: string): Promise<Items> {
  const opened = await openForeign(text, formatOf(file), identitiesFor(context.root, "", context.env), file);
  return { items: opened.values.filter((v) => v.type !== "null").map((v) => ({ name: v.path.join("."), value: v.text, at: v.at })), findings: opened.findings };
}
