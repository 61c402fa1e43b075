import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isScalar, parseDocument } from "yaml";
import { FindingError } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { textAt } from "../../history/base.ts";
import { integrationOf } from "../../schemas/integrations/index.ts";
import { environmentFile } from "../../schemas/layout.ts";
import { pathData, sealLeaf } from "../../seal/cipher.ts";
import type { ClearFile } from "../../seal/clear.ts";
import { editSealed, type Change } from "../../seal/edit.ts";
import { identitiesFor } from "../../seal/identity.ts";
import { openSealed } from "../../seal/open.ts";
import type { Context } from "../command.ts";
import { signerFor } from "../merge-signer.ts";
import { rollbackCodes as c } from "./codes.ts";
import type { GitVersion, Target } from "./versions.ts";

/** The files of HEAD with the secret's credentials, and the settings that go with them, as they stood in an older version. Throws FindingError. */
export async function revertedFiles(context: Context, git: Git, t: Target, head: GitVersion | null, old: GitVersion): Promise<Map<string, string>> {
  const out = new Map<string, string>();
  const file = old.sealed.file;
  const now = head?.sealed.document.text;
  if (!head || now === undefined || onlyThese(head, old)) out.set(file, old.sealed.document.text);
  else out.set(file, await byValue(context, head, old));
  if (JSON.stringify(head?.companions ?? old.companions) !== JSON.stringify(old.companions)) {
    const [was, is] = [textAt(git, old.commit, environmentFile(t.environment)), textAt(git, "HEAD", environmentFile(t.environment))];
    if (was !== null && is !== null) out.set(environmentFile(t.environment), withSettings(is, was, t, Object.keys(old.companions)));
  }
  return out;
}
/** Whether the two files differ in nothing but the secret's own credentials: then the old bytes can stand, and no key is needed. */
function onlyThese(head: GitVersion, old: GitVersion): boolean {
  const own = new Set([...head.credentials, ...old.credentials].map((x) => x.path));
  const rest = (f: ClearFile): string => JSON.stringify([f.sops.recipients.map((r) => r.recipient).sort(), f.sops.others, f.credentials.filter((x) => !own.has(x.path)).map((x) => [x.path, x.leaf, x.claims]).sort()]);
  return rest(head.sealed) === rest(old.sealed);
}
/** Under HEAD's data key: a leaf of the same key is taken as it is, another one is sealed and signed anew. */
async function byValue(context: Context, head: GitVersion, old: GitVersion): Promise<string> {
  const identities = identitiesFor(context.root, "", context.env);
  const [is, was] = [await openSealed(head.sealed, identities), await openSealed(old.sealed, identities)];
  const sameKey = Buffer.from(is.dataKey).equals(Buffer.from(was.dataKey));
  const sign = sameKey ? null : signerFor(context, head.sealed.file);
  const set = old.credentials.flatMap(({ path }): Change[] => {
    const leaf = was.file.credentials.find((x) => x.path === path);
    const value = was.values.get(path);
    if (!leaf?.claims || value === undefined) return [];
    if (sameKey) return [{ path, value, leaf: leaf.leaf, claims: leaf.claims }];
    const fresh = sealLeaf(is.dataKey, value, pathData([...path.split("."), "value"]));
    const { signature: _old, ...bare } = leaf.claims;
    return [{ path, value, leaf: fresh, claims: sign?.(path, bare, fresh, was) ?? bare }];
  });
  return editSealed(is, { set, remove: head.credentials.map((x) => x.path).filter((p) => !set.some((s) => s.path === p)), now: context.clock.now() });
}
/** The text with some scalars of the integration as another text writes them; every other byte stays. */
function withSettings(text: string, from: string, t: Target, variables: readonly string[]): string {
  const names = variables.flatMap((v) => ((s) => (typeof s === "string" ? [s] : []))(integrationOf(t.integration)?.env[v]));
  const at = (source: string, name: string): [number, number] | null => {
    const node = parseDocument(source).getIn(["integrations", t.integration, name], true);
    return isScalar(node) && node.range ? [node.range[0], node.range[1]] : null;
  };
  return names.reduce((s, name) => {
    const [here, there] = [at(s, name), at(from, name)];
    return here && there ? s.slice(0, here[0]) + from.slice(...there) + s.slice(here[1]) : s;
  }, text);
}

/** A commit on HEAD with these files, which nothing points at yet: work tree and index stay as they are. Throws FindingError. */
export function writeCommit(context: Context, git: Git, files: ReadonlyMap<string, string>, message: string): string {
  const dir = mkdtempSync(join(tmpdir(), "stackseal-index-"));
  try {
    const own = new Git(git.root, { ...context.env, GIT_INDEX_FILE: join(dir, "index") });
    const must = (args: readonly string[], input?: string): string => {
      const out = own.try(["-c", "core.hooksPath=/dev/null", ...args], input === undefined ? undefined : Buffer.from(input));
      if (!out) throw new FindingError(c.finding("ROLLBACK_NOT_WRITTEN", { message: `nothing is changed yet: git ${args[0] ?? ""} failed`, hint: "git config user.name and user.email must be set; git fsck tells of a broken repository" }), 2);
      return out.toString("utf8").trim();
    };
    const prefix = must(["rev-parse", "--show-prefix"]);
    must(["read-tree", "HEAD"]);
    for (const [file, text] of files) must(["update-index", "--add", "--cacheinfo", `100644,${must(["hash-object", "-w", "--no-filters", "--stdin"], text)},${prefix}${file}`]);
    const sign = own.text(["config", "--type=bool", "commit.gpgSign"]) === "true";
    return must(["commit-tree", must(["write-tree"]), "-p", "HEAD", ...(sign ? ["-S"] : []), "-F", "-"], message);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
