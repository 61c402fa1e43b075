// Secrets Manager keeps no facts about a version, so ours stand in the secret's tags: one set of tags a version, named after the version's first letters.

const PREFIX = "stackseal:notes:";
/** AWS: 256 characters a tag's value, 50 tags a secret. */
const VALUE = 256;
const MOST = 18;
const short = (versionId: string): string => versionId.slice(0, 12);

/** Tags for a version's notes; none where they don't fit. Keys and values of notes are of letters that tags take. */
export function noteTags(versionId: string, notes: Readonly<Record<string, string>>): Record<string, string> {
  const chunks: string[] = [];
  for (const [k, v] of Object.entries(notes).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const entry = `${k}=${v}`;
    if (entry.length > VALUE) return {};
    const last = chunks.at(-1);
    if (last !== undefined && last.length + 3 + entry.length <= VALUE) chunks[chunks.length - 1] = `${last} / ${entry}`;
    else chunks.push(entry);
  }
  return chunks.length > MOST ? {} : Object.fromEntries(chunks.map((c, i) => [`${PREFIX}${short(versionId)}:${i}`, c]));
}
/** The notes of a version, from the secret's tags. */
export function notesIn(tags: Readonly<Record<string, string>>, versionId: string): Record<string, string> {
  const own = Object.entries(tags).filter(([k]) => k.startsWith(`${PREFIX}${short(versionId)}:`));
  return Object.fromEntries(own.flatMap(([, v]) => v.split(" / ")).map((entry) => {
    const at = entry.indexOf("=");
    return [entry.slice(0, at), entry.slice(at + 1)] as const;
  }));
}
/** Tags of notes that belong to none of these versions any more. */
export const staleNoteTags = (tags: Readonly<Record<string, string>>, versionIds: readonly string[]): string[] =>
  Object.keys(tags).filter((k) => k.startsWith(PREFIX) && !versionIds.some((id) => k.startsWith(`${PREFIX}${short(id)}:`)));
