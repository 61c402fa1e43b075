import { isoDate, parseDate } from "../../lib/clock.ts";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { commitOn, recipientsAt } from "../../history/at-date.ts";
import { textAt } from "../../history/base.ts";
import { historyCodes } from "../../history/codes.ts";
import { peopleIn } from "../../history/people-history.ts";
import { allows } from "../../schemas/access.ts";
import { PEOPLE_FILE, sealedFile } from "../../schemas/layout.ts";
import { activeOn, members, type People } from "../../schemas/people.ts";
import { readClear } from "../../seal/clear.ts";
import { readPeople } from "../../seal/deploy.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { peopleOf } from "../people.ts";
import { expectedOf } from "../sealing.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "access who",
  summary: "Who can open, read or change a credential: now, or on a day of git history",
  wants: "any",
  options: [{ flags: "--credential <path>", description: "such as stripe.secretKey" }, { flags: "--at <date>", description: "as git's history has it at the end of that day" }],
  examples: ["stackseal access who --credential stripe.secretKey --env prod", "stackseal access who --credential twilio.authToken --at 2026-06-30 --json"],
  run: (context, _args, options) => {
    const path = options["credential"];
    const at = options["at"] as string | undefined;
    const usage = (message: string): FindingError => new FindingError({ code: "USAGE", severity: "error", message, hint: "stackseal access who --help" }, 2);
    if (typeof path !== "string") throw usage("which one? --credential PATH");
    if (at !== undefined && (at.length !== 10 || !parseDate(at))) throw usage("--at wants a date, YYYY-MM-DD");
    if (at !== undefined && at > isoDate(context.clock.now())) throw usage(`--at ${at} is still to come`);
    const git = new Git(context.root, context.env);
    const commit = at === undefined ? null : commitOn(git, "HEAD", at);
    if (at !== undefined && commit === null) throw new FindingError(historyCodes.finding("HISTORY_ABSENT", { severity: "error", message: `no commit of ${at} or before`, hint: "git fetch --unshallow, or a later day" }), 2);
    const findings: Finding[] = at !== undefined && git.text(["rev-parse", "--is-shallow-repository"]) === "true" ? [historyCodes.finding("HISTORY_SHALLOW", { message: "the clone is shallow: an earlier state may be missing", hint: "git fetch --unshallow" })] : [];
    const text = commit === null ? null : textAt(git, commit, PEOPLE_FILE);
    const people: People = commit === null ? readPeople(context.root, "") : text === null ? { people: {}, machines: {} } : peopleOf(text);
    const names = new Map([...(text === null ? [] : peopleIn(text)).flatMap((n) => n.recipients.map((r) => [r, n.name] as const)), ...members(people).flatMap((m) => m.entry.recipients.map((r) => [r, m.name] as const))]);
    const on = at ?? isoDate(context.clock.now());
    const envs = knownEnvironments(context).filter((e) => e !== "local");
    const project = readProject(context.root, { clock: context.clock });
    const answers = project.environments.filter((e) => envs.includes(e.name)).flatMap((e) => {
      const wanted = e.expected.find((x) => x.path === path);
      if (!wanted && context.envs.length) expectedOf(e.expected, path, e.name);
      const cls = wanted?.spec.class ?? "standard";
      const here = readClear(context.root, sealedFile(e.name, cls)).sealed;
      const sealed = commit !== null ? recipientsAt(git, commit, e.name, path) : here?.credentials.some((c) => c.path === path) ? [{ file: here.file, recipients: here.sops.recipients.map((r) => r.recipient), issueId: here.credentials.find((c) => c.path === path)?.claims?.issueId ?? "" }] : [];
      if (sealed.length === 0 && !wanted) return [];
      const may = (verb: "seal" | "read" | "write" | "permit"): string[] => members(people).filter((m) => activeOn(m, on) && m.entry.tiers.includes(e.tier) && allows(m.entry.role, cls, e.tier, verb)).map((m) => m.name);
      return [{ environment: e.name, path, class: cls, issueId: sealed[0]?.issueId ?? null, open: [...new Set(sealed.flatMap((s) => s.recipients.map((r) => names.get(r) ?? `unknown (${r.slice(0, 12)}…)`)))], seal: may("seal"), read: may("read"), write: may("write"), permit: may("permit") }];
    });
    if (answers.length === 0) expectedOf(project.environments.flatMap((e) => e.expected), path, null);
    const say = (l: readonly string[]): string => l.join(", ") || "nobody";
    return Promise.resolve({
      exit: 0, findings, json: { credential: path, at: on, commit, environments: answers },
      text: answers.map((a) => `${a.environment} ${a.path} (${a.class})${at !== undefined ? ` on ${at}` : ""}\n  opens in git    ${say(a.open)}\n  may change it   ${say(a.seal)}\n  reads the store ${say(a.read)}\n  writes to it    ${say(a.write)}\n  may permit      ${say(a.permit)}`).join("\n"),
    });
  },
});
