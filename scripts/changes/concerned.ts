import { isThere, readDocument } from "../../lib/document.ts";
import type { Git } from "../../lib/git.ts";
import { environmentFile, paymentsFile, stackName } from "../../schemas/layout.ts";
import { environmentNames } from "../../stacks/read.ts";

/** A job of the code host's matrix. */
export interface Job {
  readonly environment: string;
  readonly tier: string;
  readonly stacks: readonly string[];
  /** Two runs of one group never run at once. */
  readonly group: string;
}
/** Files that no environment's resources come from. */
const NOTHING = /^(?:docs|tests|bench|fixtures|\.vscode|\.github|\.gitlab|tools)\/|^\.(?:gitlab-ci|pre-commit-config)\.yml$|^\.pre-commit-config\.yaml$|^\.gitattributes$|^[^/]+\.md$|\.test\.ts$|^LICENSE$|^\.gitignore$|^\.stackseal\//;

/** The environments that a change since `commit` concerns, committed or not: their own folder, else everything (people, schemas, program, policies, lockfile). Null where git can't tell. */
export function concernedBy(root: string, git: Git, commit: string): { readonly names: string[]; readonly removed: string[]; readonly why: Readonly<Record<string, string>> } | null {
  const changed = git.try(["diff", "--name-only", "--no-renames", "--no-ext-diff", "--relative", "-z", commit, "--", "."]);
  const fresh = git.try(["ls-files", "--others", "--exclude-standard", "-z", "--", "."]);
  if (!changed || !fresh) return null;
  const names = environmentNames(root);
  const why: Record<string, string> = {};
  const removed = new Set<string>();
  const tier = tiersOf(root, names);
  for (const file of [...changed.toString("utf8").split("\0"), ...fresh.toString("utf8").split("\0")].filter((f) => f !== "" && !NOTHING.test(f))) {
    const own = /^stacks\/(?:Pulumi\.)?([a-z][a-z0-9-]*?)(?:-payments|-foundation)?(?:\/|\.yaml$)/.exec(file)?.[1];
    const pepper = /^stacks\/pepper-([a-z]+)\.sops\.yaml$/.exec(file)?.[1];
    const about = own !== undefined && names.includes(own) ? [own] : pepper !== undefined ? names.filter((n) => tier.get(n) === pepper) : null;
    const gone = /^stacks\/([^/]+)\/(?:environment|payments)(?:\.sops)?\.yaml$|^stacks\/([^/]+)\/secrets\.sops\.yaml$/.exec(file);
    if (about) for (const n of about) why[n] ??= file;
    else if (gone) removed.add((gone[1] ?? gone[2]) as string);
    else for (const n of names) why[n] ??= file;
  }
  return { names: names.filter((n) => n in why), removed: [...removed].sort(), why };
}
const tiersOf = (root: string, names: readonly string[]): Map<string, string> => new Map(names.map((n) => [n, tierOf(root, n)]));
function tierOf(root: string, name: string): string {
  const v = readDocument(root, environmentFile(name)).document?.value as { tier?: unknown } | undefined;
  return typeof v?.tier === "string" ? v.tier : "";
}
/** One job an environment; `local` lives on each machine and has none. */
export const jobsFor = (root: string, names: readonly string[]): Job[] =>
  names.map((n) => ({ environment: n, tier: tierOf(root, n), stacks: [stackName(n, "standard"), ...(isThere(root, paymentsFile(n)) ? [stackName(n, "payments")] : [])], group: `stackseal-${n}` })).filter((j) => j.tier !== "local");
