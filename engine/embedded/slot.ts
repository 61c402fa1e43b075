import { AsyncLocalStorage } from "node:async_hooks";

/** Where the SDK asks which run a line of the program belongs to: what it uses of an AsyncLocalStorage. */
export interface Storage {
  run<T>(store: unknown, f: (...a: unknown[]) => T, ...a: unknown[]): T;
  getStore(): unknown;
}

/**
 * An AsyncLocalStorage that costs nothing while one run is alone: following every promise is a quarter of a large program's time. `alone` promises that the program leaves nothing
 * behind that could still declare something later. With another run under way, or after one that ended badly, each run is followed as ever.
 */
export class Slot implements Storage {
  readonly #followed: Storage;
  #underWay = 0;
  #spoilt = false;
  #alone = false;
  #store: unknown;
  constructor(followed: Storage) { this.#followed = followed; }

  /** Runs `f`, whose one run of the SDK needs no following; it resolves to whether that ended well. */
  alone(f: () => Promise<boolean>): Promise<boolean> {
    this.#alone = true;
    try { return f(); } finally { this.#alone = false; }
  }
  run<T>(store: unknown, f: (...a: unknown[]) => T, ...a: unknown[]): T {
    const alone = this.#alone && this.#underWay === 0 && !this.#spoilt && this.#followed.getStore() === undefined;
    this.#alone = false;
    this.#underWay++;
    if (alone) this.#store = store;
    // What a run that ended badly left behind goes on finding its own store, and no later run takes its place.
    const ended = (well: unknown): void => {
      this.#underWay--;
      if (!alone) return;
      if (well === true) this.#store = undefined;
      else this.#spoilt = true;
    };
    let r: T;
    try { r = alone ? f(...a) : this.#followed.run(store, f, ...a); } catch (e) { ended(false); throw e; }
    if (r instanceof Promise) r.then(ended, () => { ended(false); });
    else ended(true);
    return r;
  }
  getStore(): unknown {
    return this.#followed.getStore() ?? this.#store;
  }
}

/** Puts a slot before the SDK's own storage; null where that isn't the one we know (another copy of this module's, or another SDK's): then every run is followed. */
export function slotIn(world: { asyncLocalStorage?: unknown }): Slot | null {
  const own = world.asyncLocalStorage;
  if (!(own instanceof AsyncLocalStorage)) return null;
  const slot = new Slot(own as Storage);
  world.asyncLocalStorage = slot;
  return slot;
}
