import { deployedText } from "../../audit/deployments.ts";
import type { Change } from "../../audit/log.ts";
import { stateOf, type ExposureFile } from "../../history/exposure-file.ts";
import { daysBetween, isoDate, parseDate } from "../../lib/clock.ts";
import { environmentOf } from "../../policies/kit/exceptions.ts";
import { reported } from "../../rotation/report.ts";
import type { KeptRecord } from "../../rotation/record.ts";
import { stepOf } from "../../schemas/rotation-record.ts";
import type { Exception } from "../../schemas/exceptions.ts";
import { activeOn, members } from "../../schemas/people.ts";
import { dueAt, type Project } from "../../stacks/read.ts";
import { matrixJson } from "../matrix.ts";
import { visible } from "../render/visible.ts";
import type { Held } from "../../audit/held.ts";

// What the page shows: every field is named here one by one, and none of them can hold a credential's value.

/** What was read, before it is put in order for the page. */
export interface Material {
  readonly now: Date;
  readonly head: string;
  readonly since: string | null;
  readonly until: string | null;
  readonly environments: readonly string[];
  readonly project: Project;
  /** In the report's time and environments. */
  readonly changes: readonly Change[];
  /** The last time that each name wrote, signed or merged anything, over the whole history. */
  readonly lastUse: ReadonlyMap<string, string>;
  readonly records: readonly KeptRecord[];
  readonly exposures: readonly ExposureFile[];
  readonly exceptions: readonly Exception[];
  readonly held: readonly Held[];
  /** What couldn't be read: it stands on the page too. */
  readonly gaps: readonly string[];
}
const SOON = 30;

/** The page's data. Plain JSON; what asks for a look carries `alert`. */
export function reportData(m: Material): Record<string, unknown> {
  const today = isoDate(m.now);
  const owner = new Map(m.project.people ? members(m.project.people).flatMap((x) => x.entry.recipients.map((r) => [r, x.name] as const)) : []);
  const named = (r: string): string => owner.get(r) ?? `nobody (${r.slice(0, 12)}…)`;
  return shown({
    report: { at: m.now.toISOString(), head: m.head, since: m.since, until: m.until, environments: m.environments, gaps: m.gaps },
    changes: m.changes.map(change),
    credentials: m.project.environments.flatMap((e) => e.credentials.map((c) => {
      const due = dueAt(c.claims);
      const left = daysBetween(m.now, due);
      return {
        environment: e.name, path: c.path, kind: c.kind, class: c.spec.class, mode: c.claims.mode ?? null, issuedAt: c.claims.issuedAt, dueAt: isoDate(due), ageDays: daysBetween(parseDate(c.claims.issuedAt) ?? m.now, m.now), maxAgeDays: c.claims.maxAgeDays,
        reason: c.claims.reason, sealedBy: c.claims.sealedBy, opens: c.recipients.map(named), alert: due < m.now && isoDate(due) !== today ? `overdue by ${-left} days` : left <= SOON ? `due in ${left} days` : null,
      };
    })),
    matrix: matrixJson(),
    people: people(m, today),
    rotations: m.records.map(({ record }) => {
      const r = reported(record);
      return {
        environment: r.environment, path: r.path, class: r.class, reason: r.reason, state: r.state, step: r.step, openedAt: r.openedAt, stagedAt: stepOf(record, "staged")?.at ?? r.promotedAt, promotedAt: r.promotedAt, revokedAt: r.revokedAt, closedAt: r.closedAt ?? stepOf(record, "aborted")?.at ?? null,
        actor: r.actor, approver: r.approver, overlapSeconds: r.overlapSeconds, oldVerdict: r.oldVerdict, rotation: r.rotation,
        alert: r.oldVerdict === "valid" ? "the old credential lives" : r.state === "open" ? `open, at ${r.step}` : null,
      };
    }),
    exceptions: m.exceptions.map((e) => ({ environment: environmentOf(e), rule: e.rule, place: e.resource ?? e.path ?? "", owner: e.owner, expires: e.expires, reason: e.reason, link: e.link, alert: e.expires < today ? "expired" : null })),
    exposures: m.exposures.flatMap((f) => f.exposure.lines.filter((l) => m.environments.includes(l.environment)).map((l) => {
      const s = stateOf(l, m.project.environments.flatMap((e) => e.credentials.map((c) => ({ environment: e.name, tier: e.tier, path: c.path, class: c.spec.class, kind: c.kind, claims: c.claims }))), m.now);
      return { environment: l.environment, path: l.path, class: l.class, subject: f.exposure.subject, reason: f.exposure.reason, on: f.exposure.on, due: l.due, via: l.via, state: s.open ? "open" : "closed", why: s.why, list: f.exposure.id, alert: s.overdue ? `overdue since ${l.due}` : s.open ? "open" : null };
    })),
    held: m.held.map((h) => ({ environment: h.environment, class: h.class, name: h.name ?? "nobody", recipient: h.recipient, from: h.from, until: h.until, values: h.values, alert: h.until === null && !owner.has(h.recipient) ? "a recipient that nobody owns" : null })),
  }) as Record<string, unknown>;
}
function change(c: Change): Record<string, unknown> {
  const bad = c.signature.state === "invalid" ? "signature invalid" : c.signature.state === "unknown-key" ? "signed by an unknown key" : c.review.codeOwners === "not satisfied" ? "code owners' rule not satisfied" : null;
  return {
    at: c.at, environment: c.environment, kind: c.kind, path: c.path, change: c.change, who: c.sealedBy === null || c.sealedBy === c.who ? c.who : `${c.who} (sealedBy: ${c.sealedBy})`, author: c.author, committer: c.committer, commit: c.commit.slice(0, 12),
    signature: c.signature.state === "valid" ? `signed by ${c.signature.by ?? ""}` : { none: "not signed", invalid: "invalid", unchecked: "not checked here", "unknown-key": "unknown key" }[c.signature.state],
    review: c.review.merge === null ? "committed directly" : `merged by ${c.review.mergedBy ?? ""}`, claimed: c.review.claimed, owners: c.review.codeOwners, policy: c.policy, deployed: c.deployment === null ? null : deployedText(c.deployment), alert: bad,
  };
}
/** Who is declared and what is open to them; with those that use nothing, and recipients that nobody owns. */
function people(m: Material, today: string): Record<string, unknown>[] {
  const opens = new Map<string, Set<string>>();
  for (const e of m.project.environments) for (const c of e.credentials) for (const r of c.recipients) opens.set(r, (opens.get(r) ?? new Set()).add(`${e.name} ${c.spec.class}`));
  const all = m.project.people ? members(m.project.people) : [];
  const owned = new Set(all.flatMap((x) => x.entry.recipients));
  return [
    ...all.map((x) => {
      const own = [...new Set(x.entry.recipients.flatMap((r) => [...(opens.get(r) ?? [])]))];
      const active = activeOn(x, today);
      const used = m.lastUse.get(x.name) ?? null;
      const second = !x.machine && "secondFactor" in x.entry ? x.entry.secondFactor?.attestedAt ?? null : null;
      return {
        name: x.name, what: x.machine ? "machine" : "person", role: x.entry.role, tiers: x.entry.tiers, active, until: x.entry.until ?? null, opens: own, lastUse: used, secondFactor: second,
        alert: !active && own.length ? "has left and is still a recipient" : active && !x.machine && used === null ? "declared, no use in git" : null,
      };
    }),
    ...[...opens].filter(([r]) => !owned.has(r)).map(([r, own]) => ({ name: `nobody (${r.slice(0, 12)}…)`, what: "recipient", role: null, tiers: [], active: false, until: null, opens: [...own], lastUse: null, secondFactor: null, alert: "a recipient that nobody owns" })),
  ];
}
// Names come from commits.
function shown(v: unknown): unknown {
  if (typeof v === "string") return visible(v);
  if (Array.isArray(v)) return v.map(shown);
  return typeof v === "object" && v !== null ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, shown(x)])) : v;
}
