import { FindingError } from "../lib/finding.ts";
import type { Git } from "../lib/git.ts";
import { auditCodes } from "./codes.ts";

// Which deployment carried a change. Git doesn't know: it is what stack exports, histories of updates and former bundles' lineage tell, where they are given.

/** What carried a change, as far as it was told; `null` in a field: unknown. */
export interface Deployment {
  readonly stack: string | null;
  /** Number of the first update that went well and whose commit has the change in it. */
  readonly update: number | null;
  /** Its start, ISO, UTC. */
  readonly at: string | null;
  /** `commit`: the update names its commit; `time`: it names none, and is the first that began after the change came to the main line. */
  readonly by: "commit" | "time" | null;
  /** The store's version that holds the credential's issue. */
  readonly storeVersion: string | null;
}
export interface Carried {
  readonly environment: string | null;
  readonly kind: string;
  readonly path: string;
  readonly issueId: string | null;
  readonly commit: string;
  /** When it came to the main line, ISO. */
  readonly landed: string;
}
interface Update { readonly stack: string; readonly version: number; readonly at: string; readonly seconds: number; readonly commit: string | null }
interface Said { readonly version?: unknown; readonly kind?: unknown; readonly result?: unknown; readonly startTime?: unknown; readonly commit?: unknown }

export class Deployments {
  private readonly updates = new Map<string, Update[]>();
  private readonly versions = new Map<string, string>();
  private readonly reached = new Map<string, Map<string, Update>>();
  /** A stack export, or the lineage of a former bundle (recorded/store.jsonl). Throws FindingError STATE_UNREADABLE. */
  async addState(text: string, file: string): Promise<void> {
    if (file.endsWith(".jsonl")) {
      for (const line of text.split("\n")) if (line !== "") this.addVersion(parsed(line, file));
      return;
    }
    // Only who gives an export waits for what reads it.
    const { graphOfExport } = await import("../policies/kit/state.ts");
    for (const r of graphOfExport(text, file)) if (r.type === "stackseal:index:SealedVersion") this.addVersion({ urn: r.urn, versionId: r.outputs["versionId"], values: r.inputs["values"] });
  }
  private addVersion(o: Readonly<Record<string, unknown>>): void {
    const environment = typeof o["urn"] === "string" ? environmentOf(o["urn"].split("::")[0]?.split(":").at(-1) ?? "") : "";
    for (const v of Array.isArray(o["values"]) ? (o["values"] as Readonly<Record<string, unknown>>[]) : [])
      if (typeof v["issueId"] === "string" && typeof v["key"] === "string" && typeof o["versionId"] === "string") this.versions.set(`${environment} ${v["key"]} ${v["issueId"]}`, o["versionId"]);
  }
  /** What `stackseal history --json` printed, or what `pulumi stack history --json` did for a stack. Throws FindingError BUNDLE_INPUT. */
  addHistory(text: string, file: string, stack: string | null): void {
    const o = parsed(text, file);
    const stacks = Array.isArray(o["stacks"]) ? (o["stacks"] as { stack?: unknown; updates?: unknown }[]) : Array.isArray(o) && stack !== null ? [{ stack, updates: o as unknown }] : null;
    if (!stacks) throw refuse(file, "this is no history of updates");
    for (const s of stacks) if (typeof s.stack === "string" && Array.isArray(s.updates)) this.addUpdates(s.stack, s.updates as Said[]);
  }
  addUpdates(stack: string, updates: readonly Said[]): void {
    const own = updates.flatMap((u): Update[] => {
      const seconds = typeof u.startTime === "number" ? u.startTime : Date.parse(String(u.startTime)) / 1000;
      return u.kind === "update" && u.result === "succeeded" && typeof u.version === "number" && Number.isFinite(seconds)
        ? [{ stack, version: u.version, seconds, at: new Date(seconds * 1000).toISOString(), commit: typeof u.commit === "string" && /^[0-9a-f]{40,64}$/.test(u.commit) ? u.commit : null }] : [];
    });
    this.updates.set(stack, [...(this.updates.get(stack) ?? []), ...own].sort((a, b) => a.seconds - b.seconds));
  }
  /** Finds out which commits each update has. Call it before `of`. */
  prepare(git: Git): void {
    for (const [stack, updates] of this.updates) {
      const reached = new Map<string, Update>();
      const before: string[] = [];
      for (const u of updates) {
        if (u.commit === null || git.try(["cat-file", "-e", `${u.commit}^{commit}`]) === null) continue;
        for (const c of (git.text(["rev-list", u.commit, ...before.map((b) => `^${b}`)]) ?? "").split("\n")) if (c !== "" && !reached.has(c)) reached.set(c, u);
        before.splice(0, before.length, u.commit);
      }
      this.reached.set(stack, reached);
    }
  }
  /** Null: nothing of an environment's stacks, so nothing is deployed of it. */
  of(c: Carried): Deployment | null {
    if (c.environment === null) return null;
    const payments = c.path.startsWith("stripe.") || c.path.startsWith("rotation.payments");
    const stack = payments ? `${c.environment}-payments` : c.environment;
    const storeVersion = c.issueId === null ? null : (this.versions.get(`${c.environment} ${c.path} ${c.issueId}`) ?? null);
    const named = this.reached.get(stack)?.get(c.commit);
    const timed = named === undefined ? this.updates.get(stack)?.find((u) => u.commit === null && u.at >= c.landed) : undefined;
    const update = named ?? timed;
    return { stack: update || storeVersion !== null ? stack : null, update: update?.version ?? null, at: update?.at ?? null, by: named ? "commit" : timed ? "time" : null, storeVersion };
  }
}
/** In words; "unknown" where nothing told it. */
export function deployedText(d: Deployment): string {
  const parts = [
    ...(d.update === null ? [] : [`update ${d.update} of ${d.stack ?? ""} on ${d.at?.slice(0, 10) ?? ""}${d.by === "time" ? " (by its time alone)" : ""}`]),
    ...(d.storeVersion === null ? [] : [`store version ${d.storeVersion.slice(0, 12)}`]),
  ];
  return parts.length ? parts.join(", ") : "unknown";
}
const environmentOf = (stack: string): string => stack.replace(/-(payments|foundation)$/, "");
const refuse = (file: string, message: string): FindingError => new FindingError(auditCodes.finding("BUNDLE_INPUT", { message: `${file}: ${message}`, hint: "stackseal history --env prod --json > updates.json; stackseal export --env prod --file state.json" }), 2);
function parsed(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    const o = JSON.parse(text) as unknown;
    if (typeof o === "object" && o !== null) return o as Readonly<Record<string, unknown>>;
  } catch {
    // Said below.
  }
  throw refuse(file, "this is no JSON");
}
