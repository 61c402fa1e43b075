import { addDays, isoDate, parseDate } from "../../lib/clock.ts";
import type { Finding } from "../../lib/finding.ts";
import type { Git } from "../../lib/git.ts";
import { auditCodes } from "../codes.ts";
import type { Manifest } from "./manifest.ts";
import { commitBefore } from "./period.ts";
import { intact, type Bundle } from "./read.ts";

/** A commit's clock may be behind its parent's by this much, in seconds: clocks differ. */
const SKEW = 3600;

type Link = Pick<Manifest, "previous" | "git" | "period" | "createdAt" | "environments">;
/** The day after. */
const next = (day: string): string => { const d = parseDate(day); return d ? isoDate(addDays(d, 1)) : ""; };
/** Whether the bundle follows on the former one that its reader kept. */
export function chain(m: Link, former: Bundle | null, unsigned: readonly Finding[] | null): { readonly findings: Finding[]; readonly state: "checked" | "first" | "not checked" } {
  const broken = breaks(former?.label);
  if (!former) {
    if (m.previous === null) return { findings: [], state: "first" };
    return { findings: [auditCodes.finding("BUNDLE_UNCHAINED", { message: `it says that it follows on the bundle of ${m.previous.period.since} to ${m.previous.period.until}: that wasn't checked`, hint: "give the former bundle's folder: --previous DIR" })], state: "not checked" };
  }
  if (m.previous === null) return { findings: [broken("the bundle says that it is the first one, and a former one was given")], state: "checked" };
  if (m.previous.manifestSha256 !== former.sha256) return { findings: [broken(`the bundle follows on another one than this: on the manifest ${m.previous.manifestSha256.slice(0, 16)}…, and this one is ${former.sha256.slice(0, 16)}…`)], state: "checked" };
  const p = former.manifest;
  if (!p) return { findings: [broken("the former bundle's manifest can't be read")], state: "checked" };
  return { findings: [...(unsigned ?? []), ...intact({ ...former, manifest: p }), ...follows(m, p, former.label)], state: "checked" };
}
const breaks = (path: string | undefined) => (message: string): Finding => auditCodes.finding("BUNDLE_CHAIN", { message, path, hint: "the manifest's \"previous\" says which bundle it follows on" });
/** What keeps a bundle from being the one after `p`: its range, its days, its environments, what it says of it. */
export function follows(m: Link, p: Manifest, label: string): Finding[] {
  const broken = breaks(label);
  const findings: Finding[] = [];
  if (m.git.from !== p.git.head) findings.push(broken(`the former bundle ends at commit ${p.git.head.slice(0, 12)}, this one begins after ${m.git.from?.slice(0, 12) ?? "nothing"}: what is between stands in neither`));
  if (m.period.since <= p.period.until) findings.push(broken(`the former bundle covers time until ${p.period.until}, this one begins on ${m.period.since}: their order is wrong`));
  else if (m.period.since !== next(p.period.until)) findings.push(broken(`the former bundle covers time until ${p.period.until}, this one begins on ${m.period.since}: the days between stand in neither`));
  if (named(m.environments) !== named(p.environments)) findings.push(broken(`the former bundle is of ${named(p.environments)}, this one of ${named(m.environments)}`));
  if (m.previous?.head !== p.git.head || m.previous.createdAt !== p.createdAt || m.previous.period.since !== p.period.since || m.previous.period.until !== p.period.until) findings.push(broken("what the bundle says of the former one isn't what that one says of itself"));
  if (m.createdAt < p.createdAt) findings.push(broken(`this bundle says that it is of ${m.createdAt}, before the former one (${p.createdAt})`));
  return findings;
}

const named = (environments: readonly string[]): string => (environments.length === 0 ? "all environments" : [...environments].sort().join(", "));

/** Commits of the main line that are of the bundle's time, by their dates, and aren't in it: left out, or dated back since then. */
export function leftOut(git: Git, m: Manifest): Finding[] {
  const say = (message: string, path: string): Finding => auditCodes.finding("BUNDLE_LEFT_OUT", { message, path, hint: `git show ${path.slice(0, 12)}; ask whoever signed the bundle` });
  const from = m.previous ? m.previous.head : commitBefore(git, m.git.head, m.period);
  const begins = m.git.from === from ? [] : [say(`the bundle begins after ${m.git.from?.slice(0, 12) ?? "nothing"}, its period after ${from?.slice(0, 12) ?? "nothing"}`, m.git.from ?? m.git.head)];
  // Of a period that wasn't over, until the bundle was made; the clocks of those who committed then may differ.
  const end = Math.min(Date.parse(`${m.period.until}T23:59:59Z`), Date.parse(m.createdAt) - SKEW * 1000) / 1000;
  const later = (git.text(["log", "--first-parent", "--format=%H %ct", `${m.git.head}..HEAD`]) ?? "").split("\n").map((l) => l.split(" ")).flatMap(([id = "", at]) => (id !== "" && Number(at) <= end ? [{ id, at: Number(at) }] : []));
  return [...begins, ...later.map((c) => say(`commit ${c.id.slice(0, 12)} of the main line is dated ${new Date(c.at * 1000).toISOString()}, inside the bundle's time, and the bundle hasn't it`, c.id))];
}
/** Commits dated before what they must have come after: their parents, or the making of the former bundle, which didn't have them. */
export function backdated(git: Git, m: Manifest): Finding[] {
  const range = [m.git.head, ...(m.git.from === null ? [] : [`^${m.git.from}`])];
  const text = git.text(["log", "--topo-order", "--format=%H %ct %P", ...range]) ?? "";
  const lines = text.split("\n").filter((l) => l !== "").map((l) => l.split(" ")).map(([id = "", time = "", ...parents]) => ({ id, time: Number(time), parents }));
  const times = new Map(lines.map((l) => [l.id, l.time]));
  const boundary = [...new Set(lines.flatMap((l) => l.parents))].filter((p) => !times.has(p));
  for (const p of boundary) times.set(p, Number(git.text(["show", "-s", "--format=%ct", p]) ?? 0));
  const day = (seconds: number): string => new Date(seconds * 1000).toISOString();
  const findings = lines.flatMap((l): Finding[] => {
    const parent = l.parents.find((p) => (times.get(p) ?? 0) - SKEW > l.time);
    return parent === undefined ? [] : [auditCodes.finding("BUNDLE_BACKDATED", { message: `commit ${l.id.slice(0, 12)} is dated ${day(l.time)}, before its parent ${parent.slice(0, 12)} (${day(times.get(parent) ?? 0)})`, path: l.id, hint: `git show ${l.id.slice(0, 12)}; ask its committer` })];
  });
  if (m.previous === null) return findings;
  const closed = [m.previous.createdAt, `${m.previous.period.until}T23:59:59.000Z`].sort()[0] ?? "";
  const early = lines.filter((l) => day(l.time) <= closed);
  const main = new Set((git.text(["rev-list", "--first-parent", ...range]) ?? "").split("\n"));
  const said = new Set(findings.map((f) => f.path));
  for (const l of early) if (main.has(l.id) && !said.has(l.id)) findings.push(auditCodes.finding("BUNDLE_BACKDATED", { message: `commit ${l.id.slice(0, 12)} of the main line is dated ${day(l.time)}, inside the former bundle's time, and that bundle hasn't it`, path: l.id, hint: `git show ${l.id.slice(0, 12)}; ask its committer` }));
  const late = early.filter((l) => !main.has(l.id));
  if (late.length > 0) findings.push(auditCodes.finding("BUNDLE_LATE", { message: `${late.length} commits dated inside the former bundle's time came in later, by merges: ${late.slice(0, 5).map((l) => l.id.slice(0, 12)).join(", ")}${late.length > 5 ? ", …" : ""}`, hint: "the merge's date, not theirs, says when they took effect" }));
  return findings;
}
