import { addDays, isoDate } from "../lib/clock.ts";
import type { Finding } from "../lib/finding.ts";
import { Git } from "../lib/git.ts";
import { allows, type SecretClass, type Tier } from "../schemas/access.ts";
import type { Claims } from "../schemas/claims.ts";
import { FINGERPRINT, ISSUE_ID } from "../schemas/claims.ts";
import { heldIn } from "../schemas/layout.ts";
import { EXPOSURE_DAYS, exposureRank, type Exposure, type ExposedValue, type ExposureLine, type Via } from "../schemas/exposure.ts";
import { integrationOf, specOf } from "../schemas/integrations/index.ts";
import { historyCodes } from "./codes.ts";
import { DataKeys } from "./data-keys.ts";
import { learn, peopleIn, PEOPLE, type PersonHistory } from "./people-history.ts";
import { walkVersions } from "./read.ts";
import { readSealedText } from "./sealed-text.ts";

/** A credential that is in force: what stands in an environment's sealed file now. */
export interface InForce {
  readonly environment: string;
  readonly tier: Tier;
  readonly path: string;
  readonly class: SecretClass;
  readonly kind: string;
  readonly claims: Claims;
  /** Not in force itself: an open rotation holds it as the new or the old one. */
  readonly held?: { readonly rotation: string; readonly slot: "next" | "previous" };
}
/** What lives in the run-time store alone: signing secrets that a provider minted. */
export type StoreOnly = Omit<InForce, "claims">;
export interface ExposureQuestion {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Somebody of that name, with every recipient that people.yaml ever gave them; or null. */
  readonly name: string | null;
  readonly recipients: readonly string[];
  readonly environments: readonly { readonly name: string; readonly tier: Tier; readonly integrations: readonly string[] }[];
  readonly inForce: readonly InForce[];
  readonly storeOnly: readonly StoreOnly[];
  /** Only these environments; empty for all. */
  readonly only: readonly string[];
  readonly reason: Exposure["reason"];
  readonly by: string;
  readonly now: Date;
  readonly progress?: (text: string) => void;
}
export interface ExposureAnswer {
  readonly exposure: Exposure;
  readonly findings: readonly Finding[];
  readonly commits: number;
  readonly versions: number;
}
interface Seen {
  readonly environment: string;
  readonly path: string;
  readonly class: SecretClass;
  readonly kind: string;
  readonly leaf: string;
  readonly issueId: string;
  readonly fingerprint: string;
  until: number;
}
const FILE = /(?:^|\/)([a-z][a-z0-9-]*)\/(secrets|payments)[^/]*\.ya?ml$/;
const PEPPER = /(?:^|\/)pepper(?:-([a-z]+))?\.sops\.ya?ml$/;

/** Everything that the holder of these recipients' keys, in that person's roles, could ever know: from the whole of history and the files as they stand. Throws GIT_FAILED. */
export async function exposureOf(q: ExposureQuestion): Promise<ExposureAnswer> {
  const git = new Git(q.root, q.env);
  const keys = new DataKeys();
  const seen = new Map<string, Seen>();
  const person: PersonHistory = { recipients: new Set(q.recipients), held: [] };
  const sealedTo = new Map<string, number[]>();
  const names = new Map<string, string>();
  const peppers: { name: string; tier: string; leaf: string }[] = [];
  const walk = await walkVersions(git, (v) => {
    if (PEOPLE.test(v.file)) {
      const people = peopleIn(v.text);
      if (q.name !== null) learn(person, people, q.name, v.from, v.until);
      for (const n of people) for (const r of n.recipients) names.set(flat(r), flat(n.name));
      return;
    }
    const s = readSealedText(v.text);
    if (!s) return;
    const group = keys.join([...s.leaves.map((l) => l.leaf), ...s.keys]);
    for (const r of s.recipients) {
      const own = sealedTo.get(r);
      if (own) own.push(group);
      else sealedTo.set(r, [group]);
    }
    const pepper = PEPPER.exec(v.file);
    if (pepper) for (const l of s.leaves) peppers.push({ name: l.path, tier: pepper[1] ?? "", leaf: l.leaf });
    else for (const l of s.leaves) {
      const id = `${l.leaf}\n${l.issueId}`;
      const known = seen.get(id);
      if (known) {
        known.until = Math.max(known.until, v.until);
        continue;
      }
      const held = heldIn(v.file);
      const place = held ? [v.file, held.environment, held.class] : FILE.exec(v.file);
      const kind = l.kind;
      seen.set(flat(id), {
        environment: place?.[1] ?? v.file, path: flat(held ? kind || `rotations/${held.rotation}/${l.path}` : l.path), kind: flat(kind), leaf: flat(l.leaf), issueId: flat(l.issueId), fingerprint: flat(l.fingerprint), until: v.until,
        class: specOf(kind)?.class ?? (place?.[2] === "payments" ? "payments" : "standard"),
      });
    }
  }, q.progress ? { progress: q.progress } : {});

  const unknown = [...person.recipients].every((r) => !sealedTo.has(r) && !names.has(r)) && person.held.length === 0;
  const groups = new Set([...person.recipients].flatMap((r) => sealedTo.get(r) ?? []).filter((g) => g >= 0).map((g) => keys.find(g)));
  const heldPeppers = new Set(peppers.filter((p) => groups.has(keys.groupOf(p.leaf))).map((p) => `${p.tier}/${p.name}`));
  const tierOf = new Map(q.environments.map((e) => [e.name, e.tier]));
  const vias = (s: Seen): Via[] => {
    const tier = tierOf.get(s.environment);
    const h = /^h\d+/.exec(s.fingerprint)?.[0];
    return [
      ...(groups.has(keys.groupOf(s.leaf)) ? (["git"] as const) : []),
      ...(readStore(person, s.class, tier, s.until) ? (["store"] as const) : []),
      ...(h !== undefined && (heldPeppers.has(`${tier ?? "?"}/${h}`) || (tier === undefined && [...heldPeppers].some((p) => p.endsWith(`/${h}`)))) ? (["guess"] as const) : []),
    ];
  };
  const byIssue = new Map(q.inForce.map((f) => [f.claims.issueId, f]));
  const byPrint = new Map(q.inForce.map((f) => [f.claims.fingerprint, f]));
  const live = new Map<string, { f: InForce | StoreOnly; claims: Claims | null; via: Set<Via> }>();
  const past = new Map<string, ExposedValue>();
  const add = (f: InForce | StoreOnly, claims: Claims | null, via: readonly Via[]): void => {
    const id = `${f.environment} ${f.path} ${claims?.issueId ?? ""}`;
    const own = live.get(id) ?? { f, claims, via: new Set<Via>() };
    for (const v of via) own.via.add(v);
    live.set(id, own);
  };
  for (const s of seen.values()) {
    const via = vias(s);
    if (!via.length) continue;
    const f = byIssue.get(s.issueId) ?? byPrint.get(s.fingerprint);
    const pathNow = f ?? q.inForce.find((x) => s.issueId === "" && x.environment === s.environment && x.path === s.path);
    if (pathNow) {
      if (wanted(q, pathNow.environment)) add(pathNow, pathNow.claims, via);
      continue;
    }
    if (!wanted(q, s.environment)) continue;
    const tier = tierOf.get(s.environment);
    const id = `${s.environment} ${s.path} ${s.issueId || s.leaf}`;
    const own = past.get(id);
    past.set(id, {
      environment: s.environment, path: s.path, ...(s.kind && { kind: s.kind }), class: s.class, ...(tier && { tier }), ...(ISSUE_ID.test(s.issueId) && { issueId: s.issueId }),
      ...(FINGERPRINT.test(s.fingerprint) && { fingerprint: s.fingerprint }), via: [...new Set([...(own?.via ?? []), ...via])].sort(),
    });
  }
  for (const f of q.storeOnly) if (wanted(q, f.environment) && readStore(person, f.class, f.tier, Infinity)) add(f, null, ["store"]);

  const lines = [...live.values()].map(({ f, claims, via }): ExposureLine => ({
    environment: f.environment, path: f.path, kind: f.kind, class: f.class, tier: f.tier, ...(claims && { issueId: claims.issueId, fingerprint: claims.fingerprint }), via: [...via].sort(),
    due: isoDate(addDays(q.now, EXPOSURE_DAYS[f.class][f.tier])), rotate: rotateCommand(f, q.reason),
  })).sort((a, b) => exposureRank(a.class, a.tier) - exposureRank(b.class, b.tier) || cmp(a.environment, b.environment) || cmp(a.path, b.path));
  const subject = q.name ?? q.recipients.map((r) => names.get(r)).find((n) => n !== undefined) ?? "unknown";
  const commit = git.inside ? git.text(["rev-parse", "-q", "--verify", "HEAD"]) : null;
  return {
    commits: walk.commits, versions: walk.versions,
    findings: [
      ...walk.findings,
      ...(unknown ? [historyCodes.finding("EXPOSURE_RECIPIENT_UNKNOWN", { message: "no version of any file was ever sealed to it, and no people.yaml ever named it", hint: "give the public half, age1…: age-keygen -y KEYFILE" })] : []),
    ],
    exposure: {
      id: `${isoDate(q.now)}-${subject.replace(/[^a-z0-9-]/g, "-").slice(0, 60)}`, reason: q.reason, subject, recipients: [...person.recipients].filter((r) => /^age1[02-9ac-hj-np-z]{58}$/.test(r)).sort(), on: isoDate(q.now), by: q.by, ...(commit !== null && { commit }),
      lines, past: [...past.values()].sort((a, b) => exposureRank(a.class, a.tier) - exposureRank(b.class, b.tier) || cmp(a.environment, b.environment) || cmp(a.path, b.path) || cmp(a.issueId ?? "", b.issueId ?? "")),
      also: { backups: backups([...live.values()].length + past.size > 0, q), dashboards: dashboards(q, person), refs: unmerged(git) },
    },
  };
}
const cmp = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const flat = (s: string): string => (s.length < 13 ? s : Buffer.from(s, "latin1").toString("latin1"));
const wanted = (q: ExposureQuestion, environment: string): boolean => q.only.length === 0 || q.only.includes(environment);

/** Whether one of the roles that the person held reads such values from the store, while this one was in force. */
const readStore = (p: PersonHistory, cls: SecretClass, tier: Tier | undefined, until: number): boolean =>
  p.held.some((h) => h.from <= until && h.tiers.some((t) => (tier === undefined || t === tier) && allows(h.role, cls, t, "read")));

/** How a value is issued anew. */
export function rotateCommand(f: { readonly environment: string; readonly path: string; readonly kind: string; readonly held?: InForce["held"] }, reason: Exposure["reason"]): string {
  if (f.held) return `stackseal rotate ${f.held.slot === "next" ? "abort" : "resume"} ${f.held.rotation} --env ${f.environment}`;
  const spec = specOf(f.kind);
  if (spec?.generate !== undefined) return `stackseal secret generate ${f.path} --env ${f.environment} --reason ${reason}`;
  if (spec) return `stackseal secret set ${f.path} --env ${f.environment} --reason ${reason}`;
  return `stackseal rotate start ${f.path} --env ${f.environment}`;
}
function dashboards(q: ExposureQuestion, person: PersonHistory): string[] {
  const tiers = new Set(person.held.flatMap((h) => h.tiers));
  return q.environments.filter((e) => wanted(q, e.name) && (tiers.size === 0 || tiers.has(e.tier))).flatMap((e) => e.integrations.map((i) => `${e.name}: ${integrationOf(i)?.title ?? i}: remove their login and API keys of their own`));
}
const backups = (any: boolean, q: ExposureQuestion): string[] => (any ? [`every backup archive made before ${isoDate(q.now)} whose recipients they were, or whose passphrase or share they held`, "clones, forks, continuous integration caches and laptops' backups of this repository"] : []);
function unmerged(git: Git): string[] {
  if (!git.inside) return [];
  return (git.text(["for-each-ref", "--no-merged=HEAD", "--format=%(refname) %(objectname:short)"]) ?? "").split("\n").filter((l) => l !== "").slice(0, 200).map((l) => l.slice(0, 290));
}
