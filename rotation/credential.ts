import { FindingError } from "../lib/finding.ts";
import { versionOf as storeVersion, versionWith } from "../providers/stores/contract.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import type { RotationSpec } from "../schemas/rotation.ts";
import { rotationSealedFile } from "../schemas/layout.ts";
import { isOpen, reached, stepOf, type RotationRecord } from "../schemas/rotation-record.ts";
import { rotationCodes as c } from "./codes.ts";
import type { Probed, Rotator } from "./context.ts";
import { enforce, settingsOf, stage, unsealed, versionOf, type Settings, type Version } from "./deliver.ts";
import { cuts, gatesOf } from "./gates.ts";
import { install } from "./install.ts";
import { newSlot } from "./judge.ts";
import type { Journal, Way } from "./machine.ts";
import { settled, subjectOf } from "./probe.ts";
import { readRecords } from "./record.ts";
import { hold, held, type Held, type Slot } from "./sealed.ts";
import { changeSettings } from "./settings.ts";
import { apiStrategy } from "./strategies/api.ts";
import { guided, pageOf } from "./strategies/guided.ts";
import { iam } from "./strategies/iam.ts";
import { own } from "./strategies/own.ts";
import { isWaiting, type StepData, type Strategy, type Task } from "./strategy.ts";
import { sweep } from "./sweep.ts";

export function strategyOf(spec: RotationSpec): Strategy {
  switch (spec.kind) {
    case "api": return apiStrategy(spec);
    case "guided": return guided(spec);
    case "own": return own;
    case "iam": return iam(spec);
    case "replace": throw new RangeError("an endpoint isn't replaced as a credential is");
  }
}

/** The way of a credential that is sealed in git. */
export function credentialWay(r: Rotator, record: RotationRecord): Way {
  const e = declaredOf(r, record);
  const spec = e.rotation;
  const strategy = strategyOf(spec);
  const gates = gatesOf(r, e, record);
  const id = record.rotation;
  const resume = `stackseal rotate resume ${id} --env ${r.declared.name}`;
  const open = (): Promise<Held> => held(r, id, record.class);
  const both = async (): Promise<Held & { next: Slot; previous: Slot }> => {
    const h = await open();
    if (!h.next || !h.previous) throw new FindingError(c.finding("ROTATION_SEALED_INVALID", { message: "what this rotation held sealed is gone", path: record.path, hint: `restore ${rotationSealedFile(r.declared.name, id, record.class)} from git, or abort` }));
    return { ...h, next: h.next, previous: h.previous };
  };
  /** Settings as they were when the rotation began. */
  const before = (h: Held): Settings => ({ ...settingsOf(r, e), ...h.minted.formerly });
  const after = (h: Held): Settings => ({ ...before(h), ...h.minted.settings });
  const task = (j: Journal, h: Held): Task => ({ r, e, record: () => j.record, note: (s, d) => { j.write(s, d); }, settings: before(h) });
  const nextVersion = async (h: Held & { next: Slot }): Promise<Version> => versionOf(r, e, await unsealed(r, record.class), h.next, after(h));
  const oldVersion = async (h: Held & { previous: Slot }): Promise<Version> => versionOf(r, e, await unsealed(r, record.class), h.previous, before(h));

  /** The old one's verdict, where a probe or the store itself can tell. */
  async function judgeOld(j: Journal, h: Held & { previous: Slot }, want: "valid" | "invalid"): Promise<Probed> {
    if (spec.kind === "own") {
      const version = stepOf(j.record, "proposed")?.storeVersion;
      const there = storeVersion(await r.store.describe((await oldVersion(h)).name), version ?? "")?.label ?? null;
      return there === null ? { verdict: "invalid", code: "WITHDRAWN", message: "no slot of the store holds it: nobody signs with it" } : { verdict: "valid", code: "HELD", message: `the store still holds it as ${there}` };
    }
    return settled({ r, e, settings: before(h) }, subjectOf({ r, e, settings: before(h) }, h.previous.value), want);
  }
  /** A refusal of the old one counts while the new one is accepted from the same place: whatever refuses both is a suspended account, or not the provider. Null where it is accepted. */
  async function alsoSeen(h: Held & { next: Slot }): Promise<Probed | null> {
    if (spec.kind === "own") return null;
    const p = await r.probe(subjectOf({ r, e, settings: after(h) }, h.next.value));
    return p.verdict === "valid" || p.verdict === "skipped" ? null : p;
  }
  const sinceReport = (j: Journal): StepData => (record.reportedAt === undefined ? {} : { sinceReportSeconds: Math.max(0, Math.round((j.now().getTime() - Date.parse(record.reportedAt)) / 1000)) });

  return {
    sealed: async (j) => {
      const there = await open();
      if (there.next) return { fingerprint: there.next.claims.fingerprint, issueId: there.next.claims.issueId, ...(there.minted.id !== undefined && { providerId: there.minted.id }) };
      const busy = cuts(spec) && spec.kind === "api" && gates.mustWaitForQuiet(j);
      if (busy) return busy;
      const all = await unsealed(r, record.class);
      const claims = all.claims.get(e.path);
      if (claims?.issueId !== record.previous?.issueId || !claims) throw new FindingError(c.finding("ROTATION_CHANGED", { message: `${e.path} was set otherwise since this rotation began`, path: e.path, hint: `stackseal rotate abort ${id} --env ${r.declared.name}` }));
      const previous: Slot = { value: all.values.get(e.path) as string, claims };
      // Lost with an interrupted cut: what a person made instead is taken.
      const lost = await gates.lostCut(j, previous);
      const got = lost ?? (await strategy.obtain(task(j, there)));
      if (isWaiting(got)) return got;
      if (spec.kind === "guided") await gates.mustBeTaken(j, got.value, before(there));
      let next: Slot;
      try {
        next = await newSlot(r, e, got.value, record.reason);
      } catch (error) {
        await got.undo?.();
        j.write("refused", { code: error instanceof FindingError ? (error.findings[0]?.code ?? "") : "", note: "the new value is unfit" });
        throw error;
      }
      const settings = before(there);
      const changed = got.minted.settings;
      await hold(r, id, record.class, { next, previous, minted: { ...got.minted, ...(changed && { formerly: Object.fromEntries(Object.keys(changed).map((k) => [k, String(settings[k])])) }) } });
      return { fingerprint: next.claims.fingerprint, issueId: next.claims.issueId, ...(got.minted.id !== undefined && { providerId: got.minted.id }), ...(changed && { settings: changed }), ...(got.skewSeconds !== undefined && { skewSeconds: got.skewSeconds }) };
    },
    registered: async (j) => {
      if (!strategy.register) return null;
      const h = await both();
      return strategy.register(task(j, h), h);
    },
    staged: async (j) => {
      const h = await both();
      const v = await nextVersion(h);
      refuseBusy(r, j.record, e);
      await stage(r, v);
      return { storeVersion: v.id };
    },
    tested: async (j) => {
      const h = await both();
      if (spec.kind === "own") return { verdict: "valid", code: "DELIVERED", fingerprint: h.next.claims.fingerprint };
      const about = { r, e, settings: after(h) };
      // What was just minted may take a moment to be known everywhere; what a person pasted is right or wrong.
      const p = spec.kind === "guided" ? await r.probe(subjectOf(about, h.next.value)) : await settled(about, subjectOf(about, h.next.value), "valid");
      const data: StepData = { verdict: p.verdict, code: p.code, fingerprint: h.next.claims.fingerprint };
      if (p.verdict === "valid" || p.verdict === "skipped") return data;
      if (p.verdict === "invalid") {
        j.write("refused", data);
        throw new FindingError(c.finding("ROTATION_NEXT_REFUSED", { message: `the provider refuses the new ${e.path}: ${p.message}`, path: e.path, hint: `the old one is still in force. Try again: ${resume}; or go back: stackseal rotate abort ${id} --env ${r.declared.name}` }));
      }
      // After a cut the old one is dead: an unproven new one is better than none.
      if (cuts(spec)) return data;
      throw new FindingError(c.finding("ROTATION_INCONCLUSIVE", { message: `whether the provider takes the new ${e.path} can't be told: ${p.message}`, path: e.path, hint: `the old one is still in force. Later: ${resume}` }), 3);
    },
    promoted: async (j) => {
      const h = await both();
      const v = await nextVersion(h);
      await enforce(r, v);
      await install(r, e, h.next, record.previous?.issueId ?? "");
      if (h.minted.settings) changeSettings(r, e.integration, h.minted.settings);
      const grace = cuts(spec) ? 0 : record.graceSeconds;
      return { storeVersion: v.id, fingerprint: h.next.claims.fingerprint, until: new Date(j.now().getTime() + grace * 1000).toISOString() };
    },
    revoked: async (j) => {
      const pending = await gates.graceOver(j) ?? gates.holdersTold(j);
      if (pending) return pending;
      const h = await both();
      await mustBeDelivered(h);
      if (!strategy.revoke) return null;
      const before = await gates.judgeNextAgain(j, h.next, after(h));
      if (before) return before;
      return { ...(await strategy.revoke(task(j, h), h)), ...sinceReport(j) };
    },
    buried: async (j) => {
      const h = await both();
      // It was accepted after it was ended: ended once more before it is asked again.
      if (strategy.revoke && j.record.steps.at(-1)?.step === "alive") await strategy.revoke(task(j, h), h);
      const p = await judgeOld(j, h, "invalid");
      const data: StepData = { verdict: p.verdict, code: p.code, fingerprint: h.previous.claims.fingerprint, ...sinceReport(j) };
      if (p.verdict === "invalid") {
        const seen = await alsoSeen(h);
        if (seen !== null) throw new FindingError(c.finding("ROTATION_INCONCLUSIVE", { message: `the old ${e.path} is refused, and the new one isn't accepted either (${seen.code}): that shows nothing of the old one`, path: e.path, hint: `stackseal doctor --env ${r.declared.name}; then ${resume}` }), 3);
        return data;
      }
      if (p.verdict === "skipped") return gates.unprovable(j, data);
      if (p.verdict === "valid") {
        j.write("alive", data);
        const by = spec.kind === "guided" ? `end it: ${spec.revoke}${spec.page === undefined ? "" : ` (${pageOf(spec.page, before(h))})`}; then ` : "";
        throw new FindingError(c.finding("ROTATION_OLD_ALIVE", { message: `the old ${e.path} is STILL ACCEPTED: whoever has it can use it; this rotation stays open`, path: e.path, hint: `${by}${resume}` }));
      }
      throw new FindingError(c.finding("ROTATION_INCONCLUSIVE", { message: `whether the old ${e.path} is dead can't be told: ${p.message}`, path: e.path, hint: `this rotation stays open. Later: ${resume}` }), 3);
    },
    swept: async () => sweep(r, { ...e, settings: after(await both()) }),
    closed: async (j) => {
      const buried = stepOf(j.record, "buried");
      if (buried?.verdict === "skipped" && !stepOf(j.record, "attested")) j.findings.push(c.finding("ROTATION_UNPROVEN", { message: `no probe can prove the old ${e.path} dead, and nobody attested it`, path: e.path, hint: "a Super Admin other than you: stackseal rotate attest" }));
      const h = await open();
      // The window is over: what a reader could still take as the previous one leaves the store.
      if (h.previous) {
        const v = await oldVersion({ ...h, previous: h.previous });
        if (storeVersion(await r.store.describe(v.name), v.id)?.label === "previous") await r.store.withdraw(v.name, v.id);
      }
      return { verdict: buried?.verdict ?? "skipped", ...sinceReport(j) };
    },
    abort: async (j) => {
      const h = await open();
      const wentOut = reached(j.record, "staged") || h.next !== null;
      if (h.next && h.previous) {
        const late = c.finding("ROTATION_TOO_LATE", { message: `the old ${e.path} is gone: there is no way back`, path: e.path, hint: `go on: ${resume}` });
        if (reached(j.record, "revoked")) throw new FindingError(late);
        const p = await judgeOld(j, { ...h, previous: h.previous }, "valid");
        if (spec.kind !== "own" && p.verdict === "invalid") throw new FindingError(late);
        if (p.verdict === "inconclusive") throw new FindingError(c.finding("ROTATION_INCONCLUSIVE", { message: `whether the old ${e.path} still works can't be told: ${p.message}`, path: e.path, hint: `what is in force stays so. Later: stackseal rotate abort ${id} --env ${r.declared.name}` }), 3);
        const first = stepOf(j.record, "aborting");
        const wasOut = reached(j.record, "promoted") || (await inForce(j, h.next));
        if (!first) j.write("aborting", wasOut ? { until: new Date(j.now().getTime() + record.graceSeconds * 1000).toISOString() } : {});
        await enforceOld(j, { ...h, next: h.next, previous: h.previous });
        // Who took the new one a moment ago may still use it: it lives on as the old one would have.
        const until = stepOf(j.record, "aborting")?.until;
        const pending = until !== undefined ? await gates.waitUntil(j, until) : null;
        if (pending) return pending;
      } else {
        if (stepOf(j.record, "minting") && cuts(spec)) await gates.mustNotBeCut(j);
        if (!stepOf(j.record, "aborting")) j.write("aborting");
      }
      if (wentOut && h.next) {
        const v = await nextVersion({ ...h, next: h.next });
        await r.store.withdraw(v.name, v.id);
      }
      await strategy.discard(task(j, h), h);
      if (!h.next) return {};
      if (spec.kind === "own") return { verdict: "invalid", code: "WITHDRAWN", fingerprint: h.next.claims.fingerprint };
      const about = { r, e, settings: after(h) };
      const p = spec.kind === "guided" ? await r.probe(subjectOf(about, h.next.value)) : await settled(about, subjectOf(about, h.next.value), "invalid");
      return { verdict: p.verdict, code: p.code, fingerprint: h.next.claims.fingerprint };
    },
  };

  /** Nothing is ended while the store has something else in force than the new one: another delivery may have come in between. */
  async function mustBeDelivered(h: Held & { next: Slot }): Promise<void> {
    const v = await nextVersion(h);
    const current = versionWith(await r.store.describe(v.name), "current");
    if (current?.id === v.id || Object.values(current?.notes ?? {}).some((n) => n.endsWith(` ${h.next.claims.issueId}`))) return;
    throw new FindingError(c.finding("ROTATION_NOT_DELIVERED", { message: `the store doesn't have the new ${e.path} in force: the old one isn't ended`, path: v.name, hint: `stackseal drift --env ${r.declared.name} says who wrote it; then stackseal up --env ${r.declared.name}, then ${resume}` }));
  }
  async function inForce(j: Journal, next: Slot): Promise<boolean> {
    const v = await nextVersion({ ...(await open()), next });
    return storeVersion(await r.store.describe(v.name), v.id)?.label === "current" && j.record.steps.length > 0;
  }
  async function enforceOld(j: Journal, h: Held & { next: Slot; previous: Slot }): Promise<void> {
    if (!(reached(j.record, "promoted") || (await inForce(j, h.next)))) return;
    await enforce(r, await oldVersion(h));
    await install(r, e, h.previous, h.next.claims.issueId);
    if (h.minted.formerly) changeSettings(r, record.path.split(".")[0] ?? "", h.minted.formerly);
  }
}

function declaredOf(r: Rotator, record: RotationRecord): ExpectedSecret {
  const e = r.declared.expected.find((x) => x.path === record.path);
  if (e) return e;
  throw new FindingError(c.finding("ROTATION_CHANGED", { message: `${record.path} isn't declared any more`, path: record.path, hint: `declare it again, then stackseal rotate abort ${record.rotation} --env ${r.declared.name}` }));
}
/**
 * Two credentials of one store secret aren't between delivery and force at once: there is one pending version. Nor does another one come into force while
 * readers still take an old value from the previous version, which it would push out. Throws FindingError.
 */
export function refuseBusy(r: Rotator, record: Pick<RotationRecord, "rotation" | "path" | "class">, e: ExpectedSecret): void {
  const takesBoth = (x: RotationRecord): boolean => r.declared.expected.find((d) => d.path === x.path)?.rotation.both === true;
  const busy = (x: RotationRecord): boolean => reached(x, "staged") && (!reached(x, "promoted") || stepOf(x, "aborting") !== null || (takesBoth(x) && !reached(x, "revoked")));
  const other = readRecords(r.root, r.declared.name, null).records.find(({ record: x }) => x.rotation !== record.rotation && isOpen(x) && x.class === record.class && x.path.split(".")[0] === e.integration && busy(x));
  if (other) throw new FindingError(c.finding("ROTATION_STORE_BUSY", { message: `${other.record.path} of the same store secret is being rotated (${other.record.rotation})`, path: e.path, hint: `first: stackseal rotate resume ${other.record.rotation} --env ${r.declared.name}` }));
}
