import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import { FindingError } from "../lib/finding.ts";
import { Git } from "../lib/git.ts";
import { sealCodes } from "../seal/codes.ts";
import type { Context } from "./command.ts";

export const ATTRIBUTES = "*.sops.yaml merge=stackseal diff=stackseal";

/**
 * Makes this checkout's git merge and show sealed files by `secret merge` and `secret diff`: three entries in .git/config (each checkout's own)
 * and one line in .gitattributes (everybody's). Doing it again changes nothing. Answers what was done; throws FindingError outside a checkout.
 */
export function installDrivers(context: Context): string {
  const git = new Git(context.root, context.env);
  if (!git.inside) throw new FindingError(sealCodes.finding("SEAL_FORMAT", { message: "no git checkout here", hint: "git init" }), 2);
  const prefix = git.text(["rev-parse", "--show-prefix"]) ?? "";
  const quoted = (s: string): string => `'${s.replaceAll("'", "'\\''")}'`;
  const self = `${quoted(process.execPath)} ${quoted(process.argv[1] ?? "stackseal")}${prefix === "" ? "" : ` -C ${quoted(prefix.replace(/\/$/, ""))}`}`;
  const entries: readonly (readonly [string, string])[] = [
    ["merge.stackseal.name", "sealed files, value by value"],
    ["merge.stackseal.driver", `${self} secret merge %O %A %B %P --marker-size %L`],
    ["diff.stackseal.textconv", `${self} secret diff`],
  ];
  for (const [key, value] of entries) if (git.try(["config", "--local", key, value]) === null) throw new FindingError(sealCodes.finding("SEAL_FORMAT", { message: `git config ${key} can't be written` }), 2);
  const file = join(context.root, ".gitattributes");
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  const has = before.split("\n").some((l) => l.trim() === ATTRIBUTES);
  if (!has) writeAtomic(file, `${before}${before === "" || before.endsWith("\n") ? "" : "\n"}${ATTRIBUTES}\n`);
  return `git merges and shows sealed files by stackseal in this checkout${has ? "" : "; .gitattributes has a new line: commit it"}`;
}
