import { auditCodes } from "../../audit/codes.ts";
import { concerns, openLog, type Change, type Log } from "../../audit/log.ts";
import { peopleIn } from "../../history/people-history.ts";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { nearest } from "../../lib/nearest.ts";
import { PEOPLE_FILE } from "../../schemas/layout.ts";
import { defineCommand, type Context } from "../command.ts";
import { daysOption } from "../day.ts";
import { deployedText } from "../../audit/deployments.ts";
import { deploymentsGiven, deploymentsKnown, DEPLOYMENT_OPTIONS } from "../evidence.ts";
import { stackCodes } from "../../stacks/codes.ts";
import { csvRow } from "../render/csv.ts";
import { painter, printable } from "../render/paint.ts";

interface Filter {
  readonly environments: readonly string[];
  readonly since: string;
  readonly until: string;
  readonly credential?: string | undefined;
  readonly person?: string | undefined;
}
const text = (v: unknown): string | undefined => (typeof v === "string" ? v : undefined);

const matches = (c: Change, f: Filter): boolean =>
  concerns(c, f.environments) && c.at >= f.since && c.at <= f.until &&
  (f.credential === undefined || (c.kind === "credential" && (c.path === f.credential || c.path.startsWith(`${f.credential}.`)))) &&
  (f.person === undefined || named(c, f.person.toLowerCase()));
/** By name or address, in any case. */
const named = (c: Change, person: string): boolean => [c.who, c.sealedBy ?? "", c.signature.by ?? "", c.author, c.committer, c.path, c.review.mergedBy ?? ""].map((x) => x.toLowerCase()).some((x) => x === person || x.startsWith(`${person} <`) || x.endsWith(`<${person}>`)) || c.change.toLowerCase().endsWith(`: ${person}`);

/** What the history had of what was asked for, whether it fell into the days and environments or not. */
interface Seen { readonly environments: Set<string>; readonly credentials: Set<string>; readonly people: Set<string>; person: boolean }
async function* filtered(context: Context, changes: Log["changes"], f: Filter, seen: Seen): AsyncGenerator<readonly Change[]> {
  for await (const page of changes) {
    for (const c of page) {
      if (c.environment !== null) seen.environments.add(c.environment);
      if (f.credential !== undefined && c.kind === "credential") seen.credentials.add(c.path);
      if (f.person === undefined || seen.person) continue;
      seen.person = named(c, f.person.toLowerCase());
      for (const who of [c.who, c.author, c.committer, c.sealedBy ?? ""]) if (seen.people.size < 10_000) seen.people.add(who.replace(/ <.*$/, ""));
    }
    const wanted = page.filter((c) => matches(c, f));
    if (wanted.length > 0) yield wanted;
  }
  context.progress(null);
}
async function* each(pages: AsyncIterable<readonly Change[]>): AsyncGenerator<Change> {
  for await (const page of pages) yield* page;
}
/** What neither stands here nor ever stood in the history: a slip of the pen would look like a quiet year. */
function unknown(context: Context, f: Filter, seen: Seen, here: readonly string[], whole: boolean): Finding[] {
  const known = new Set([...seen.environments, ...here]);
  const out = context.envs.filter((e) => !known.has(e)).map((e) => stackCodes.finding("ENVIRONMENT_UNKNOWN", { message: `no environment "${e}" is here, or ever was in this history`, path: e, hint: `there were: ${[...known].sort().join(", ") || "none"}` }));
  // Of a part of the history nobody can tell.
  if (!whole) return out;
  const near = (said: string, all: Iterable<string>, how: string): string => { const n = nearest(said, all); return n === null ? how : `did you mean ${n}?`; };
  const { credential, person } = f;
  if (credential !== undefined && ![...seen.credentials].some((p) => p === credential || p.startsWith(`${credential}.`))) {
    const parts = [...seen.credentials].flatMap((p) => p.split(".").map((_, n, all) => all.slice(0, n + 1).join(".")));
    out.push(auditCodes.finding("AUDIT_CREDENTIAL_UNKNOWN", { message: `no credential "${credential}" was ever in this history`, path: credential, hint: near(credential, new Set(parts), "stackseal secret list --env NAME") }));
  }
  if (person !== undefined && !seen.person) {
    const declared = peopleIn(new Git(context.root, context.env).files("HEAD", [PEOPLE_FILE])[0] ?? "").map((p) => p.name);
    if (!declared.includes(person.toLowerCase())) out.push(auditCodes.finding("AUDIT_PERSON_UNKNOWN", { message: `nobody called "${person}" is in this history`, path: person, hint: near(person, new Set([...declared, ...seen.people]), "stackseal people list; or the whole address, as git log shows it") }));
  }
  return out;
}
const COLUMNS = ["commit", "at", "kind", "environment", "path", "change", "who", "sealed_by", "author", "committer", "signature", "signed_by", "merge", "merged_by", "reviewed_by_claimed", "code_owners", "issue_id", "policy", "stack", "update", "store_version"] as const;
const row = (c: Change): (string | null)[] => [c.commit, c.at, c.kind, c.environment, c.path, c.change, c.who, c.sealedBy, c.author, c.committer, c.signature.state, c.signature.by, c.review.merge, c.review.mergedBy, c.review.claimed.join("; "), c.review.codeOwners, c.issueId, c.policy, ...carried(c)];

/** An empty cell: nothing of it is deployed by itself. */
function carried({ deployment: d }: Change): (string | null)[] {
  const said = (v: string | number | null): string => (v === null ? "unknown" : String(v));
  return d === null ? [null, null, null] : [said(d.stack), said(d.update), said(d.storeVersion)];
}

export default defineCommand({
  name: "audit log",
  summary: "Who changed which credential, setting, recipient, role, policy or alert: from git alone, without a key",
  wants: "any",
  options: [
    { flags: "--since <date>", description: "not before this day" }, { flags: "--until <date>", description: "not after this day" },
    { flags: "--credential <path>", description: "only this credential, or all of an integration" }, { flags: "--person <name>", description: "only what this person wrote, sealed, committed, signed or merged, or what happened to them" },
    { flags: "--from <rev>", description: "only what came after this revision" }, { flags: "--to <rev>", description: "up to this revision (default HEAD)" },
    { flags: "--format <format>", description: "how it is printed", choices: ["text", "csv"], default: "text" },
    ...DEPLOYMENT_OPTIONS,
    { flags: "--no-cache", description: "read everything anew" },
  ],
  examples: ["stackseal audit log --env prod --since 2026-10-01", "stackseal audit log --credential stripe.secretKey --json", "stackseal audit log --format csv > changes.csv", "stackseal audit log --env prod --state prod.json --updates updates.json"],
  run: async (context, _args, options) => {
    const filter: Filter = { environments: context.envs, ...daysOption(options), credential: text(options["credential"]), person: text(options["person"]) };
    for (const name of ["credential", "person"]) if (options[name] === "") throw new FindingError({ code: "USAGE", severity: "error", message: `--${name} is empty`, hint: "stackseal audit log --help" }, 2);
    const to = text(options["to"]), from = text(options["from"]);
    const log = openLog({
      root: context.root, env: context.env, signal: context.signal, cache: options["cache"] !== false, deployments: await deploymentsKnown(context, deploymentsGiven(options)), ...(to !== undefined && { to }), ...(from !== undefined && { from }),
      onProgress: (done, total) => { context.progress(`reading history: ${done} of at most ${total} commits`); },
    });
    const seen: Seen = { environments: new Set(), credentials: new Set(), people: new Set(), person: false };
    const here = context.envs.length === 0 ? [] : (await import("../../stacks/read.ts")).environmentNames(context.root);
    const pages = filtered(context, log.changes, filter, seen);
    const end = (): { readonly exit: number; readonly findings: readonly Finding[] } => {
      const odd = unknown(context, filter, seen, here, from === undefined);
      return { exit: odd.length > 0 ? 2 : 0, findings: [...log.findings, ...odd] };
    };
    if (context.json) return { exit: 0, json: { head: log.head }, stream: { field: "changes", items: each(pages), after: end } };
    if (options["format"] === "csv") {
      let page = csvRow(COLUMNS);
      for await (const changes of pages) {
        for (const c of changes) page += csvRow(row(c));
        if (page.length > 1 << 16) {
          context.out(page);
          page = "";
        }
      }
      context.out(page);
      return end();
    }
    const p = painter(context.color);
    let commit = "";
    let n = 0;
    for await (const c of each(pages)) {
      if (c.commit !== commit) {
        commit = c.commit;
        context.out(`${n === 0 ? "" : "\n"}${p.bold(c.commit.slice(0, 12))}  ${c.at.slice(0, 16).replace("T", " ")}  ${printable(`${c.author}${c.committer === c.author ? "" : `, committed by ${c.committer}`}`)}\n    ${printable(`${signature(c)} · ${review(c)} · ${c.policy === null ? "policy verdict unknown" : `recorded: ${c.policy}`}`)}\n`);
      }
      n++;
      context.out(`${printable(`    ${(c.environment ?? "–").padEnd(8)} ${c.kind.padEnd(10)} ${c.path}  ${c.change}${c.sealedBy === null || c.sealedBy === c.who ? "" : `  (sealedBy: ${c.sealedBy})`}${c.deployment === null ? "" : `  · deployed: ${deployedText(c.deployment)}`}`)}\n`);
    }
    return { ...end(), text: n === 0 ? "No change of that kind.\n" : `\n${n} changes\n` };
  },
});
function signature({ signature: s }: Change): string {
  switch (s.state) {
    case "valid": return `signed by ${s.by ?? ""}`;
    case "unknown-key": return `signed by a key that people.yaml named as nobody's then${s.by === null ? "" : ` (${s.by})`}`;
    case "invalid": return "signature invalid";
    case "unchecked": return `${s.kind ?? "unknown"} signature, not checked here`;
    case "none": return "not signed";
  }
}
function review({ review: r }: Change): string {
  const claimed = r.claimed.length ? `, Reviewed-by ${r.claimed.join(", ")} (claimed)` : "";
  return `${r.merge === null ? "committed to the main line directly" : `merged in ${r.merge.slice(0, 12)} by ${r.mergedBy ?? ""}`}${claimed}, code owners ${r.codeOwners}`;
}
