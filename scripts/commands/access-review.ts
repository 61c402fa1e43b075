import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { isoDate } from "../../lib/clock.ts";
import { readDocument } from "../../lib/document.ts";
import { FindingError } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { readCloudTrail } from "../../history/cloudtrail.ts";
import { historyCodes } from "../../history/codes.ts";
import { parseWith } from "../../schemas/parse.ts";
import { REVIEWS_DIR, reviewSchema } from "../../schemas/review.ts";
import { readPeople } from "../../seal/deploy.ts";
import { armorSignature, signText } from "../../seal/signature.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand, type Context, type Result } from "../command.ts";
import { placesOf } from "../people.ts";
import { painter, printable } from "../render/paint.ts";
import { lastReview, makeReview, renderReview, REVIEW_NAMESPACE, reviewerSignature } from "../review.ts";
import { signerOf } from "../signer.ts";

export default defineCommand({
  name: "access review",
  summary: "Who can read and change what now, what changed, who lacks a second factor, unused access: a file to sign off line by line",
  wants: "none",
  options: [{ flags: "--sign [review]", description: "sign a review (the newest) that is decided, as one of its reviewers" }, { flags: "--cloudtrail <dir>", description: "a folder of CloudTrail log files: every read of a payment secret, the unusual flagged" }],
  examples: ["stackseal access review", "stackseal access review --sign", "stackseal access review --cloudtrail ./AWSLogs --json"],
  run: (context, _args, options) => {
    if (options["sign"] !== undefined) return Promise.resolve(signReview(context, typeof options["sign"] === "string" ? options["sign"] : null));
    const dir = options["cloudtrail"] as string | undefined;
    const path = dir === undefined ? null : resolve(context.root, dir);
    if (path !== null && !(existsSync(path) && statSync(path).isDirectory())) throw new FindingError({ code: "USAGE", severity: "error", message: "--cloudtrail wants a folder of log files", hint: "aws s3 sync s3://BUCKET/AWSLogs DIR" }, 2);
    const trail = path === null ? null : readCloudTrail(path, new Map(readProject(context.root, { clock: context.clock }).environments.flatMap(({ name, environment: { store } }) => (store.kind === "aws" ? [[name, store.accountId] as const] : []))));
    const file = `${REVIEWS_DIR}/${isoDate(context.clock.now())}.yaml`;
    if (existsSync(join(context.root, file))) throw new FindingError(historyCodes.finding("REVIEW_EXISTS", { message: `${file} is there already: its decisions would be lost`, at: { file, line: 1, column: 1 }, hint: "finish it with stackseal access apply, or remove it" }), 2);
    const review = makeReview({ root: context.root, git: new Git(context.root, context.env), people: readPeople(context.root, ""), environments: placesOf(context).filter((e) => e.tier !== "local"), trail, by: "access review", now: context.clock.now() });
    writeAtomic(join(context.root, file), renderReview(review));
    const p = painter(context.color);
    const odd = trail?.reads.filter((r) => r.flags.length || r.denied) ?? [];
    const text = [
      ...review.lines.map((l) => `${p.bold(l.name.padEnd(26))} ${l.role} in ${l.tiers.join(", ")}; recipient of ${l.opens.length} files${l.notes.map((n) => `\n    ${p.yellow("!")} ${n}`).join("")}`),
      ...(review.since ? [`since ${review.since}: ${review.changes.length || "no"} changes`, ...review.changes.map((c) => `  ${printable(c)}`)] : ["no former review"]),
      ...(trail ? [`${trail.reads.length} reads of payment secrets in ${trail.files} log files, ${odd.length} unusual`, ...odd.map((r) => `  ${r.at} ${printable(r.identity)} read ${printable(r.secret)} from ${printable(r.place)}: ${[...r.flags, ...(r.denied ? ["denied"] : [])].join(", ")}`)] : []),
      `wrote ${file}: decide each line; every reviewer signs: stackseal access review --sign; then stackseal access apply`,
    ].join("\n");
    return Promise.resolve({ exit: 0, findings: trail?.findings ?? [], json: { file, review, reads: trail?.reads ?? [] }, text });
  },
});
/** A reviewer's own signature, beside the review. */
function signReview(context: Context, named: string | null): Result {
  const file = named ?? lastReview(context.root);
  if (file === null || !existsSync(join(context.root, file))) throw new FindingError(historyCodes.finding("REVIEW_UNSIGNED", { message: "there is no review to sign", hint: "stackseal access review" }), 2);
  const { document, findings } = readDocument(context.root, file);
  const review = document && parseWith(reviewSchema, document);
  if (!review?.value) throw new FindingError([...findings, ...(review?.findings ?? [])]);
  const signer = signerOf(context, "");
  const own = review.value.lines.filter((l) => l.reviewedBy === signer.name);
  if (own.length === 0) throw new FindingError(historyCodes.finding("REVIEW_UNSIGNED", { message: `no line of ${file} says reviewedBy: ${signer.name}`, at: { file, line: 1, column: 1 }, hint: "decide lines first: decision, reason, reviewedBy" }), 2);
  const out = reviewerSignature(file, signer.name);
  writeAtomic(join(context.root, out), armorSignature(signText(signer.key, readFileSync(join(context.root, file), "utf8"), REVIEW_NAMESPACE)));
  return { exit: 0, json: { file, signed: out, lines: own.map((l) => l.name) }, text: `wrote ${out}: ${signer.name} signed ${own.length} of ${review.value.lines.length} lines (${own.map((l) => `${l.name}: ${l.decision || "undecided"}`).join(", ")}); a change of the review wants it anew` };
}
