/** The one clock that ages and due dates are judged against; `--now` and tests fix it. */
export interface Clock {
  now(): Date;
}
export const systemClock: Clock = { now: () => new Date() };
export const fixedClock = (at: Date): Clock => ({ now: () => at });

/** An ISO date, `YYYY-MM-DD`, in UTC. */
export const isoDate = (at: Date): string => at.toISOString().slice(0, 10);

/** Null where the text is no calendar date or ISO instant. A bare date means midnight UTC. */
export function parseDate(text: string): Date | null {
  const m = /^(\d{4})-(\d{2})-(\d{2})(T[\d:.]+Z)?$/.exec(text);
  if (!m) return null;
  const at = new Date(m[4] ? text : `${text}T00:00:00Z`);
  return Number.isNaN(at.getTime()) || isoDate(at) !== text.slice(0, 10) ? null : at;
}
export const DAY_MS = 86_400_000;
export const addDays = (at: Date, days: number): Date => new Date(at.getTime() + days * DAY_MS);
export const daysBetween = (from: Date, to: Date): number => Math.floor((to.getTime() - from.getTime()) / DAY_MS);
