import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { spawnSync } from "node:child_process";
import { writeAtomic } from "../../lib/atomic.ts";
import { FindingError, hasErrors, type Finding } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { parseClear } from "../../seal/clear.ts";
import { sealCodes } from "../../seal/codes.ts";
import { identitiesFor } from "../../seal/identity.ts";
import { mergeSealed, type Merged, type MergeOptions, type Side } from "../../seal/merge.ts";
import { openSealed, type Opened } from "../../seal/open.ts";
import { defineCommand, type Context, type Result } from "../command.ts";
import { installDrivers } from "../git-drivers.ts";
import { signerFor } from "../merge-signer.ts";
import { placeOf } from "../sealed-place.ts";

interface Inputs {
  /** The file's path in the project. */
  readonly file: string;
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}
export default defineCommand({
  name: "secret merge",
  summary: "Merge two versions of a sealed file, value by value: git's merge driver, and the way out of a conflict",
  wants: "none",
  args: [{ name: "[files...]", description: "as git calls it: base ours theirs path; or one file in conflict, with --take" }],
  options: [
    { flags: "--take <side>", description: "decide what both sides changed", choices: ["ours", "theirs"] },
    { flags: "--only <path>", description: "decide only this credential; may be repeated", many: true },
    { flags: "--marker-size <n>", description: "length of the conflict markers, as git says", default: "7" },
    { flags: "--install", description: "make this checkout's git use it: .git/config and .gitattributes" },
  ],
  examples: ["stackseal secret merge --install", "git config merge.stackseal.driver 'stackseal secret merge %O %A %B %P --marker-size %L'", "stackseal secret merge stacks/dev/secrets.sops.yaml --take theirs --only twilio.authToken"],
  run: async (context, args, options) => {
    if (options["install"] === true) return { exit: 0, text: installDrivers(context) };
    const take = options["take"] as Side | undefined;
    const only = options["only"] as string[] | undefined;
    const size = Math.min(100, Math.max(7, Number(options["markerSize"]) || 7));
    if (args.length === 1) {
      const inputs = stagesOf(context, args[0] as string);
      return merge(context, inputs, join(context.root, inputs.file), (path) => (take && (!only || only.includes(path)) ? take : null), size, null);
    }
    if (args.length < 3 || args.length > 4) throw new FindingError(sealCodes.finding("SEAL_FORMAT", { message: "secret merge wants base, ours, theirs and the path, as git calls it; or one file in conflict" }), 2);
    const at = (f: string): string => [resolve(context.root, f), resolve(f)].find((p) => existsSync(p)) ?? resolve(context.root, f);
    const [o, a, b] = args.slice(0, 3).map(at) as [string, string, string];
    const git = new Git(context.root, context.env);
    const prefix = git.text(["rev-parse", "--show-prefix"]) ?? "";
    const named = args[3] ?? args[1] ?? "";
    const file = prefix !== "" && named.startsWith(prefix) ? named.slice(prefix.length) : named;
    const read = (f: string): string => (existsSync(f) ? readFileSync(f, "utf8") : "");
    return merge(context, { file, base: read(o), ours: read(a), theirs: read(b) }, a, (path) => (take && (!only || only.includes(path)) ? take : null), size, [a, o, b]);
  },
});

/** The three versions that the index holds of a file in conflict. Throws FindingError. */
function stagesOf(context: Context, file: string): Inputs {
  const git = new Git(context.root, context.env);
  const [base, ours, theirs] = [1, 2, 3].map((n) => git.try(["cat-file", "blob", `:${n}:./${file}`])?.toString("utf8")) as [string | undefined, string | undefined, string | undefined];
  if (ours === undefined || theirs === undefined) throw new FindingError(sealCodes.finding("SEAL_FORMAT", { message: `${file} isn't in conflict`, hint: "git status names the files that are" }), 2);
  return { file, base: base ?? "", ours, theirs };
}

/** `textual`: files for git merge-file (ours, base, theirs), where the values can't be merged; null refuses instead. */
async function merge(context: Context, i: Inputs, target: string, take: MergeOptions["take"], size: number, textual: readonly [string, string, string] | null): Promise<Result> {
  let merged: Merged;
  try {
    merged = await byValue(context, i, take, size);
  } catch (e) {
    if (!(e instanceof FindingError) || !textual) throw e;
    return asText(context, i.file, textual, size, e.findings);
  }
  const info = existsSync(target) ? readFileSync(target, "utf8") : null;
  if (info !== merged.text) writeAtomic(target, merged.text);
  const findings: Finding[] = [
    ...merged.conflicts.map((path) => sealCodes.finding("MERGE_CONFLICT", { message: "both sides changed this value", at: { file: i.file, line: 1, column: 1 }, path, hint: `stackseal secret merge ${i.file} --take ours|theirs --only ${path}; then git add` })),
    ...(merged.unsigned.length ? [sealCodes.finding("MERGE_UNSIGNED", { message: `sealed anew under ${merged.freshKey ? "a fresh" : "the other side's"} data key and not signed: ${merged.unsigned.join(", ")}`, at: { file: i.file, line: 1, column: 1 }, hint: `stackseal secret sign --env ${placeOf(context.root, i.file)?.environment ?? "ENV"}` })] : []),
  ];
  const said = [`merged ${i.file} value by value`, ...(merged.freshKey ? ["under a fresh data key, since a recipient was removed"] : []), ...(merged.conflicts.length ? [`${merged.conflicts.length} in conflict`] : [])].join(", ");
  context.say(`${said}\n`);
  return { exit: merged.conflicts.length ? 1 : 0, findings, json: { file: i.file, conflicts: merged.conflicts, unsigned: merged.unsigned, freshKey: merged.freshKey, removedRecipients: merged.removed } };
}
async function byValue(context: Context, i: Inputs, take: MergeOptions["take"], markerSize: number): Promise<Merged> {
  const place = placeOf(context.root, i.file);
  const identities = identitiesFor(context.root, place?.environment ?? "", context.env);
  const open = async (text: string, side: string): Promise<Opened> => {
    const { sealed, findings } = parseClear(text, i.file);
    const wrong = findings.filter((f) => f.severity === "error" && !(place === null && f.code === "SEAL_STRUCTURE"));
    if (!sealed || hasErrors(wrong)) throw new FindingError(wrong.map((f) => ({ ...f, message: `${side}: ${f.message}` })));
    try {
      return await openSealed(sealed, identities);
    } catch (e) {
      throw e instanceof FindingError ? new FindingError(e.findings.map((f) => ({ ...f, message: `${side}: ${f.message}` }))) : e;
    }
  };
  const [ours, theirs] = [await open(i.ours, "ours"), await open(i.theirs, "theirs")];
  const base = i.base === "" ? null : await open(i.base, "base");
  return mergeSealed({ base, ours, theirs, take, markerSize, now: context.clock.now(), sign: signerFor(context, i.file) });
}
/** git's ordinary merge of lines, and why. Without a conflict among the lines it stands; `check` and the MAC judge it. */
function asText(context: Context, file: string, [ours, base, theirs]: readonly [string, string, string], size: number, why: readonly Finding[]): Result {
  const r = spawnSync("git", ["merge-file", `--marker-size=${size}`, "-L", "ours", "-L", "base", "-L", "theirs", ours, base, theirs], { env: context.env, encoding: "utf8" });
  const clean = r.status === 0;
  context.say(`${file}: merged as text alone${clean ? "" : ", with conflicts"}: ${why.map((f) => f.message).join("; ")}\n`);
  return { exit: clean ? 0 : 1, findings: [sealCodes.finding("MERGE_TEXTUAL", { message: `merged as text alone: ${why.map((f) => `${f.code}, ${f.message}`).join("; ")}`, at: { file, line: 1, column: 1 }, hint: `with a key at hand: stackseal secret merge ${file} --take ours|theirs` })] };
}
