import type { Operation, State } from "../state/deployment.ts";

/** How long an ended operation may wait for the next write: until it is written, the checkpoint says that it began, and a run after a crash asks its provider. */
const LATER_MS = 50;
const SHORT_MS = 4;

/** Where a stack's resources are kept while an update runs: resolves when they are on the disk, rejects when they can't be written. One call at a time. */
export type Sink = (resources: readonly State[], operations: readonly Operation[]) => Promise<void>;

/**
 * What a checkpoint holds at every moment of an update: resources that are new or went through it, in the order in which they were done, then the
 * old ones that it hasn't reached. What is begun is written before the provider is called, what ended soon after; writes that come at once are one.
 */
export class Snapshot {
  private readonly fresh = new Set<State>();
  private readonly done = new Set<State>();
  private readonly pending = new Map<State, Operation>();
  private base: readonly State[];
  /** Creations that an earlier run began and nobody ended. */
  readonly interrupted: Operation[];
  private readonly sink: Sink | undefined;
  /** The write that what begins now will be in, and the one under way. */
  private waiting: Promise<void> | null = null;
  private writing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | null = null;
  private took = 0;
  constructor(base: readonly State[], leftOver: readonly Operation[], sink: Sink | undefined) {
    this.base = base;
    this.sink = sink;
    // Of what an earlier run left, only creations are unknown: the state tells what was to be updated or deleted.
    this.interrupted = leftOver.filter((o) => o.type === "creating");
  }
  begin(resource: State, type: Operation["type"]): Promise<void> {
    this.pending.set(resource, { resource, type });
    return this.write();
  }
  /** The operation ended: `gone` states leave the checkpoint, `now` enters it. With `quiet` nothing is written for it alone. */
  end(resource: State, change: { readonly gone?: readonly State[]; readonly now?: State } = {}, quiet = false): Promise<void> {
    const begun = this.pending.get(resource)?.type;
    this.pending.delete(resource);
    for (const s of change.gone ?? []) this.done.add(s);
    if (change.now) this.fresh.add(change.now);
    if (change.now && (begun === "creating" || begun === "importing" || begun === "reading")) this.resolve(change.now.urn);
    if (!quiet) this.later();
    return Promise.resolve();
  }
  /** The operation failed: the provider said so, and nothing of it is kept. */
  abandon(resource: State): Promise<void> {
    return this.pending.delete(resource) ? this.write() : Promise.resolve();
  }
  /** A creation that was interrupted is known to have been done, or done again, now. */
  private resolve(urn: string): void {
    const at = this.interrupted.findIndex((o) => o.resource.urn === urn);
    if (at >= 0) this.interrupted.splice(at, 1);
  }
  /** What an update starts from was read anew. */
  rebase(base: readonly State[]): Promise<void> {
    this.base = base;
    return this.write();
  }
  resources(): State[] {
    return [...[...this.fresh].filter((r) => !this.done.has(r)), ...this.base.filter((r) => !this.done.has(r))];
  }
  /** What ended is written with what begins next, or a moment later; the next write fails where this one couldn't be done. */
  private later(): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      void this.write().catch(() => undefined);
    }, LATER_MS);
  }
  write(): Promise<void> {
    const { sink } = this;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    if (!sink) return Promise.resolve();
    this.waiting ??= this.writing.then(() => this.gathered()).then(() => {
      this.waiting = null;
      const from = performance.now(), written = sink(this.resources(), [...this.interrupted, ...this.pending.values()]);
      this.writing = written.catch(() => undefined).then(() => { this.took = performance.now() - from; });
      return written;
    });
    return this.waiting;
  }
  /** What begins meanwhile is in the next write too: as long as a large checkpoint took, it is waited with. */
  private gathered(): Promise<void> {
    return new Promise((go) => { if (this.took < SHORT_MS) setImmediate(go); else setTimeout(go, Math.min(this.took, LATER_MS)); });
  }
}
