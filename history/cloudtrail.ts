import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Finding } from "../lib/finding.ts";
import { plainFile } from "../lib/plain-file.ts";
import { historyCodes } from "./codes.ts";

/** A read of a payment secret, or an attempt. */
export interface PaymentRead {
  readonly at: string;
  readonly secret: string;
  readonly identity: string;
  readonly place: string;
  readonly denied: boolean;
  /** `new-identity`, `new-place`, `odd-hour`, `burst`; `other-account`: the secret of that name is in another account than the environment's. */
  readonly flags: readonly string[];
}
export interface TrailReading {
  readonly reads: readonly PaymentRead[];
  /** Everybody who did anything in the export. */
  readonly identities: ReadonlySet<string>;
  readonly from: string;
  readonly until: string;
  readonly files: number;
  readonly findings: readonly Finding[];
}
const LARGEST = 64 << 20;
const BURST = { reads: 10, withinMs: 5 * 60_000 };
const NIGHT = { from: 22, until: 6 };
const KNOWN_AFTER_MS = 86_400_000;

/** Reads a folder of CloudTrail log files as the bucket has them (gzip JSON, any depth): every read of a payment secret, the unusual flagged. What can't be read is a finding; the rest is read, an event that stands in several files once. `accounts`: environment → its store's account. */
export function readCloudTrail(dir: string, accounts: ReadonlyMap<string, string> = new Map()): TrailReading {
  const findings: Finding[] = [];
  const identities = new Set<string>();
  const reads: Read[] = [];
  const seen = new Set<string>();
  const unreadable = (message: string): void => { findings.push(historyCodes.finding("TRAIL_UNREADABLE", { message, hint: "export it anew: aws s3 sync s3://BUCKET/AWSLogs DIR" })); };
  let from = "", until = "", files = 0;
  for (const file of logFiles(dir)) {
    const records = recordsOf(join(dir, file));
    if (records === null) {
      unreadable(`${file} is no CloudTrail log file`);
      continue;
    }
    files++;
    let timeless = 0;
    for (const r of records) {
      const id = text(r, "eventID");
      if (id !== "" && seen.has(id)) continue;
      seen.add(id);
      const at = text(r, "eventTime");
      if (!/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(at) || Number.isNaN(Date.parse(at))) {
        timeless++;
        continue;
      }
      if (from === "" || at < from) from = at;
      if (at > until) until = at;
      const identity = identityOf(r);
      identities.add(identity);
      if (text(r, "eventSource") !== "secretsmanager.amazonaws.com" || !/^(Batch)?GetSecretValue$/.test(text(r, "eventName"))) continue;
      for (const { secret, account } of secretsOf(r)) {
        const own = accounts.get(secret.split("/")[1] ?? ""), of = account || text(r, "recipientAccountId");
        reads.push({ at, secret, identity, place: `${text(r, "sourceIPAddress") || "?"} ${text(r, "awsRegion")}`.trim(), denied: text(r, "errorCode") !== "", foreign: own !== undefined && of !== "" && of !== own });
      }
    }
    if (timeless > 0) unreadable(`${file} has ${timeless} events without a time: they are left out`);
  }
  return { reads: flagged(reads.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))), identities, from, until, files, findings };
}
function logFiles(dir: string, under = ""): string[] {
  return readdirSync(join(dir, under), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((e) => (e.isDirectory() ? logFiles(dir, join(under, e.name)) : /\.json(\.gz)?$/.test(e.name) ? [join(under, e.name)] : []));
}
type Read = Omit<PaymentRead, "flags"> & { readonly foreign: boolean };
type Json = Readonly<Record<string, unknown>>;
const map = (v: unknown): Json => (typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Json) : {});
const text = (r: Json, key: string): string => (typeof r[key] === "string" ? r[key] : "");
function recordsOf(file: string): Json[] | null {
  try {
    const raw = plainFile(file, LARGEST);
    if (!raw) return null;
    const bytes = file.endsWith(".gz") ? gunzipSync(raw, { maxOutputLength: LARGEST }) : raw;
    const records = map(JSON.parse(bytes.toString("utf8")))["Records"];
    return Array.isArray(records) ? records.map(map) : null;
  } catch {
    return null;
  }
}
/** Who it was: the role behind a session with the session's name, else the user; the session alone may be anybody's choice. */
function identityOf(r: Json): string {
  const who = map(r["userIdentity"]);
  const arn = text(who, "arn") || text(who, "principalId") || text(who, "invokedBy") || text(who, "type") || "unknown";
  return arn.replace(/^arn:aws[a-z-]*:(sts|iam)::(\d+):/, "$2:");
}
const ARN = /^arn:aws[a-z-]*:secretsmanager:[^:]*:(\d+):secret:/;
function secretsOf(r: Json): { readonly secret: string; readonly account: string }[] {
  const asked = map(r["requestParameters"]);
  const list = [asked["secretId"], ...(Array.isArray(asked["secretIdList"]) ? (asked["secretIdList"] as unknown[]) : [])].filter((x): x is string => typeof x === "string");
  // Of a refused read often only the message names the secret.
  if (list.length === 0) list.push(/ on resource: (\S+)/.exec(text(r, "errorMessage"))?.[1] ?? "");
  return list.map((id) => ({ account: ARN.exec(id)?.[1] ?? "", secret: id.replace(ARN, "").replace(/-[A-Za-z0-9]{6}$/, (s) => (id.startsWith("arn:") ? "" : s)) })).filter((s) => /^stackseal\/[^/]+\/payments\//.test(s.secret));
}
function flagged(reads: readonly Read[]): PaymentRead[] {
  const firstOf = new Map<string, number>();
  const known = new Map<string, Set<string>>();
  const places = new Map<string, Set<string>>();
  const recent = new Map<string, number[]>();
  const nights = new Map<string, { night: number; all: number }>();
  const isNight = (at: string): boolean => { const h = new Date(at).getUTCHours(); return h >= NIGHT.from || h < NIGHT.until; };
  for (const r of reads) {
    const n = nights.get(r.identity) ?? { night: 0, all: 0 };
    nights.set(r.identity, { night: n.night + (isNight(r.at) ? 1 : 0), all: n.all + 1 });
  }
  return reads.map(({ foreign, ...r }) => {
    const when = Date.parse(r.at);
    const flags: string[] = foreign ? ["other-account"] : [];
    const start = firstOf.get(r.secret) ?? when;
    firstOf.set(r.secret, start);
    const who = known.get(r.secret) ?? new Set();
    known.set(r.secret, who);
    // Whoever reads on the export's first day of a secret counts as known.
    if (!who.has(r.identity) && when - start > KNOWN_AFTER_MS) flags.push("new-identity");
    who.add(r.identity);
    const where = places.get(r.identity) ?? new Set();
    places.set(r.identity, where);
    if (where.size > 0 && !where.has(r.place)) flags.push("new-place");
    where.add(r.place);
    const n = nights.get(r.identity);
    // Who reads around the clock is a service; for the others the night is odd.
    if (isNight(r.at) && n && n.night / n.all < 0.2) flags.push("odd-hour");
    const own = [...(recent.get(r.identity) ?? []).filter((t) => when - t <= BURST.withinMs), when];
    recent.set(r.identity, own);
    if (own.length === BURST.reads) flags.push("burst");
    return { ...r, flags };
  });
}
