import { FindingError } from "../../lib/finding.ts";
import type { ApiRotation } from "../../schemas/rotation.ts";
import { stepOf } from "../../schemas/rotation-record.ts";
import { expand } from "../../schemas/template.ts";
import { Calls, type Listed, type Voice } from "../calls.ts";
import { rotationCodes } from "../codes.ts";
import { subjectOf } from "../probe.ts";
import { unsealed, type Settings } from "../deliver.ts";
import type { Held } from "../sealed.ts";
import type { Got, Strategy, Task } from "../strategy.ts";
import { at, fill, type Variables } from "../template.ts";
import { lookAround, oldNames, orphansOf, text } from "./provider-side.ts";

async function currentOf(t: Task): Promise<string> {
  const value = (await unsealed(t.r, t.e.spec.class)).values.get(t.e.path);
  if (value === undefined) throw new FindingError({ code: "CREDENTIAL_MISSING", severity: "error", message: `${t.e.path} has no sealed value`, path: t.e.path });
  return value;
}
/** The name that a made thing carries at its provider. */
export const markerOf = (rotation: string): string => `stackseal-${rotation}`;

function variables(t: Task, minted: Held["minted"]): Record<string, unknown> {
  return { ...oldNames(t.settings), ...minted.taken, marker: markerOf(t.record().rotation), ...(minted.id !== undefined && { id: minted.id }), ...(minted.old !== undefined && { old: minted.old }) };
}
const skew = (c: Calls): { readonly skewSeconds?: number } => (c.skewSeconds !== null && Math.abs(c.skewSeconds) > 60 ? { skewSeconds: c.skewSeconds } : {});

/** Speaks for this credential, and where its strategy says so with another secret of the same integration. */
async function callsFor(t: Task, spec: ApiRotation, voice: Omit<Voice, "beside">): Promise<Calls> {
  const fallback = spec.admin?.fallback;
  const beside = typeof fallback === "object" ? (await unsealed(t.r, t.e.spec.class)).values.get(`${t.e.integration}.${fallback.secret}`) : undefined;
  return new Calls(t.r, t.e.path, spec, { ...voice, ...(beside !== undefined && { beside }) });
}

/** Interprets a strategy's data: calls at the provider, in an order that survives a kill between any two. */
export function apiStrategy(spec: ApiRotation): Strategy {
  /** What the calls need of the provider before anything is made: takes, what is listed, which one is the old one. */
  async function look(t: Task, c: Calls, current: string, vars: Variables): Promise<{ vars: Record<string, unknown>; taken: Record<string, unknown>; listed: Listed[] | null; old: string | undefined }> {
    const { taken, listed } = await lookAround(spec, c, vars);
    const old = spec.old && oldId(t, spec, current, listed);
    const entry = listed?.find((l) => l.id === old);
    if (entry) taken["oldResources"] = at(entry.item, "resources");
    return { vars: { ...vars, ...taken }, taken, listed, old };
  }
  /** What an interrupted run of this rotation made, by its name, or because it wasn't there before. */
  const orphans = (t: Task, listed: readonly Listed[]): Listed[] => orphansOf(listed, markerOf(t.record().rotation), stepOf(t.record(), "minting")?.before ?? []);
  async function takeBack(t: Task, c: Calls, vars: Variables): Promise<void> {
    if (!spec.discard) return;
    if (!spec.list) {
      await c.run(spec.discard, vars);
      return;
    }
    for (const o of orphans(t, await c.list(spec.list, vars))) await c.run(spec.discard, { ...vars, id: o.id });
  }

  async function byProvider(t: Task): Promise<Got> {
    const mint = spec.mint;
    if (mint.by !== "provider") throw new RangeError("made by us");
    const current = await currentOf(t);
    const c = await callsFor(t, spec, { current });
    const interrupted = stepOf(t.record(), "minting");
    if (interrupted && spec.hardCut) await mustStillLive(t, current);
    const { vars, taken, listed, old } = await look(t, c, current, variables(t, {}));
    if (interrupted) await takeBack(t, c, vars);
    else t.note("minting", { ...(listed && { before: listed.map((l) => l.id).slice(0, 200) }), ...(old !== undefined && { providerId: old }), ...skew(c) });
    const { json } = await c.run(mint.step, vars);
    const value = at(json, mint.value);
    const id = mint.id === undefined ? undefined : at(json, mint.id);
    if (typeof value !== "string" || value === "") throw new FindingError(rotationCodes.finding("ROTATION_PROVIDER_REFUSED", { message: "the provider's answer shows no new value", path: t.e.path, hint: `stackseal rotate resume ${t.record().rotation} takes back what was made and asks again` }));
    const settings = mint.settings && Object.fromEntries(Object.entries(mint.settings).map(([name, path]) => [name, text(at(json, path))]));
    const minted = { ...(id !== undefined && { id: text(id) }), ...(old !== undefined && { old }), ...(settings && { settings }), taken };
    const discard = spec.discard;
    return { value, minted, ...skew(c), ...(discard && { undo: async () => { await c.run(discard, { ...vars, ...(minted.id !== undefined && { id: minted.id }) }); } }) };
  }
  async function byUs(t: Task): Promise<Got> {
    const mint = spec.mint;
    if (mint.by !== "us") throw new RangeError("made by the provider");
    const vars = variables(t, {});
    const settings: Settings | undefined = mint.settings && Object.fromEntries(Object.entries(mint.settings).map(([name, template]) => [name, fill(template, vars)]));
    return Promise.resolve({ value: expand(mint.template), minted: { ...(settings && { settings: settings as Record<string, string> }) } });
  }

  return {
    obtain: (t) => (spec.mint.by === "provider" ? byProvider(t) : byUs(t)),
    ...(spec.mint.by === "us" && {
      register: async (t, held) => {
        const c = await callsFor(t, spec, { current: held.previous.value });
        const interrupted = stepOf(t.record(), "minting") !== null;
        const { vars, listed, old } = await look(t, c, held.previous.value, variables(t, held.minted));
        if (!interrupted) t.note("minting", { ...(listed && { before: listed.map((l) => l.id).slice(0, 200) }), ...(old !== undefined && { providerId: old }), ...skew(c) });
        // Whether the interrupted run got through: the value itself tells.
        else if ((await t.r.probe(subjectOf(t, held.next.value, held.minted.settings))).verdict === "valid") {
          const made = listed && orphans(t, listed)[0]?.id;
          return { ...(made != null && { providerId: made }), note: "was done before" };
        } else await takeBack(t, c, vars);
        const { json } = await c.run(spec.mint.step, { ...vars, next: held.next.value });
        const id = spec.mint.id === undefined ? undefined : at(json, spec.mint.id);
        return { ...(typeof id === "string" && { providerId: id }), ...skew(c) };
      },
    }),
    revoke: spec.revoke === null ? null : async (t, held) => {
      const c = await callsFor(t, spec, { current: held.previous.value, next: held.next.value });
      const minted = withKept(t, held.minted);
      const { before } = await c.run(spec.revoke as NonNullable<typeof spec.revoke>, variables(t, minted));
      return { ...(minted.old !== undefined && { providerId: minted.old }), ...(before && { note: "was done before" }), ...skew(c) };
    },
    discard: async (t, held) => {
      if (!spec.discard || !stepOf(t.record(), "minting")) return {};
      const current = held.previous?.value ?? (await currentOf(t));
      const c = await callsFor(t, spec, { current });
      const minted = withKept(t, held.minted);
      if (minted.id !== undefined) await c.run(spec.discard, variables(t, minted));
      else {
        const { vars } = await look(t, c, current, variables(t, minted));
        await takeBack(t, c, vars);
      }
      return { ...(minted.id !== undefined && { providerId: minted.id }) };
    },
  };
}
/** With the ids that the record keeps: of what a registration made, and of what is replaced. */
function withKept(t: Task, minted: Held["minted"]): Held["minted"] {
  const id = minted.id ?? stepOf(t.record(), "registered")?.providerId;
  const old = minted.old ?? stepOf(t.record(), "minting")?.providerId;
  return { ...minted, ...(id !== undefined && { id }), ...(old !== undefined && { old }) };
}

/** Which of the listed things the old value is. Throws FindingError where it can't be told: nothing is ended on a guess. */
function oldId(t: Task, spec: ApiRotation, current: string, listed: readonly Listed[] | null): string | undefined {
  if (spec.old?.from === "value") return spec.old.pattern.exec(current)?.[1];
  const minting = stepOf(t.record(), "minting");
  if (minting?.providerId !== undefined) return minting.providerId;
  const before = listed ?? [];
  const byTail = before.filter((l) => l.tail !== null && l.tail !== "" && current.endsWith(l.tail));
  if (byTail.length === 1) return byTail[0]?.id;
  if (byTail.length === 0 && before.length === 1 && (before[0]?.tail ?? "") === "") return before[0]?.id;
  throw new FindingError(rotationCodes.finding("ROTATION_PROVIDER_REFUSED", { message: `the provider lists ${before.length} credentials, and which of them is the one in force can't be told`, path: t.e.path, hint: "remove those that nobody uses in the provider's console, then stackseal rotate resume" }));
}
/** After an interrupted hard cut: where the old one is dead, the new one is lost, and only a person can get another. */
async function mustStillLive(t: Task, current: string): Promise<void> {
  const p = await t.r.probe(subjectOf(t, current));
  if (p.verdict === "valid") return;
  if (p.verdict === "invalid") throw new FindingError(rotationCodes.finding("ROTATION_LOST", { message: `${t.e.path}: the cut was made and its answer was never kept: neither the old nor the new credential is at hand`, path: t.e.path, hint: `make a new one in the provider's console, then: stackseal rotate resume ${t.record().rotation} --env ${t.r.declared.name} --file FILE` }));
  throw new FindingError(rotationCodes.finding("ROTATION_INCONCLUSIVE", { message: `whether the interrupted cut was made can't be told: ${p.message}`, path: t.e.path, hint: `when the provider answers again: stackseal rotate resume ${t.record().rotation}` }), 3);
}
