import { existsSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import type { Claims } from "../../schemas/claims.ts";
import { Git } from "../../lib/git.ts";
import { parseClear, type ClearFile } from "../../seal/clear.ts";
import { diffSealed, viewSealed, type CredentialChange, type SealedChange } from "../../seal/diff.ts";
import { sealCodes } from "../../seal/codes.ts";
import { FindingError } from "../../lib/finding.ts";
import { sha256 } from "../../lib/sha256.ts";
import { defineCommand, type Context } from "../command.ts";
import { painter, type Painter } from "../render/paint.ts";
import { peopleAt, recipientNames } from "../sealed-place.ts";

interface FileDiff {
  readonly file: string;
  readonly credentials: readonly { readonly path: string; readonly change: CredentialChange; readonly from?: string; readonly issueId: string | null; readonly reason: string | null; readonly by: string | null }[];
  readonly recipients: { readonly added: readonly string[]; readonly removed: readonly string[] };
  readonly freshKey: boolean | null;
}
export default defineCommand({
  name: "secret diff",
  summary: "Say what changed in sealed files, without a key and never a value; also git's textconv and external diff",
  wants: "none",
  args: [{ name: "[files...]", description: "none: the work tree against --base; one: the file as lines, for textconv; two: old and new; seven or nine: as git calls an external diff" }],
  options: [{ flags: "--base <ref>", description: "the commit to compare the work tree with", default: "HEAD" }],
  examples: ["stackseal secret diff", "stackseal secret diff --base origin/main --json", "stackseal secret diff old.sops.yaml new.sops.yaml", "git config diff.stackseal.textconv 'stackseal secret diff'"],
  run: (context, args, options) => {
    const find = (f: string): string => [resolve(context.root, f), resolve(f)].find((p) => existsSync(p)) ?? f;
    const read = (f: string): string => {
      if (f === "/dev/null") return "";
      const path = find(f);
      if (!existsSync(path)) throw new FindingError(sealCodes.finding("SEAL_FORMAT", { message: `${f} isn't there` }), 2);
      return readFileSync(path, "utf8");
    };
    if (args.length === 1) return Promise.resolve({ exit: 0, text: view(context, args[0] as string, read(args[0] as string)) });
    if (args.length > 3 && args.length !== 7 && args.length !== 9) throw new FindingError(sealCodes.finding("SEAL_FORMAT", { message: "secret diff wants no file, one, two, or git's seven" }), 2);
    const pairs = args.length === 0 ? changed(context, String(options["base"])) : args.length < 7 ? [{ file: args[1] as string, before: read(args[0] as string), after: read(args[1] as string) }] : [{ file: args[0] as string, before: read(args[1] as string), after: read(args[4] as string) }];
    const files = pairs.map((p) => compare(context, p.file, p.before, p.after)).filter((f) => typeof f === "string" || f.credentials.length + f.recipients.added.length + f.recipients.removed.length > 0);
    const p = painter(context.color);
    const text = files.length === 0 ? "no sealed value, claim or recipient changed" : files.map((f) => (typeof f === "string" ? f : render(f, p))).join("\n");
    return Promise.resolve({ exit: 0, json: { files: files.filter((f) => typeof f !== "string") }, text });
  },
});
/** The sealed files that differ from a commit. Throws FindingError where git can't tell. */
function changed(context: Context, base: string): { readonly file: string; readonly before: string; readonly after: string }[] {
  const git = new Git(context.root, context.env);
  const commit = git.text(["rev-parse", "-q", "--verify", "--end-of-options", `${base}^{commit}`]);
  if (!git.inside || commit === null) throw new FindingError(sealCodes.finding("SEAL_FORMAT", { message: `no commit "${base}" here to compare with` }), 2);
  const prefix = git.text(["rev-parse", "--show-prefix"]) ?? "";
  const names = git.try(["diff", "--name-only", "-z", "--no-ext-diff", "--no-renames", "--relative", commit, "--", "*.sops.yaml"])?.toString("utf8").split("\0").filter((n) => n !== "") ?? [];
  return names.map((file) => ({ file, before: git.try(["cat-file", "blob", `${commit}:${prefix}${file}`])?.toString("utf8") ?? "", after: existsSync(resolve(context.root, file)) ? readFileSync(resolve(context.root, file), "utf8") : "" }));
}
const parse = (text: string, file: string): ClearFile | null => (text === "" ? null : parseClear(text, file).sealed);

function compare(context: Context, file: string, before: string, after: string): FileDiff | string {
  const [a, b] = [parse(before, file), parse(after, file)];
  if ((before !== "" && !a) || (after !== "" && !b)) return `${file}: no sealed file of ours (${before !== "" && !a ? "before" : "after"}): git diff --no-ext-diff --no-textconv shows the text`;
  const d = diffSealed(a, b);
  const nameOf = recipientNames(peopleAt(context.root, relative(context.root, resolve(context.root, file))));
  const credentials = d.credentials.map((c: SealedChange) => {
    const claims: Claims | null = c.after ?? c.before;
    return { path: c.path, change: c.change, ...(c.from !== undefined && { from: c.from }), issueId: claims?.issueId ?? null, reason: claims?.reason ?? null, by: claims?.sealedBy ?? null };
  });
  return { file, credentials, recipients: { added: d.recipientsAdded.map(nameOf), removed: d.recipientsRemoved.map(nameOf) }, freshKey: d.freshKey };
}
const SIGN: Readonly<Record<CredentialChange, string>> = { added: "+", removed: "-", changed: "~", resealed: "≈", claims: "~", moved: "→", unsigned: "!" };
const SAYS: Readonly<Record<CredentialChange, string>> = { added: "added", removed: "removed", changed: "new value", resealed: "sealed anew, the same issue", claims: "claims changed, not the value", moved: "moved", unsigned: "other ciphertext under the old claims: not signed yet" };
function render(f: FileDiff, p: Painter): string {
  const width = Math.max(0, ...f.credentials.map((c) => c.path.length));
  const paint = (c: CredentialChange): string => (c === "added" ? p.green(SIGN[c]) : c === "removed" || c === "unsigned" ? p.red(SIGN[c]) : p.yellow(SIGN[c]));
  return [
    p.bold(f.file),
    ...f.credentials.map((c) => `  ${paint(c.change)} ${c.path.padEnd(width)}  ${SAYS[c.change]}${c.from !== undefined ? ` from ${c.from}` : ""}${c.issueId !== null && c.change !== "removed" ? ` (${c.change === "changed" || c.change === "added" ? `issue ${c.issueId}, ${c.reason ?? ""}, ` : ""}by ${c.by ?? "nobody"})` : ""}`),
    ...f.recipients.added.map((r) => `  ${p.green("+")} may open it: ${r}`),
    ...f.recipients.removed.map((r) => `  ${p.red("-")} may not open it any more: ${r}${f.freshKey === false ? ` (the old data key still opens it: stackseal secret reseal)` : ""}`),
    ...(f.freshKey === true && f.credentials.length > 1 ? [`  a fresh data key: every value was sealed anew`] : []),
  ].join("\n");
}
/** What textconv hands to git's own diff. A file that can't be read is told by its digest: its text could hold a value. */
function view(context: Context, file: string, text: string): string {
  if (text === "") return "";
  const { sealed, findings } = parseClear(text, file);
  const wrong = findings.filter((f) => f.severity === "error").map((f) => `! ${f.code} ${f.path ?? ""}: ${f.message}\n`).join("");
  return (sealed ? viewSealed(sealed, recipientNames(peopleAt(context.root, "stacks"))) : `no sealed file of ours, ${text.split("\n").length} lines, ${sha256(text).slice(0, 16)}\n`) + wrong;
}
