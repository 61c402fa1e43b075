import { awsFailure } from "../../providers/aws/errors.ts";
import { deniedOnEmulator } from "../../sandbox/aws/faults.ts";
import type { Drift } from "./secrets.ts";

const sorted = (v: unknown): unknown => (Array.isArray(v) ? v.map(sorted) : typeof v === "object" && v !== null ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, e]) => [k, sorted(e)])) : v);
/** Whether two JSON texts say the same, whatever the order of their keys. */
export function sameJson(text: string | undefined, expected: string): boolean {
  try {
    return text !== undefined && JSON.stringify(sorted(JSON.parse(text))) === JSON.stringify(sorted(JSON.parse(expected)));
  } catch {
    return false;
  }
}
const missing = (e: unknown): boolean => /NotFound|NoSuch|NonExistent/.test((e as Error).name);
/** The answer; null where what was asked for isn't there. Throws FindingError for everything else. */
export const orNull = async <T>(call: Promise<T>, what: string): Promise<T | null> => call.catch((e: unknown) => { if (missing(e)) return null; throw awsFailure(e, what); });

/** What one look at AWS found. */
export class Notes {
  readonly found: Drift[] = [];
  note(kind: Drift["kind"], name: string, expected: string, found: string): void {
    this.found.push({ kind, name, expected, found, by: null });
  }
}
/** As `orNull`; undefined where an emulator refuses what AWS gives (sandbox/aws/faults says which calls): nobody looked there. */
export const orUnseen = <T>(call: Promise<T>, what: string, emulator: boolean): Promise<T | null | undefined> => orNull(call, what).catch((e: unknown) => {
  if (emulator && deniedOnEmulator(e)) return undefined;
  throw e;
});
