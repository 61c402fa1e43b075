import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { z } from "zod";
import { writeAtomic } from "../../lib/atomic.ts";
import { systemClock, type Clock } from "../../lib/clock.ts";
import { FindingError } from "../../lib/finding.ts";
import { LOCAL, WORK_DIR } from "../../schemas/layout.ts";
import { ageOpen, ageSeal, recipientOf } from "../../seal/age.ts";
import { identitiesFor, type Env } from "../../seal/identity.ts";
import { fail } from "../input.ts";
import { LABELS, OWNER, OWNER_TAG, type Label, type Put, type Stage, type Store, type StoreSecret } from "./contract.ts";

const textMap = z.record(z.string(), z.string());
const keptSchema = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  tags: textMap,
  /** Newest first. A version without a label keeps its public part alone. */
  versions: z.array(z.strictObject({ id: z.string(), label: z.enum(LABELS).nullable(), createdAt: z.string(), notes: textMap, sealed: z.string().optional() })),
});
type Kept = z.infer<typeof keptSchema>;
type KeptVersion = Kept["versions"][number];
/** What is inside the age file: with its own name and version, so that one can't be put in another's place. */
const insideSchema = z.strictObject({ name: z.string(), version: z.string(), values: textMap });

const HISTORY = 50;
const NAME = /^stackseal\/([a-z][a-z0-9-]*)((?:\/[a-z0-9][a-z0-9-]*)+)$/;

/** The embedded store: one file a secret under `.stackseal/store/<environment>`, values age-sealed to this machine's identities, 0600, written atomically. */
export class FileStore implements Store {
  readonly kind = "file";
  private readonly root: string;
  private readonly environment: string;
  private readonly env: Env;
  private readonly clock: Clock;
  /** Writes to one secret follow each other. */
  private readonly queues = new Map<string, Promise<unknown>>();
  constructor(root: string, environment: string, env: Env, clock: Clock = systemClock) {
    this.root = root;
    this.environment = environment;
    this.env = env;
    this.clock = clock;
  }
  describe(name: string): Promise<StoreSecret | null> {
    return Promise.resolve().then(() => {
      const kept = this.load(name);
      return kept && shown(kept);
    });
  }
  list(prefix: string): Promise<StoreSecret[]> {
    return Promise.resolve().then(() => {
      const dir = join(this.root, WORK_DIR, "store", this.environment);
      if (!existsSync(dir)) return [];
      const names = readdirSync(dir, { recursive: true }).map(String).filter((f) => f.endsWith(".json") && !f.split(sep).at(-1)?.startsWith("."))
        .map((f) => `stackseal/${this.environment}/${f.slice(0, -".json".length).split(sep).join("/")}`).filter((n) => n.startsWith(prefix)).sort();
      return names.flatMap((n) => this.load(n) ?? []).map(shown);
    });
  }
  put(put: Put): Promise<void> {
    return this.inTurn(put.name, async () => {
      const kept = this.owned(put.name) ?? { format: 1, name: put.name, tags: {}, versions: [] };
      const known = kept.versions.find((v) => v.id === put.versionId);
      const tags = { ...put.tags, [OWNER_TAG]: OWNER };
      const stage = known?.label === "current" ? "current" : (put.stage ?? "current");
      if (known?.label === stage && same(tags, kept.tags)) return;
      const sealed = known?.label === stage ? known.sealed : await this.seal(put);
      const version: KeptVersion = { id: put.versionId, label: null, createdAt: known?.createdAt ?? this.clock.now().toISOString(), notes: { ...put.notes }, ...(sealed !== undefined && { sealed }) };
      this.save({ ...kept, tags, versions: labelled([version, ...kept.versions.filter((v) => v.id !== put.versionId)], put.versionId, stage) });
    });
  }
  promote(name: string, versionId: string): Promise<void> {
    return this.inTurn(name, () => {
      const kept = this.owned(name);
      const version = kept?.versions.find((v) => v.id === versionId);
      if (!kept || version?.sealed === undefined) throw fail("STORE_VERSION_MISSING", "the store doesn't hold this version's values", name, "deliver it again with stackseal up");
      if (version.label !== "current") this.save({ ...kept, versions: labelled(kept.versions, versionId, "current") });
      return Promise.resolve();
    });
  }
  async read(name: string, label: Label = "current"): Promise<Readonly<Record<string, string>> | null> {
    const version = this.load(name)?.versions.find((v) => v.label === label);
    if (version?.sealed === undefined) return null;
    const bytes = await ageOpen(this.identities(), version.sealed);
    if (!bytes) throw fail("STORE_CORRUPT", "none of this machine's identities opens the stored values", name, "stackseal start makes a new store after .stackseal/store was removed");
    const inside = parse(insideSchema, Buffer.from(bytes).toString("utf8"));
    if (inside?.name !== name || inside.version !== version.id) throw fail("STORE_CORRUPT", "the stored values belong to another secret or version", name);
    return inside.values;
  }
  withdraw(name: string, versionId: string): Promise<void> {
    return this.inTurn(name, () => {
      const kept = this.owned(name);
      if (!kept?.versions.some((v) => v.id === versionId && v.label !== null && v.label !== "current")) return Promise.resolve();
      this.save({ ...kept, versions: kept.versions.map(({ sealed, ...v }) => (v.id === versionId ? { ...v, label: null } : { ...v, ...(sealed !== undefined && { sealed }) })) });
      return Promise.resolve();
    });
  }
  remove(name: string): Promise<void> {
    return this.inTurn(name, () => {
      if (this.owned(name)) rmSync(this.path(name), { force: true });
      return Promise.resolve();
    });
  }

  private path(name: string): string {
    const m = NAME.exec(name);
    if (m?.[1] !== this.environment) throw fail("REFERENCE_TARGET", `no secret of ${this.environment}`, name);
    const file = join(this.root, WORK_DIR, "store", this.environment, `${(m[2] ?? "").slice(1)}.json`);
    for (let at = file; at !== this.root && !relative(this.root, at).startsWith(".."); at = dirname(at))
      if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) throw fail("REFERENCE_SYMLINK", `${relative(this.root, at)} is a symbolic link`, name);
    return file;
  }
  private load(name: string): Kept | null {
    const file = this.path(name);
    if (!existsSync(file)) return null;
    const kept = parse(keptSchema, readFileSync(file, "utf8"));
    if (kept?.name !== name) throw fail("STORE_CORRUPT", `${relative(this.root, file)} is not a store file of this version`, name, "remove it; the next up delivers anew");
    return kept;
  }
  private owned(name: string): Kept | null {
    const kept = this.load(name);
    if (kept && kept.tags[OWNER_TAG] !== OWNER) throw fail("STORE_FOREIGN", "the secret doesn't carry our ownership tag: it isn't overwritten", name);
    return kept;
  }
  private save(kept: Kept): void {
    const file = this.path(kept.name);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeAtomic(file, `${JSON.stringify(kept, null, 2)}\n`, 0o600);
  }
  private async seal(put: Put): Promise<string> {
    const recipients = await Promise.all(this.identities().map(recipientOf));
    return ageSeal(recipients, Buffer.from(JSON.stringify({ name: put.name, version: put.versionId, values: put.values })));
  }
  /** This machine's own identities; a CI key in the environment is no recipient of a laptop's store. */
  private identities(): string[] {
    try {
      return identitiesFor(this.root, LOCAL, {});
    } catch (e) {
      if (!(e instanceof FindingError)) throw e;
      return identitiesFor(this.root, LOCAL, this.env);
    }
  }
  private inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const next = (this.queues.get(name) ?? Promise.resolve()).then(work, work);
    this.queues.set(name, next.catch(() => undefined));
    return next;
  }
}

/** The file store of an environment. */
export const fileStore = (root: string, environment: string, env: Env, clock?: Clock): Store => new FileStore(root, environment, env, clock);

/** The versions, newest first, once `id` has the label: what it displaces becomes previous or loses its label, and without a label the values are forgotten. */
function labelled(versions: readonly KeptVersion[], id: string, stage: Stage): KeptVersion[] {
  const current = versions.find((v) => v.label === "current" && v.id !== id)?.id;
  const previous = versions.find((v) => v.label === "previous" && v.id !== id)?.id;
  const label = (v: KeptVersion): Label | null => {
    if (v.id === id) return stage;
    if (v.label === stage && stage === "pending") return null;
    if (stage === "pending" || v.label === "pending") return v.label;
    return v.id === (current ?? previous) ? "previous" : null;
  };
  const chosen = versions.find((v) => v.id === id);
  const ordered = stage === "current" && chosen ? [chosen, ...versions.filter((v) => v !== chosen)] : versions;
  return ordered.map(({ sealed, ...v }) => {
    const own = label(v);
    return { ...v, label: own, ...(own !== null && sealed !== undefined && { sealed }) };
  }).filter((v, i) => v.label !== null || i < HISTORY);
}
const shown = (k: Kept): StoreSecret => ({ name: k.name, ours: k.tags[OWNER_TAG] === OWNER, tags: k.tags, versions: k.versions.map(({ id, label, createdAt, notes }) => ({ id, label, createdAt, notes })) });
const same = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean => Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([k, v]) => b[k] === v);
function parse<T>(schema: z.ZodType<T>, json: string): T | null {
  try {
    return schema.parse(JSON.parse(json));
  } catch {
    return null;
  }
}
