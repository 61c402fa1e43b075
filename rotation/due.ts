import { addDays, daysBetween, isoDate, type Clock } from "../lib/clock.ts";
import { strategyName } from "../schemas/rotation.ts";
import { dueAt, type Declared } from "../stacks/read.ts";

export interface Due {
  readonly environment: string;
  readonly path: string;
  readonly kind: string;
  readonly issuedAt: string;
  readonly dueAt: string;
  readonly overdue: boolean;
  readonly strategy: string;
  /** Whose duty it is: `super-admin` or `admin`. */
  readonly owner: string;
  /** Days until it is due; negative when it is late. */
  readonly days: number;
}
/** What is overdue, or due within so many days, the most urgent first. Public claims alone: no key is needed. */
export function due(environments: readonly Declared[], clock: Clock, withinDays: number): Due[] {
  const now = clock.now();
  // By the calendar: at one in the afternoon tomorrow is a day away, not eleven hours.
  const today = new Date(`${isoDate(now)}T00:00:00Z`);
  const until = addDays(now, withinDays);
  return environments.flatMap((d) => d.credentials.filter((c) => dueAt(c.claims) <= until).map((c) => {
    const at = dueAt(c.claims);
    return {
      environment: d.name, path: c.path, kind: c.kind, issuedAt: c.claims.issuedAt, dueAt: isoDate(at), overdue: daysBetween(at, now) > 0,
      strategy: strategyName(c.rotation), owner: c.spec.class === "payments" ? "super-admin" : "admin", days: daysBetween(today, at),
    };
  })).sort((a, b) => (a.dueAt < b.dueAt ? -1 : a.dueAt > b.dueAt ? 1 : a.path < b.path ? -1 : 1));
}
