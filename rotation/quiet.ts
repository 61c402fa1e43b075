/** Where environment.yaml declares none: the small hours in UTC. */
export const QUIET_HOURS = "02:00-05:00";

/** Whether it is quiet now, and when it will be next; the window is `HH:MM-HH:MM` in UTC and may run over midnight. */
export function quiet(window: string, now: Date): { readonly now: boolean; readonly next: Date } {
  const [from = 0, to = 0] = window.split("-").map((t) => Number(t.slice(0, 2)) * 60 + Number(t.slice(3)));
  const minute = now.getUTCHours() * 60 + now.getUTCMinutes();
  const inside = from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  const next = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), 0, from));
  return { now: inside, next: inside ? now : next <= now ? new Date(next.getTime() + 86_400_000) : next };
}
