import { createHash, randomBytes } from "node:crypto";
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { FindingError } from "../../lib/finding.ts";
import { WORK_DIR } from "../../schemas/layout.ts";
import { engineCodes } from "../codes.ts";
import { PassphraseSecrets } from "./secrets.ts";
import { readDeployment, writeDeployment, type State } from "./state.ts";

/** One stack's checkpoint under `.stackseal/state`: version 3, atomic, one lock, the last good copy kept as `.bak`. */
export class StateStore {
  private readonly file: string;
  private readonly lockFile: string;
  private readonly root: string;
  private readonly passphraseGiven: string | undefined;
  private secrets: PassphraseSecrets | null = null;
  constructor(root: string, stack: string, passphrase: string | undefined) {
    this.root = root;
    this.file = join(root, WORK_DIR, "state", `${stack}.json`);
    this.lockFile = `${this.file}.lock`;
    this.passphraseGiven = passphrase;
  }
  /** Empty where the stack was never deployed. Throws FindingError STATE_CORRUPT, STATE_NEWER or STATE_PASSPHRASE. */
  async read(): Promise<State[]> {
    if (!existsSync(this.file)) return [];
    let parsed: { version: number; deployment: Parameters<typeof readDeployment>[0]["deployment"] };
    try {
      parsed = JSON.parse(readFileSync(this.file, "utf8")) as typeof parsed;
      if (parsed.deployment.manifest.magic !== createHash("sha256").update(parsed.deployment.manifest.version).digest("hex")) throw new Error("magic");
    } catch {
      throw new FindingError(engineCodes.finding("STATE_CORRUPT", { message: "the checkpoint can't be read", path: this.name, hint: `the last good copy stands beside it: ${this.name}.bak` }), 2);
    }
    if (parsed.version > 3) throw new FindingError(engineCodes.finding("STATE_NEWER", { message: `the checkpoint is of version ${parsed.version}; this engine reads 3`, path: this.name, hint: "use the Pulumi CLI" }), 2);
    const salt = parsed.deployment.secrets_providers?.state.salt;
    this.secrets = salt === undefined ? await PassphraseSecrets.create(this.passphrase()) : await PassphraseSecrets.open(this.passphrase(), salt);
    return readDeployment(parsed, this.secrets);
  }
  async ready(): Promise<void> {
    this.secrets ??= await PassphraseSecrets.create(this.passphrase());
  }
  /** Writes a checkpoint; call `ready` or `read` first. */
  save(resources: readonly State[]): void {
    if (!this.secrets) throw new Error("state is not ready");
    writeAtomic(this.file, `${JSON.stringify(writeDeployment([...resources], this.secrets), null, 4)}\n`, 0o600);
  }
  /** Keeps the checkpoint as it is now, before an update touches it. */
  keepCopy(): void {
    if (existsSync(this.file)) copyFileSync(this.file, `${this.file}.bak`);
  }
  /** One update at a time: throws FindingError STATE_LOCKED with owner and age; a dead owner's lock is taken over. */
  lock(now: Date): () => void {
    mkdirSync(join(this.root, WORK_DIR, "state"), { recursive: true, mode: 0o700 });
    for (let attempt = 0; ; attempt++) {
      try {
        const fd = openSync(this.lockFile, "wx", 0o600);
        writeSync(fd, JSON.stringify({ pid: process.pid, since: now.toISOString() }));
        closeSync(fd);
        return () => { rmSync(this.lockFile, { force: true }); };
      } catch (e) {
        if ((e as NodeJS.ErrnoException).code !== "EEXIST") throw e;
        const owner = this.owner();
        if (attempt === 0 && owner !== null && !alive(owner.pid)) rmSync(this.lockFile, { force: true });
        else throw new FindingError(engineCodes.finding("STATE_LOCKED", { message: `process ${owner?.pid ?? "?"} has been updating this stack since ${owner?.since ?? "?"}`, path: this.name, hint: "wait for it to end" }), 2);
      }
    }
  }
  private owner(): { pid: number; since: string } | null {
    try {
      return JSON.parse(readFileSync(this.lockFile, "utf8")) as { pid: number; since: string };
    } catch {
      return null;
    }
  }
  private get name(): string {
    return this.file.slice(this.root.length + 1);
  }
  private passphrase(): string {
    if (this.passphraseGiven !== undefined) return this.passphraseGiven;
    const file = join(this.root, WORK_DIR, "passphrase");
    if (!existsSync(file)) writeAtomic(file, `${randomBytes(24).toString("base64url")}\n`, 0o600);
    return readFileSync(file, "utf8").trim();
  }
}
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === "EPERM";
  }
}
