import { join } from "node:path";
import { z } from "zod";
import type { Finding } from "../../lib/finding.ts";
import { isThere } from "../../lib/document.ts";
import { jsonIn } from "../../lib/json.ts";
import { plainFile } from "../../lib/plain-file.ts";
import { sha256 } from "../../lib/sha256.ts";
import { auditCodes } from "../codes.ts";
import type { Manifest } from "./manifest.ts";
import { LARGEST_BESIDE } from "./read.ts";
import { LATE, LOCK, SKEW } from "./timestamp.ts";

const instant = z.iso.datetime();
export const receiptSchema = z.strictObject({
  stackseal: z.literal("lock-1"), environment: z.string(), bucket: z.string(), key: z.string(), versionId: z.string(), at: instant, mode: z.string().nullable(), retainUntil: instant.nullable(), manifestSha256: z.string(),
});
export type Receipt = z.infer<typeof receiptSchema>;
/** What the store answers of the version that a receipt names; null: it hasn't it. */
export type AskStore = (r: Receipt) => Promise<{ readonly at: string; readonly mode: string | null; readonly retainUntil: string | null; readonly bytes: Buffer } | null>;
/** `recorded`: by the receipt's word; `checked`: the store was asked, and has these very bytes since then. */
export interface ObjectLock { readonly file: string; readonly at: string; readonly retainUntil: string | null; readonly mode: string | null; readonly store: "recorded" | "checked" | "contradicted" }
export interface LockInput { readonly dir: string; readonly label: string; readonly text: string; readonly manifest: Manifest; readonly ask: AskStore | null }

export const evidenceKey = (m: Pick<Manifest, "period">, manifestSha256: string, name: string): string => `evidence/${m.period.quarter ?? `${m.period.since}..${m.period.until}`}/${manifestSha256}/${name}`;

/** Judges the receipt beside the manifest; with `ask` also by the store. Throws what asking throws. */
export async function judgeLock(o: LockInput): Promise<{ readonly objectLock: ObjectLock | null; readonly findings: Finding[] }> {
  const path = `${o.label}/${LOCK}`;
  const wrong = (message: string, hint?: string): Finding => auditCodes.finding("BUNDLE_LOCK", { message, path, hint });
  if (!isThere(o.dir, LOCK)) return { objectLock: null, findings: o.ask ? [wrong("there is no receipt of a locked bucket beside the manifest", "stackseal audit lock DIR --env E")] : [] };
  const r = receiptSchema.safeParse(jsonIn(plainFile(join(o.dir, LOCK), LARGEST_BESIDE)?.toString("utf8") ?? "")).data;
  if (!r) return { objectLock: null, findings: [wrong("this is no receipt of a locked bucket")] };
  if (r.manifestSha256 !== sha256(Buffer.from(o.text))) return { objectLock: null, findings: [wrong("the receipt is of another manifest than this one")] };
  const findings: Finding[] = [];
  let store: ObjectLock["store"] = "recorded";
  if (o.ask) {
    const kept = await o.ask(r);
    if (!kept) findings.push(wrong(`s3://${r.bucket}/${r.key} has no such version`));
    else {
      if (!kept.bytes.equals(Buffer.from(o.text))) findings.push(wrong("the bucket's version holds other bytes than this manifest"));
      if (Date.parse(kept.at) !== Date.parse(r.at)) findings.push(wrong(`the receipt says that the bucket took it on ${r.at}; the bucket says ${kept.at}`));
      if (kept.mode === null || kept.retainUntil === null) findings.push(wrong("no lock is on the bucket's version: whoever may write there could have put it anew"));
      else if (r.retainUntil !== null && Date.parse(kept.retainUntil) < Date.parse(r.retainUntil)) findings.push(wrong(`the receipt says locked until ${r.retainUntil}; the bucket says ${kept.retainUntil}`));
    }
    store = findings.length === 0 ? "checked" : "contradicted";
  }
  const [made, seen] = [Date.parse(o.manifest.createdAt), Date.parse(r.at)];
  if (seen + SKEW < made) findings.push(wrong(`the bundle says that it is of ${o.manifest.createdAt}, and the bucket took it on ${r.at}, before that`));
  else if (seen > made + LATE) findings.push(auditCodes.finding("BUNDLE_TIMESTAMP_LATE", { message: `the bundle says that it is of ${o.manifest.createdAt}; the bucket took it on ${r.at}: only that is shown`, path, hint: "lock a bundle on the day that it is made" }));
  return { objectLock: { file: path, at: r.at, retainUntil: r.retainUntil, mode: r.mode, store }, findings };
}
