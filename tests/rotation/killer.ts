import { FindingError } from "../../lib/finding.ts";
import { rotationCodes } from "../../rotation/codes.ts";
import type { AccessKeys, HttpReply, Rotator } from "../../rotation/context.ts";
import type { Store } from "../../providers/stores/contract.ts";

/** Thrown where the process would be dead: everything after it is dead too. */
export class Killed extends Error {}

export interface Trouble {
  /**
   * `kill`: the process dies right after its nth effect. `down`: the nth call to the provider has no answer and no effect.
   * `lost`: it has its effect, and the answer is lost. `dark`: the nth verdict is inconclusive.
   */
  readonly mode: "kill" | "down" | "lost" | "dark";
  readonly at: number;
}
/** A rotator whose outside fails at one point; `effects` tells how many there were. */
export function troubled(r: Rotator, t: Trouble | null): { readonly r: Rotator; readonly happened: () => boolean } {
  let effects = 0;
  let calls = 0;
  let verdicts = 0;
  let dead = false;
  let happened = false;
  const alive = (): void => { if (dead) throw new Killed("dead"); };
  const after = <T>(x: T): T => {
    if (t?.mode === "kill" && ++effects === t.at) {
      dead = true;
      happened = true;
      throw new Killed("killed");
    }
    return x;
  };
  const effect = <A extends unknown[], T>(f: (...a: A) => Promise<T>) => async (...a: A): Promise<T> => { alive(); return after(await f(...a)); };
  const send = async (call: Parameters<Rotator["send"]>[0]): Promise<HttpReply> => {
    alive();
    const nth = ++calls;
    if (t?.mode === "down" && nth === t.at) { happened = true; return { ok: false, message: "no answer" }; }
    const reply = await r.send(call);
    if (t?.mode === "lost" && nth === t.at) { happened = true; return { ok: false, message: "the connection was cut" }; }
    return call.method === "GET" ? reply : after(reply);
  };
  const store: Store = {
    kind: r.store.kind, describe: (n) => { alive(); return r.store.describe(n); }, list: (p) => r.store.list(p), read: (n, l) => r.store.read(n, l), remove: (n) => r.store.remove(n),
    put: effect((p) => r.store.put(p)), promote: effect((n, v) => r.store.promote(n, v)), withdraw: effect((n, v) => r.store.withdraw(n, v)),
  };
  /** IAM, as its SDK tells: what has no answer is thrown. */
  const asked = <A extends unknown[], T>(f: (...a: A) => Promise<T>) => async (...a: A): Promise<T> => {
    const nth = ++calls;
    const lost = (): FindingError => { happened = true; return new FindingError(rotationCodes.finding("ROTATION_PROVIDER_DOWN", { message: "no answer" }), 3); };
    if (t?.mode === "down" && nth === t.at) throw lost();
    const got = await f(...a);
    if (t?.mode === "lost" && nth === t.at) throw lost();
    return got;
  };
  const keys = r.accessKeys && (async (): Promise<AccessKeys> => {
    const k = await r.accessKeys!();
    return { owner: asked((id) => { alive(); return k.owner(id); }), create: asked(effect((u) => k.create(u))), deactivate: asked(effect((u, i) => k.deactivate(u, i))), remove: asked(effect((u, i) => k.remove(u, i))) };
  });
  return {
    happened: () => happened,
    r: {
      ...r, send, store, accessKeys: keys,
      probe: async (s) => {
        alive();
        if (t?.mode === "dark" && ++verdicts === t.at) { happened = true; return { verdict: "inconclusive", code: "NO_ANSWER", message: "no answer" }; }
        return r.probe(s);
      },
      write: (f, text, mode) => { alive(); r.write(f, text, mode); after(undefined); },
      remove: (f) => { alive(); r.remove(f); after(undefined); },
    },
  };
}
