import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { FindingError } from "../../lib/finding.ts";
import { WORK_DIR } from "../../schemas/layout.ts";
import { engineCodes } from "../codes.ts";
import { deploymentIn } from "../graph.ts";
import type { ExportedDeployment, HistoryEntry } from "../index.ts";
import { changed, Journal, replay } from "./journal.ts";
import { beginKey, PassphraseSecrets, saltOf } from "./secrets.ts";
import { DeploymentWriter, magicOf, readDeployment, type Deployment, type Operation, type Row, type State } from "./deployment.ts";

export interface Loaded { readonly resources: State[]; readonly operations: readonly Operation[] }
const NOTHING: Loaded = { resources: [], operations: [] };

/** A journal that grew by this beyond its checkpoint is written into it. */
const JOURNAL_BYTES = 1 << 20;

/**
 * One stack's checkpoint under `.stackseal/state`: version 3 as the CLI exports it, atomic, the last good copy kept as `.bak`, a history beside it. While an
 * update runs, and after one that was killed, a journal beside it holds what was written since: it is read with it, and written into it when the update ends.
 */
export class StateStore {
  readonly file: string;
  readonly lockFile: string;
  private readonly root: string;
  private readonly stack: string;
  private readonly given: string | undefined;
  private writer: Promise<DeploymentWriter> | null = null;
  private readonly journal: Journal;
  /** What stands there, where this process wrote it. */
  private written: readonly string[] | null = null;
  private bytes = 0;
  constructor(root: string, stack: string, passphrase: string | undefined) {
    this.root = root;
    this.stack = stack;
    this.file = join(root, WORK_DIR, "state", `${stack}.json`);
    this.lockFile = `${this.file}.lock`;
    this.journal = new Journal(`${this.file}.journal`);
    this.given = passphrase;
  }
  get exists(): boolean {
    return existsSync(this.file);
  }
  /** Empty where the stack was never deployed. Throws FindingError STATE_CORRUPT, STATE_NEWER, STATE_SECRETS_PROVIDER or STATE_PASSPHRASE. */
  async read(): Promise<Loaded> {
    return this.exists ? this.open(this.raw(), this.name) : NOTHING;
  }
  /** Reads a document of the same shape from elsewhere, and writes from then on under its secrets provider. */
  async open(document: unknown, name: string): Promise<Loaded> {
    const hint = name === this.name && existsSync(`${this.file}.bak`) ? `the last good copy stands beside it: cp ${this.name}.bak ${this.name}` : name === this.name ? "restore it from a backup: stackseal import FILE" : "export it again";
    const corrupt = (why: string): FindingError => new FindingError(engineCodes.finding("STATE_CORRUPT", { message: `the checkpoint can't be used: ${why}`, path: name, hint }), 2);
    const { version, deployment } = unwrap(document, corrupt);
    if (version > 3) throw new FindingError(engineCodes.finding("STATE_NEWER", { message: `the checkpoint is of version ${String(version)}; this engine reads 3`, path: name, hint: "use the Pulumi CLI: --engine pulumi" }), 2);
    if (version < 3) throw corrupt(`it is of version ${String(version)}, older than 3: let the CLI export it again`);
    const m = deployment.manifest as Partial<Deployment["manifest"]> | undefined;
    if (m?.version !== undefined && m.magic !== magicOf(m.version)) throw corrupt("its manifest's magic doesn't match");
    const secrets = await this.secretsOf(deployment, name, corrupt);
    this.writer = Promise.resolve(writerOf(secrets));
    try {
      return readDeployment(deployment, secrets);
    } catch (e) {
      throw corrupt((e as Error).message);
    }
  }
  /** Makes a key of its own for a stack that has none yet: a fifth of a second's work that goes on beside what follows; it needn't be waited for, the first write does. Throws where the passphrase can't be read or made. */
  ready(): Promise<void> {
    this.writer ??= PassphraseSecrets.create(this.passphrase()).then(writerOf);
    return this.writer.then(() => undefined, () => undefined); // the first write says what failed
  }
  /** Begins what of this stack's key takes time, while another stack is worked on. Nothing is said of what can't be read: `read` says it. */
  begin(): void {
    try {
      if (!this.exists) { void this.ready(); return; }
      const stored = /"salt": ?"([^"]+)"/.exec(readFileSync(this.file, "utf8"))?.[1], salt = stored === undefined ? null : saltOf(stored);
      if (salt) beginKey(this.passphrase(), salt);
    } catch {
      // Whoever reads it is told.
    }
  }
  /** Writes what changed, and resolves when it is on the disk; call `ready` or `read` first, and the next time when this one is through. Rejects with FindingError STATE_UNWRITABLE; what was written before stands then. */
  async save(resources: readonly State[], operations: readonly Operation[]): Promise<void> {
    const writer = await this.writer;
    if (!writer) throw new Error("state is not ready");
    const { states, texts } = writer.rows(resources);
    const change = this.written && this.journal.bytes < this.bytes + JOURNAL_BYTES ? changed(this.written, texts) : null;
    this.written = null;
    try {
      if (change) await this.journal.append({ drop: change.drop, add: change.add.flatMap((i) => (states[i] ? [[i, writer.row(states[i])] as const] : [])), pending: writer.pending(operations) });
      else this.write(writer.text(texts, operations, new Date()));
      this.written = texts;
    } catch (e) {
      throw this.unwritable(e, "the checkpoint");
    }
  }
  /** Writes into the checkpoint what its journal holds. Throws FindingError STATE_CORRUPT, STATE_UNWRITABLE. */
  settle(): void {
    if (!this.journal.exists) return;
    const document = this.raw();
    this.written = null;
    try {
      if (document === null) this.journal.remove();
      else this.write(`${JSON.stringify(document, null, 4)}\n`);
    } catch (e) {
      throw this.unwritable(e, "the checkpoint");
    }
  }
  private write(text: string): void {
    writeAtomic(this.file, text, 0o600);
    this.journal.restart(text);
    this.bytes = text.length;
  }
  private unwritable(e: unknown, what: string): FindingError {
    return new FindingError(engineCodes.finding("STATE_UNWRITABLE", { message: `${what} can't be written (${(e as NodeJS.ErrnoException).code ?? (e as Error).message})`, path: this.name, hint: "make room on the disk and run again: what stood there is untouched" }), 2);
  }
  /** Keeps the checkpoint as it is now: before an update touches it, and after one that went well. */
  keepCopy(): void {
    try {
      this.settle();
    } catch (e) {
      // A whole state that is brought from elsewhere takes the place of one that can't be read.
      if (!(e instanceof FindingError && e.findings[0]?.code === "STATE_CORRUPT")) throw e;
    }
    try {
      if (this.exists) copyFileSync(this.file, `${this.file}.bak`);
    } catch (e) {
      throw this.unwritable(e, "a copy of the checkpoint");
    }
  }
  /** As `pulumi stack export` prints it; with `show`, secrets stand there open. */
  async export(show: boolean): Promise<ExportedDeployment | null> {
    if (!this.exists) return null;
    const document = this.raw();
    const { resources, operations } = await this.open(document, this.name);
    if (!show) return document as ExportedDeployment;
    const open = new DeploymentWriter({ type: "passphrase" }, { encrypt: (t) => t, decrypt: (t) => t }, true).write(resources, operations, new Date());
    return { version: 3, deployment: { ...open.deployment, secrets_providers: (document as { deployment: Deployment }).deployment.secrets_providers } };
  }
  record(entry: Omit<HistoryEntry, "version">): void {
    const dir = join(this.root, WORK_DIR, "state", "history", this.stack);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const version = this.history()[0]?.version ?? 0;
    writeAtomic(join(dir, `${String(version + 1).padStart(6, "0")}.json`), `${JSON.stringify({ version: version + 1, ...entry }, null, 4)}\n`, 0o600);
  }
  /** Newest first; a file that can't be read is left out. */
  history(): HistoryEntry[] {
    const dir = join(this.root, WORK_DIR, "state", "history", this.stack);
    if (!existsSync(dir)) return [];
    return readdirSync(dir).filter((n) => /^\d{6}\.json$/.test(n)).sort().reverse().flatMap((n) => {
      try {
        return [JSON.parse(readFileSync(join(dir, n), "utf8")) as HistoryEntry];
      } catch {
        return [];
      }
    });
  }
  /** The checkpoint with what its journal holds; null where it is no JSON. Throws FindingError STATE_CORRUPT for a journal that can't be read. */
  private raw(): unknown {
    for (;;) {
      let text: string, document: unknown;
      try {
        text = readFileSync(this.file, "utf8");
        document = JSON.parse(text);
      } catch {
        return null;
      }
      try {
        const entries = this.journal.since(text);
        // Another process may write a checkpoint between the two.
        if (readFileSync(this.file, "utf8") !== text) continue;
        if (entries.length === 0) return document;
        const { version, deployment } = unwrap(document, (why) => new Error(why));
        return { version, deployment: replay(deployment, entries) };
      } catch (e) {
        throw new FindingError(engineCodes.finding("STATE_CORRUPT", { message: `the checkpoint can't be used: ${(e as Error).message}`, path: `${this.name}.journal`, hint: `rm ${this.name}.journal leaves the checkpoint as it was when the interrupted update began; then refresh tells what became of it` }), 2);
      }
    }
  }
  private async secretsOf(d: Deployment, name: string, corrupt: (why: string) => FindingError): Promise<PassphraseSecrets> {
    const p = d.secrets_providers;
    if (!p?.type) return PassphraseSecrets.create(this.passphrase());
    if (p.type !== "passphrase")
      throw new FindingError(engineCodes.finding("STATE_SECRETS_PROVIDER", { message: `the state's secrets are sealed by "${p.type}", which this engine can't open`, path: name, hint: "with the CLI: pulumi stack change-secrets-provider passphrase, then export again" }), 2);
    const salt = (p.state as { salt?: unknown } | undefined)?.salt;
    if (typeof salt !== "string") throw corrupt("its secrets provider has no salt");
    try {
      return await PassphraseSecrets.open(this.passphrase(), salt);
    } catch (e) {
      throw e instanceof FindingError ? e : corrupt((e as Error).message);
    }
  }
  private get name(): string {
    return this.file.slice(this.root.length + 1);
  }
  private passphrase(): string {
    if (this.given !== undefined) return this.given;
    const file = join(this.root, WORK_DIR, "passphrase");
    if (!existsSync(file)) writeAtomic(file, `${randomBytes(24).toString("base64url")}\n`, 0o600);
    return readFileSync(file, "utf8").trim();
  }
}
const writerOf = (s: PassphraseSecrets): DeploymentWriter => new DeploymentWriter({ type: "passphrase", state: { salt: s.salt } }, s);

function unwrap(document: unknown, corrupt: (why: string) => Error): { version: number; deployment: Deployment } {
  const d = deploymentIn(document), resources: unknown = d?.deployment["resources"] ?? [];
  // A stack that was made and never deployed has nothing that could take a state's place.
  if (!d || (Object.keys(d.deployment).length === 0 && (document as { deployment?: unknown }).deployment === undefined)) throw corrupt("it is no deployment in JSON");
  if (!Array.isArray(resources) || !(resources as (Row | null)[]).every((r) => typeof r?.["urn"] === "string" && typeof r["type"] === "string")) throw corrupt("its resources are none");
  return { version: d.version, deployment: d.deployment as unknown as Deployment };
}
