import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { isoDate } from "../../lib/clock.ts";
import { readDocument } from "../../lib/document.ts";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { historyCodes } from "../../history/codes.ts";
import { parseWith } from "../../schemas/parse.ts";
import { activeOn, members, type People } from "../../schemas/people.ts";
import { reviewSchema, type Review } from "../../schemas/review.ts";
import { readPeople } from "../../seal/deploy.ts";
import { armorSignature, signText } from "../../seal/signature.ts";
import { defineCommand } from "../command.ts";
import { superAdmin } from "../people.ts";
import { removePerson } from "../people-removal.ts";
import { lastReview, REVIEW_NAMESPACE, signedByReviewer } from "../review.ts";

export default defineCommand({
  name: "access apply",
  summary: "Turn a review's removals into the change: people.yaml, re-sealed files, exposure lists; sign the review",
  wants: "none",
  args: [{ name: "[review]", description: "the review file; otherwise the newest" }],
  examples: ["stackseal access apply", "stackseal access apply stacks/reviews/2026-11-24.yaml"],
  run: async (context, [named]) => {
    const file = named ?? lastReview(context.root);
    if (file === null || !existsSync(join(context.root, file))) throw new FindingError(historyCodes.finding("REVIEW_UNSIGNED", { message: "there is no review to apply", hint: "stackseal access review" }), 2);
    const { document, findings } = readDocument(context.root, file);
    const parsed = document && parseWith(reviewSchema, document);
    if (!document || !parsed?.value) throw new FindingError([...findings, ...(parsed?.findings ?? [])]);
    const people = readPeople(context.root, "");
    const signer = superAdmin(context, people);
    const wrong = [...judge({ review: parsed.value, file, people, signer: signer.name, on: isoDate(context.clock.now()), at: (i) => document.locate(["lines", i]) }), ...unsigned(context.root, file, parsed.value, people, signer.name)];
    if (wrong.length) throw new FindingError(wrong);
    const here = new Set(members(people).map((m) => m.name));
    const removed: string[] = [];
    const texts: string[] = [];
    for (const l of parsed.value.lines.filter((x) => x.decision === "remove" && here.has(x.name))) {
      const r = await removePerson(context, l.name, "departure");
      if (r.exit !== 0) return r;
      removed.push(l.name);
      texts.push(r.text ?? "");
    }
    // Signed last: a signed review is one whose removals are done.
    writeAtomic(join(context.root, `${file}.sig`), armorSignature(signText(signer.key, readFileSync(join(context.root, file), "utf8"), REVIEW_NAMESPACE)));
    return { exit: 0, json: { review: file, removed, kept: parsed.value.lines.filter((l) => l.decision === "keep").map((l) => l.name), signed: `${file}.sig` }, text: [...texts, `applied ${file}: ${removed.length} removed${removed.length ? ` (${removed.join(", ")})` : ""}; wrote ${file}.sig, signed by ${signer.name}`].join("\n") };
  },
});
/** Everybody whose word the review gives must have signed it; whoever applies it signs it now. */
function unsigned(root: string, file: string, review: Review, people: ReturnType<typeof readPeople>, signer: string): Finding[] {
  const text = readFileSync(join(root, file), "utf8");
  const reviewers = [...new Set(review.lines.map((l) => l.reviewedBy))].filter((n) => n !== "" && n !== signer);
  return members(people).filter((m) => reviewers.includes(m.name) && !signedByReviewer(root, file, text, m)).map((m) => historyCodes.finding("REVIEW_UNSIGNED", { message: `${m.name} decided lines, and hasn't signed the review as it is now`, at: { file, line: 1, column: 1 }, path: m.name, hint: `${m.name}: stackseal access review --sign ${file}` }));
}
interface Judged { readonly review: Review; readonly file: string; readonly people: People; readonly signer: string; readonly on: string; readonly at: (i: number) => Finding["at"] }
/** What keeps a review from being applied: a line without a decision of somebody who may decide, or one that isn't about who is there now. */
function judge({ review, file, people, signer, on, at }: Judged): Finding[] {
  const now = new Map(members(people).map((m) => [m.name, m]));
  const lines = new Set(review.lines.map((l) => l.name));
  const copied = basename(file) === `${review.on}.yaml` ? [] : [historyCodes.finding("REVIEW_UNSIGNED", { message: `${file} says that it is of ${review.on}: another review was copied here`, at: at(0), path: review.on, hint: "make the review anew: stackseal access review" })];
  return [
    ...copied,
    ...review.lines.flatMap((l, i): Finding[] => {
      const say = (message: string): Finding[] => [historyCodes.finding("REVIEW_UNSIGNED", { message: `${l.name}: ${message}`, at: at(i), path: l.name, hint: "decision: keep or remove, a reason, reviewedBy: your name" })];
      if (l.decision === "") return say("not decided yet");
      if (l.reason === "") return say("no reason is given");
      const reviewer = now.get(l.reviewedBy), is = now.get(l.name)?.entry;
      if (!reviewer || reviewer.machine) return say("reviewedBy is nobody in people.yaml");
      if (!activeOn(reviewer, review.on) || !activeOn(reviewer, on)) return say(`${l.reviewedBy}, who reviewed it, is not active`);
      if (review.lines.findIndex((x) => x.name === l.name) < i) return say("stands there twice");
      if (is && (is.role !== l.role || is.tiers.join() !== l.tiers.join())) return say(`is ${is.role} in ${is.tiers.join(", ")} now, and was reviewed as ${l.role} in ${l.tiers.join(", ")}: make the review anew`);
      if (l.reviewedBy === l.name) return say("nobody reviews themself");
      return l.decision === "remove" && l.name === signer ? say("another Super Admin must apply your own removal") : [];
    }),
    ...members(people).filter((m) => !lines.has(m.name)).map((m) => historyCodes.finding("REVIEW_UNSIGNED", { message: `${m.name} isn't in the review: they came after it`, path: m.name, hint: "make the review anew: stackseal access review" })),
  ];
}
