import { parseDocument } from "../lib/document.ts";
import type { Git } from "../lib/git.ts";
import type { GitBatch } from "../lib/git-batch.ts";
import type { Role } from "../schemas/access.ts";
import { PEOPLE_FILE } from "../schemas/layout.ts";

/** Everybody that people.yaml ever had, by what history shows of them: keys, recipients, roles. The newest word counts where two differ. */
export interface PeopleHistory {
  /** SSH public key line → person. */
  readonly keys: ReadonlyMap<string, string>;
  /** age recipient → person or machine. */
  readonly recipients: ReadonlyMap<string, string>;
  readonly roles: ReadonlyMap<string, Role>;
  /** Name on the code host → person. */
  readonly handles: ReadonlyMap<string, string>;
}
/** Reads every version of people.yaml that `to` can reach. */
export async function peopleHistory(git: Git, batch: GitBatch, to: string): Promise<PeopleHistory> {
  const out = { keys: new Map<string, string>(), recipients: new Map<string, string>(), roles: new Map<string, Role>(), handles: new Map<string, string>() };
  const commits = (git.text(["log", "--format=%H", "--full-history", to, "--", PEOPLE_FILE]) ?? "").split("\n").filter((l) => l !== "");
  for (const bytes of await batch.read(commits.map((c) => `${c}:${PEOPLE_FILE}`))) if (bytes) take(bytes.toString("utf8"), out);
  return out;
}
interface Out { readonly keys: Map<string, string>; readonly recipients: Map<string, string>; readonly roles: Map<string, Role>; readonly handles: Map<string, string> }
function take(text: string, out: Out): void {
  const { document } = parseDocument(text, PEOPLE_FILE);
  const value = document?.value as Readonly<Record<"people" | "machines", Readonly<Record<string, Entry>> | undefined>> | undefined;
  for (const entries of [value?.people, value?.machines])
    for (const [name, e] of Object.entries(entries ?? {})) {
      if (typeof e !== "object") continue;
      for (const k of Array.isArray(e.signing) ? e.signing : []) if (typeof k === "string" && !out.keys.has(k)) out.keys.set(k, name);
      for (const r of Array.isArray(e.recipients) ? e.recipients : []) if (typeof r === "string" && !out.recipients.has(r)) out.recipients.set(r, name);
      if (typeof e.role === "string" && !out.roles.has(name)) out.roles.set(name, e.role as Role);
      if (typeof e.handle === "string" && !out.handles.has(e.handle)) out.handles.set(e.handle, name);
    }
}
interface Entry { readonly role?: unknown; readonly handle?: unknown; readonly signing?: unknown; readonly recipients?: unknown }
