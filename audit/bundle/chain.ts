import type { Finding } from "../../lib/finding.ts";
import type { Git } from "../../lib/git.ts";
import { auditCodes } from "../codes.ts";
import type { Manifest } from "./manifest.ts";
import { intact, type Bundle } from "./read.ts";

/** A commit's clock may be behind its parent's by this much, in seconds: clocks differ. */
const SKEW = 3600;

/** Whether the bundle follows on the former one that its reader kept. */
export function chain(m: Manifest, former: Bundle | null, unsigned: readonly Finding[] | null): { readonly findings: Finding[]; readonly state: "checked" | "first" | "not checked" } {
  const broken = (message: string): Finding => auditCodes.finding("BUNDLE_CHAIN", { message, path: former?.label, hint: "the manifest's \"previous\" says which bundle it follows on" });
  if (!former) {
    if (m.previous === null) return { findings: [], state: "first" };
    return { findings: [auditCodes.finding("BUNDLE_UNCHAINED", { message: `it says that it follows on the bundle of ${m.previous.period.since} to ${m.previous.period.until}: that wasn't checked`, hint: "give the former bundle's folder: --previous DIR" })], state: "not checked" };
  }
  if (m.previous === null) return { findings: [broken("the bundle says that it is the first one, and a former one was given")], state: "checked" };
  if (m.previous.manifestSha256 !== former.sha256) return { findings: [broken(`the bundle follows on another one than this: on the manifest ${m.previous.manifestSha256.slice(0, 16)}…, and this one is ${former.sha256.slice(0, 16)}…`)], state: "checked" };
  const p = former.manifest;
  if (!p) return { findings: [broken("the former bundle's manifest can't be read")], state: "checked" };
  const findings = [...(unsigned ?? []), ...intact({ ...former, manifest: p })];
  if (m.git.from !== p.git.head) findings.push(broken(`the former bundle ends at commit ${p.git.head.slice(0, 12)}, this one begins after ${m.git.from?.slice(0, 12) ?? "nothing"}: what is between stands in neither`));
  if (m.period.since <= p.period.until) findings.push(broken(`the former bundle covers time until ${p.period.until}, this one begins on ${m.period.since}: their order is wrong`));
  if (m.createdAt < p.createdAt) findings.push(broken(`this bundle says that it is of ${m.createdAt}, before the former one (${p.createdAt})`));
  return { findings, state: "checked" };
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
