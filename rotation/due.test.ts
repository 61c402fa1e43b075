import { expect, it } from "vitest";
import { addDays, fixedClock } from "../lib/clock.ts";
import { ENDPOINT_ROTATION } from "../schemas/integrations/stripe.ts";
import type { Declared } from "../stacks/read.ts";
import { due } from "./due.ts";

const credential = (issuedAt: string, maxAgeDays: number) => ({ path: `a.${issuedAt}`, kind: "a", rotation: ENDPOINT_ROTATION, spec: { class: "payments" }, claims: { issuedAt, maxAgeDays } });
const declared = (...c: ReturnType<typeof credential>[]): Declared => ({ name: "prod", credentials: c }) as unknown as Declared;

it.each(["2026-11-26T00:00:00Z", "2026-11-26T13:00:00Z", "2026-11-26T23:59:59Z"])("days are of the calendar, at %s as at midnight", (at) => {
  // Due yesterday, today, tomorrow and the day after.
  const list = due([declared(credential("2026-11-15", 10), credential("2026-11-16", 10), credential("2026-11-17", 10), credential("2026-11-18", 10))], fixedClock(new Date(at)), 1);
  expect(list.map((d) => [d.dueAt, d.overdue, d.days])).toEqual([["2026-11-25", true, -1], ["2026-11-26", false, 0], ["2026-11-27", false, 1]]);
});
it("is late by as many days as have passed since", () => {
  const now = new Date("2026-11-26T13:00:00Z");
  expect(due([declared(credential(addDays(now, -100).toISOString().slice(0, 10), 90))], fixedClock(now), 0)).toMatchObject([{ overdue: true, days: -10, owner: "super-admin" }]);
});
