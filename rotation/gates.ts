import { FindingError } from "../lib/finding.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import { stepOf, type RotationRecord } from "../schemas/rotation-record.ts";
import type { RotationSpec } from "../schemas/rotation.ts";
import { judgeValue } from "../seal/set.ts";
import { rotationCodes as c } from "./codes.ts";
import type { Rotator } from "./context.ts";
import { settingsOf, unsealed, type Settings } from "./deliver.ts";
import type { Journal } from "./machine.ts";
import { subjectOf } from "./probe.ts";
import { oldNames } from "./strategies/provider-side.ts";
import { fillUrl } from "./template.ts";
import { QUIET_HOURS, quiet } from "./quiet.ts";
import type { Slot } from "./sealed.ts";
import type { Got, StepData, Waiting } from "./strategy.ts";

/** Whether the old one dies in the very call that makes the new one. */
export const cuts = (spec: RotationSpec): boolean => "hardCut" in spec && spec.hardCut;
const wait = (wait: Waiting["wait"], exit: 0 | 1 = 0): Waiting => ({ wait, exit });

/** What must hold before a credential's rotation goes on: nothing here makes, delivers or ends anything. Each throws FindingError, or says what is waited for. */
export interface Gates {
  mustBeTaken(j: Journal, value: string, settings: Settings): Promise<void>;
  mustWaitForQuiet(j: Journal): Waiting | null;
  /** What a person made in the place of what an interrupted cut lost; null where nothing was lost, or nobody is there. */
  lostCut(j: Journal, previous: Slot): Promise<Got | null>;
  mustNotBeCut(j: Journal): Promise<void>;
  waitUntil(j: Journal, until: string): Promise<Waiting | null>;
  graceOver(j: Journal): Promise<Waiting | null>;
  holdersTold(j: Journal): Waiting | null;
  judgeNextAgain(j: Journal, next: Slot, settings: Settings): Promise<Waiting | null>;
  unprovable(j: Journal, data: StepData): StepData | Waiting;
}
export function gatesOf(r: Rotator, e: ExpectedSecret, record: RotationRecord): Gates {
  const spec = e.rotation;
  const id = record.rotation;
  const resume = `stackseal rotate resume ${id} --env ${r.declared.name}`;

  /** What a person pasted is asked before it is kept: they have it still. No clear answer doesn't lose it. */
  async function mustBeTaken(j: Journal, value: string, settings: Settings): Promise<void> {
    const unfit = judgeValue(value, e, r.declared.tier);
    if (unfit.length) throw new FindingError(unfit);
    const p = await r.probe(subjectOf({ r, e, settings }, value));
    if (p.verdict !== "invalid") return;
    j.write("refused", { verdict: p.verdict, code: p.code });
    throw new FindingError(c.finding("ROTATION_NEXT_REFUSED", { message: `the provider refuses the new ${e.path}: ${p.message}`, path: e.path, hint: `nothing was changed. With another value: ${resume}` }));
  }
  function mustWaitForQuiet(j: Journal): Waiting | null {
    if (r.options.now || r.sandbox || record.reason === "compromise" || stepOf(j.record, "minting")) return null;
    const window = r.declared.environment.rotation?.quiet ?? QUIET_HOURS;
    const q = quiet(window, j.now());
    if (q.now) return null;
    return wait(c.finding("ROTATION_QUIET", { message: `${e.path} is cut over without an overlap: the next quiet window begins ${q.next.toISOString().slice(0, 16)}Z (${window} UTC)`, path: record.path, hint: `${resume} then, or with --cut-now` }), 1);
  }
  async function lostCut(j: Journal, previous: Slot): Promise<Got | null> {
    if (!cuts(spec) || spec.kind !== "api" || !stepOf(j.record, "minting") || !r.receive) return null;
    if ((await r.probe(subjectOf({ r, e, settings: settingsOf(r, e) }, previous.value))).verdict !== "invalid") return null;
    const value = await r.receive();
    return value === null ? null : { value, minted: {} };
  }
  async function mustNotBeCut(j: Journal): Promise<void> {
    const all = await unsealed(r, record.class);
    const p = await r.probe(subjectOf({ r, e, settings: settingsOf(r, e) }, all.values.get(record.path) as string));
    if (p.verdict === "valid") return;
    throw new FindingError(c.finding("ROTATION_TOO_LATE", { message: `the old ${record.path} was cut already: there is no way back`, path: record.path, hint: `make a new one by hand, then: stackseal rotate resume ${j.record.rotation} --env ${r.declared.name} --file FILE` }));
  }
  async function graceOver(j: Journal): Promise<Waiting | null> {
    const until = stepOf(j.record, "promoted")?.until;
    if (until === undefined) return null;
    if (j.skew !== null) await clockAgain(j);
    return waitUntil(j, until);
  }
  /** Of two clocks that differed one may have been set right since: before the overlap counts as over, the provider's is looked at again. Nothing is sent but a greeting. */
  async function clockAgain(j: Journal): Promise<void> {
    const url = spec.kind === "api" ? spec.revoke?.url : undefined;
    const origin = url === undefined ? undefined : /^[^/]+\/\/[^/]+/.exec(url)?.[0];
    if (origin === undefined) return;
    const reply = await r.send({ method: "GET", url: fillUrl(`${origin}/`, oldNames(settingsOf(r, e))), headers: {} });
    if (reply.ok) j.heard(reply.headers["date"]);
  }
  /** Waits as long as this run may; the rest is for a later one. */
  async function waitUntil(j: Journal, until: string): Promise<Waiting | null> {
    const left = Date.parse(until) - j.now().getTime();
    if (left <= 0) return null;
    if (left <= r.options.waitMs) {
      await r.wait(left);
      return null;
    }
    return wait(c.finding("ROTATION_GRACE", { message: `${record.path}: both credentials are valid until ${until}`, path: record.path, hint: `then: ${resume}` }));
  }
  /** Who else holds the old value must have the new one before the old one ends. */
  function holdersTold(j: Journal): Waiting | null {
    const holders = spec.kind === "api" ? (spec.holders ?? []) : [];
    const declared = r.declared.environment.integrations as Readonly<Record<string, unknown>>;
    for (const x of holders.filter((y) => declared[y.integration] !== undefined)) {
      if (j.record.steps.some((s) => s.step === "confirmed" && s.code === x.integration)) continue;
      if (r.sandbox) j.write("confirmed", { code: x.integration, note: "a sandbox: nothing is stored there" });
      else if (r.options.confirmed.includes(x.integration)) j.write("confirmed", { code: x.integration });
      else return wait(c.finding("ROTATION_CONFIRM", { message: `before the old ${record.path} ends: ${x.says}`, path: record.path, hint: `when it is done: ${resume} --confirm ${x.integration}` }), 1);
    }
    return null;
  }
  /** Nothing is ended while the new one isn't accepted. */
  async function judgeNextAgain(j: Journal, next: Slot, settings: Settings): Promise<Waiting | null> {
    if (spec.kind === "own") return null;
    const p = await r.probe(subjectOf({ r, e, settings }, next.value));
    if (p.verdict === "valid" || p.verdict === "skipped") return null;
    if (p.verdict === "inconclusive") throw new FindingError(c.finding("ROTATION_INCONCLUSIVE", { message: `the old ${record.path} isn't ended while the new one can't be proven: ${p.message}`, path: record.path, hint: `later: ${resume}` }), 3);
    j.write("refused", { verdict: p.verdict, code: p.code });
    throw new FindingError(c.finding("ROTATION_NEXT_REFUSED", { message: `the new ${record.path} is in force and the provider refuses it now: the old one isn't ended`, path: record.path, hint: `go back: stackseal rotate abort ${id} --env ${r.declared.name}` }));
  }
  function unprovable(j: Journal, data: StepData): StepData | Waiting {
    const attested = stepOf(j.record, "attested");
    if (attested || record.reason === "scheduled" || record.reason === "test") return { ...data, ...(attested && { note: `attested by ${attested.actor}` }) };
    return wait(c.finding("ROTATION_ATTEST", { message: `no probe can prove the old ${record.path} dead`, path: record.path, hint: `end it at its provider; then a Super Admin other than ${r.signer.name}: stackseal rotate attest ${id} --env ${r.declared.name} --evidence TEXT; then ${resume}` }), 1);
  }
  return { mustBeTaken, mustWaitForQuiet, lostCut, mustNotBeCut, waitUntil, graceOver, holdersTold, judgeNextAgain, unprovable };
}
