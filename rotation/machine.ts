import { existsSync } from "node:fs";
import { join } from "node:path";
import { FindingError, type Finding } from "../lib/finding.ts";
import { rotationFile, rotationSealedFile, WORK_DIR, LOCAL } from "../schemas/layout.ts";
import { append, readRecord, renderRecord, type KeptRecord } from "./record.ts";
import { signersIn } from "./signers.ts";
import { isAborted, isClosed, lastProgress, stepOf, type Progress, type RotationRecord, type RotationStep } from "../schemas/rotation-record.ts";
import { withLock } from "../seal/lock.ts";
import { rotationCodes } from "./codes.ts";
import type { Rotator } from "./context.ts";
import { mustBeAllowed } from "./judge.ts";
import { ENDPOINT_ROTATION } from "../schemas/integrations/stripe.ts";
import { forget } from "./sealed.ts";
import type { StepData, Waiting } from "./strategy.ts";
import { isWaiting } from "./strategy.ts";

/** How far a run came: closed or aborted, or what it waits for. */
export interface Advanced {
  readonly record: RotationRecord;
  readonly waiting: Waiting | null;
  readonly findings: readonly Finding[];
}
type Scribe = Pick<Rotator, "root" | "clock" | "signer" | "write">;
/** A record in hand: every step is written the moment it is done. */
export class Journal {
  record: RotationRecord;
  readonly findings: Finding[] = [];
  readonly r: Scribe;
  constructor(r: Scribe, record: RotationRecord) {
    this.r = r;
    this.record = record;
  }
  /** The provider's clock minus ours, asked again in this run; null where it wasn't. */
  private fresh: number | null = null;
  /** This machine's time, or the provider's where it told another one. */
  now(): Date {
    return new Date(this.r.clock.now().getTime() + (this.fresh ?? this.skew ?? 0) * 1000);
  }
  /** As the record tells it; null where the two clocks agreed. */
  get skew(): number | null {
    return [...this.record.steps].reverse().find((s) => s.skewSeconds !== undefined)?.skewSeconds ?? null;
  }
  /** What the provider's clock says now: this machine's may have been set right since the record was written. */
  heard(date: string | undefined): void {
    const theirs = date === undefined ? Number.NaN : Date.parse(date);
    if (!Number.isNaN(theirs)) this.fresh = Math.round((theirs - this.r.clock.now().getTime()) / 1000);
  }
  write(step: RotationStep["step"], data: StepData = {}): void {
    const entry = { step, at: this.r.clock.now().toISOString(), actor: this.r.signer.name, ...data };
    this.save(append(this.record, entry, this.r.signer.key));
    if (data.skewSeconds !== undefined && Math.abs(data.skewSeconds) > 300 && !this.findings.some((f) => f.code === "ROTATION_CLOCK_SKEW"))
      this.findings.push(rotationCodes.finding("ROTATION_CLOCK_SKEW", { message: `the provider's clock is ${data.skewSeconds} s ahead of this machine's: the overlap is measured by the provider's`, path: this.record.path, hint: "set this machine's clock (NTP)" }));
  }
  save(record: RotationRecord): void {
    this.r.write(join(this.r.root, rotationFile(record.environment, record.rotation)), renderRecord(record), record.environment === LOCAL ? 0o600 : 0o644);
    this.record = record;
  }
}
/** The steps of one kind of credential. A step that doesn't apply answers null and isn't recorded. */
export type Way = Readonly<Record<Exclude<Progress, "proposed">, (j: Journal) => Promise<StepData | Waiting | null>>> & {
  /** Goes back; with what is known of the new one then. */
  readonly abort: (j: Journal) => Promise<StepData | Waiting>;
};

/** One process at a time on this machine moves rotations of an integration: its credentials may lie in one secret of the store. */
export const withRotationLock = <T>(root: string, environment: string, path: string, run: () => Promise<T>): Promise<T> => {
  const [integration = ""] = path.split(".");
  return withLock(join(root, WORK_DIR, "rotations", environment, integration), `a rotation of ${integration}`, run);
};

/** The record of that id. Throws FindingError ROTATION_UNKNOWN, or with what is wrong with it. */
export function mustRead(r: Pick<Rotator, "root" | "declared" | "people" | "once">, id: string): KeptRecord {
  if (!existsSync(join(r.root, rotationFile(r.declared.name, id)))) throw new FindingError(rotationCodes.finding("ROTATION_UNKNOWN", { message: `${r.declared.name} has no rotation ${id}`, path: id, hint: `stackseal rotations --env ${r.declared.name}` }), 2);
  const { kept, findings } = readRecord(r.root, r.declared.name, id, signersIn(r));
  if (!kept) throw new FindingError(findings);
  return kept;
}
const ORDER: readonly Exclude<Progress, "proposed">[] = ["sealed", "registered", "staged", "tested", "promoted", "revoked", "buried", "swept", "closed"];
const SAYS: Readonly<Record<Progress, string>> = {
  proposed: "proposed", sealed: "the new value is sealed beside the current one", registered: "the provider knows the new value", staged: "both are delivered",
  tested: "the new one is accepted", promoted: "the new one is in force", revoked: "the old one is ended", buried: "the old one is refused", swept: "every integration of the environment was asked", closed: "closed",
};

/** Goes on from the last recorded step until the rotation is closed, or something must be waited for. Throws FindingError where a step fails: the record keeps what is done. */
export async function advance(r: Rotator, id: string, wayOf: (record: RotationRecord) => Way): Promise<Advanced> {
  const { path } = mustRead(r, id).record;
  return withRotationLock(r.root, r.declared.name, path, async () => {
    const j = new Journal(r, mustRead(r, id).record);
    const way = wayOf(j.record);
    mustMove(r, j.record);
    if (isClosed(j.record) || isAborted(j.record)) {
      tidy(r, j.record);
      return { record: j.record, waiting: null, findings: j.findings };
    }
    if (stepOf(j.record, "aborting")) return abortWith(r, j, way);
    for (;;) {
      const todo = ORDER.slice(ORDER.indexOf(lastProgress(j.record) as (typeof ORDER)[number]) + 1);
      let moved = false;
      for (const step of todo) {
        if (r.signal.aborted) throw new FindingError({ code: "INTERRUPTED", severity: "error", message: "interrupted between two steps: nothing is lost", path, hint: `stackseal rotate resume ${id} --env ${r.declared.name}` });
        const got = await way[step](j);
        if (got === null) continue;
        if (isWaiting(got)) return { record: j.record, waiting: got, findings: j.findings };
        j.write(step, got);
        r.say(`${path}: ${SAYS[step]}\n`);
        moved = true;
        break;
      }
      if (!moved || isClosed(j.record)) break;
    }
    tidy(r, j.record);
    return { record: j.record, waiting: null, findings: j.findings };
  });
}
/** Goes back: the old one is in force again, the new one is taken back. Throws FindingError ROTATION_TOO_LATE where the old one is gone. */
export async function abort(r: Rotator, id: string, wayOf: (record: RotationRecord) => Way): Promise<Advanced> {
  const { path } = mustRead(r, id).record;
  return withRotationLock(r.root, r.declared.name, path, () => {
    const j = new Journal(r, mustRead(r, id).record);
    mustMove(r, j.record);
    if (isClosed(j.record)) throw new FindingError(rotationCodes.finding("ROTATION_CLOSED", { message: `${id} is closed: there is nothing to go back from`, path, hint: `stackseal rotate start ${path} --env ${r.declared.name}` }), 2);
    if (isAborted(j.record)) {
      tidy(r, j.record);
      return Promise.resolve({ record: j.record, waiting: null, findings: [] });
    }
    return abortWith(r, j, wayOf(j.record));
  });
}
/** Whoever goes on or back must be let to as whoever began. Throws FindingError. */
function mustMove(r: Rotator, record: RotationRecord): void {
  const e = r.declared.expected.find((x) => x.path === record.path);
  mustBeAllowed(r, e ?? { path: record.path, kind: record.kind, spec: { class: record.class }, rotation: ENDPOINT_ROTATION });
}
async function abortWith(r: Rotator, j: Journal, way: Way): Promise<Advanced> {
  const got = await way.abort(j);
  if (isWaiting(got)) return { record: j.record, waiting: got, findings: j.findings };
  j.write("aborted", got);
  if (got.verdict === "valid") j.findings.push(rotationCodes.finding("ROTATION_UNUSED_ALIVE", { message: `the new ${j.record.path} isn't used, and its provider still accepts it`, path: j.record.path, hint: "remove it at its provider" }));
  tidy(r, j.record);
  r.say(`${j.record.path}: the old one is in force, the new one isn't used${got.verdict === "invalid" ? " and is dead" : ""}\n`);
  return { record: j.record, waiting: null, findings: j.findings };
}
/** What an ended rotation held goes; a run killed before this leaves it to the next one. */
export function tidy(r: Rotator, record: RotationRecord): void {
  if ((isClosed(record) || isAborted(record)) && existsSync(join(r.root, rotationSealedFile(r.declared.name, record.rotation, record.class)))) forget(r, record.rotation, record.class);
}
