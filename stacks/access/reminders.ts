import { addDays, isoDate } from "../../lib/clock.ts";
import { REMINDERS } from "../../schemas/alerts.ts";
import type { AlertSeverity } from "../../schemas/iam/place.ts";
import { dueAt, type Declared, type DeclaredCredential } from "../read.ts";

export interface Reminder {
  readonly credential: DeclaredCredential;
  readonly days: number;
  readonly severity: AlertSeverity;
  readonly due: Date;
  /** At most 64 letters. */
  readonly name: string;
  /** EventBridge Scheduler's: nine in the morning, UTC. */
  readonly expression: string;
}
/** The reminders 30, 14 and 1 days before each credential is due; what is over by the day the declarations were read is left out. */
export function reminders(d: Pick<Declared, "asOf">, credentials: readonly DeclaredCredential[]): Reminder[] {
  return credentials.flatMap((credential) => REMINDERS.flatMap(({ days, severity }): Reminder[] => {
    const due = dueAt(credential.claims);
    const on = isoDate(addDays(due, -days));
    const name = `${credential.path}-${days}`;
    if (on <= d.asOf) return [];
    return [{ credential, days, severity, due, expression: `at(${on}T09:00:00)`, name: name.length <= 64 ? name : `${name.slice(0, 40)}-${credential.claims.issueId.slice(-12)}-${days}` }];
  }));
}
