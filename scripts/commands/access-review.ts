import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { isoDate } from "../../lib/clock.ts";
import { FindingError } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { readCloudTrail } from "../../history/cloudtrail.ts";
import { historyCodes } from "../../history/codes.ts";
import { REVIEWS_DIR } from "../../schemas/review.ts";
import { readPeople } from "../../seal/deploy.ts";
import { defineCommand } from "../command.ts";
import { placesOf } from "../people.ts";
import { painter, printable } from "../render/paint.ts";
import { makeReview, renderReview } from "../review.ts";

export default defineCommand({
  name: "access review",
  summary: "Who can read and change what now, what changed, who lacks a second factor, unused access: a file to sign off line by line",
  wants: "none",
  options: [{ flags: "--cloudtrail <dir>", description: "a folder of CloudTrail log files: every read of a payment secret, the unusual flagged" }],
  examples: ["stackseal access review", "stackseal access review --cloudtrail ./AWSLogs --json"],
  run: (context, _args, options) => {
    const dir = options["cloudtrail"] as string | undefined;
    const path = dir === undefined ? null : resolve(context.root, dir);
    if (path !== null && !(existsSync(path) && statSync(path).isDirectory())) throw new FindingError({ code: "USAGE", severity: "error", message: "--cloudtrail wants a folder of log files", hint: "aws s3 sync s3://BUCKET/AWSLogs DIR" }, 2);
    const trail = path === null ? null : readCloudTrail(path);
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
      `wrote ${file}: sign off each line, then stackseal access apply`,
    ].join("\n");
    return Promise.resolve({ exit: 0, findings: trail?.findings ?? [], json: { file, review, reads: trail?.reads ?? [] }, text });
  },
});
