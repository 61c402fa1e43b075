import { existsSync } from "node:fs";
import { join } from "node:path";
import { readDocument } from "../lib/document.ts";
import { environmentFile, LOCAL_PEOPLE_FILE, PEOPLE_FILE } from "../schemas/layout.ts";
import { parseEnvironment, parsePeople } from "../schemas/parse.ts";
import { members, type People } from "../schemas/people.ts";
import { placeIn, type CredentialFile } from "../seal/sealed-files.ts";
import { environmentNames } from "../stacks/read.ts";

/** Which environment's file of which class a path is; null for peppers and files that aren't of the project. */
export function placeOf(root: string, file: string): CredentialFile | null {
  const place = environmentNames(root).map((environment) => placeIn(environment, file)).find((p) => p !== null);
  if (!place) return null;
  const { document } = readDocument(root, environmentFile(place.environment));
  const declared = document && parseEnvironment(document).value;
  return declared ? { ...place, tier: declared.tier } : null;
}
/** people.yaml as it stands, where it can be read. */
export function peopleAt(root: string, file: string): People | null {
  const own = file.startsWith(".") ? LOCAL_PEOPLE_FILE : PEOPLE_FILE;
  if (!existsSync(join(root, own))) return null;
  const { document } = readDocument(root, own);
  return document && parsePeople(document).value;
}
/** A recipient's name in people.yaml, or the recipient itself. */
export function recipientNames(people: People | null): (recipient: string) => string {
  const names = new Map(people ? members(people).flatMap((m) => m.entry.recipients.map((r) => [r, m.name] as const)) : []);
  return (r) => names.get(r) ?? r;
}
