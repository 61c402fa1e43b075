import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { FindingError } from "../../lib/finding.ts";
import { WORK_DIR } from "../../schemas/layout.ts";
import { ageOpen, ageSeal, recipientOf } from "../../seal/age.ts";
import { identitiesFor, type Env } from "../../seal/identity.ts";
import { deliveryCodes } from "./place.ts";
import type { SecretStore } from "./store.ts";

interface Kept {
  readonly owner: "stackseal";
  readonly current: string;
  readonly previous: string | null;
  /** Version id → age-sealed JSON of the values. */
  readonly versions: Readonly<Record<string, string>>;
}

/** `local`'s store: one file a secret under `.stackseal/store`, values age-sealed to this machine's identity, 0600, written atomically. */
export function fileStore(root: string, environment: string, env: Env): SecretStore {
  const dir = join(root, WORK_DIR, "store");
  const path = (name: string): string => join(dir, `${name.replaceAll("/", "__")}.json`);
  const load = (name: string): Kept | null => {
    if (!existsSync(path(name))) return null;
    const kept = JSON.parse(readFileSync(path(name), "utf8")) as Partial<Kept>;
    if (kept.owner !== "stackseal") throw new FindingError(deliveryCodes.finding("STORE_NOT_OURS", { message: `${name} in the store is not stackseal's`, path: name }));
    return kept as Kept;
  };
  return {
    describe: (name) => {
      const kept = load(name);
      return Promise.resolve(kept && { name, current: kept.current, previous: kept.previous });
    },
    put: async (name, versionId, values, slots = false) => {
      const kept = load(name);
      if (kept?.current === versionId && !slots) return;
      const recipients = await Promise.all(identitiesFor(root, environment, env).map(recipientOf));
      const sealed = await ageSeal(recipients, Buffer.from(JSON.stringify(values)));
      const before = kept?.current === versionId ? kept.previous : (kept?.current ?? null);
      const next: Kept = { owner: "stackseal", current: versionId, previous: before, versions: { ...(kept && before !== null && kept.versions[before] !== undefined && { [before]: kept.versions[before] }), [versionId]: sealed } };
      writeAtomic(path(name), `${JSON.stringify(next, null, 2)}\n`, 0o600);
    },
    read: async (name) => {
      const kept = load(name);
      const sealed = kept?.versions[kept.current];
      if (sealed === undefined) return null;
      const bytes = await ageOpen(identitiesFor(root, environment, env), sealed);
      return bytes && (JSON.parse(Buffer.from(bytes).toString("utf8")) as Record<string, string>);
    },
    remove: (name) => {
      load(name);
      rmSync(path(name), { force: true });
      return Promise.resolve();
    },
  };
}
export const storedNames = (root: string): string[] => {
  const dir = join(root, WORK_DIR, "store");
  return existsSync(dir) ? readdirSync(dir).filter((f) => f.endsWith(".json")).map((f) => f.slice(0, -5).replaceAll("__", "/")).sort() : [];
};
