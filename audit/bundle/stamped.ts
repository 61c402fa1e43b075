import { join } from "node:path";
import type { Finding } from "../../lib/finding.ts";
import { isThere } from "../../lib/document.ts";
import { plainFile } from "../../lib/plain-file.ts";
import { auditCodes } from "../codes.ts";
import { COMMITS } from "./git-parts.ts";
import type { Manifest } from "./manifest.ts";
import { LARGEST, LARGEST_BESIDE } from "./read.ts";
import { authorityOf, type Authority } from "./authority.ts";
import { isOver, LATE, readTimeStamp, SKEW, STAMP, type TimeStamp } from "./timestamp.ts";

/** What a time stamp over the manifest proves: with a good signature of its authority, that these bytes existed at `at`; else only that they belong together. */
export interface Stamped { readonly file: string; readonly over: string; readonly at: string; readonly authority: Exclude<Authority, "absent"> }
export interface StampInput {
  readonly dir: string;
  readonly label: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  readonly manifest: Manifest;
  readonly stamp: Buffer | null;
  /** The authority's certificates, PEM. */
  readonly authority: Buffer | null;
}
/** Judges the time stamp over the manifest, given or beside it, and the token inside the bundle. */
export function judgeStamps(o: StampInput): { readonly timeStamp: Stamped | null; readonly findings: Finding[] } {
  const bytes = o.stamp ?? plainFile(join(o.dir, STAMP), LARGEST_BESIDE);
  const inner = innerToken(o);
  const file = o.stamp ? "the time stamp given" : `${o.label}/${STAMP}`;
  const wrong = (message: string): Finding => auditCodes.finding("BUNDLE_TIMESTAMP", { message, path: file, hint: "openssl ts -reply -in FILE -text shows what it says" });
  if (!bytes) return { timeStamp: inner.timeStamp, findings: [...inner.findings, ...(isThere(o.dir, STAMP) ? [wrong("this is no plain file, or too large for a time stamp")] : [])] };
  const t = readTimeStamp(bytes);
  if (!t) return { timeStamp: null, findings: [...inner.findings, wrong("this is no RFC 3161 time stamp with a SHA-2 digest, or the authority refused it")] };
  if (!isOver(t, Buffer.from(o.text))) return { timeStamp: null, findings: [...inner.findings, wrong("the time stamp is over something else than this bundle's manifest")] };
  const judged = vouched(o, bytes, t, file);
  const findings = [...inner.findings, ...judged.findings];
  const [made, seen] = [Date.parse(o.manifest.createdAt), Date.parse(t.at)];
  if (seen + SKEW < made) findings.push(wrong(`the bundle says that it is of ${o.manifest.createdAt}, and the time stamp over it is of ${t.at}, before that`));
  else if (seen > made + LATE) findings.push(auditCodes.finding("BUNDLE_TIMESTAMP_LATE", { message: `the bundle says that it is of ${o.manifest.createdAt}; the authority first saw it on ${t.at}: only that is shown`, path: file, hint: "have a bundle stamped on the day that it is made" }));
  return { timeStamp: { file, over: "manifest.json", at: t.at, authority: judged.authority }, findings };
}
function vouched({ authority: certificates, env }: StampInput, token: Buffer, stamp: TimeStamp, path: string): { readonly authority: Stamped["authority"]; readonly findings: Finding[] } {
  const said = authorityOf({ token, stamp, certificates, env });
  if (said === "bad") return { authority: said, findings: [auditCodes.finding("BUNDLE_TIMESTAMP", { message: "none of the certificates given vouches for the time stamp's signature", path, hint: "openssl ts -reply -in FILE -text shows what it says" })] };
  if (said === "absent") return { authority: "not checked", findings: [auditCodes.finding("BUNDLE_TIMESTAMP_UNCHECKED", { message: "the authority's signature wasn't checked: there is no openssl here", path, hint: "install openssl" })] };
  return { authority: said, findings: [] };
}
/** The token that was given when the bundle was made: over its commits, or over the former bundle's manifest. */
function innerToken(o: StampInput): { readonly timeStamp: Stamped | null; readonly findings: Finding[] } {
  const { dir, label, manifest: m } = o;
  if (!m.timeStamp) return { timeStamp: null, findings: [] };
  const path = `${label}/${m.timeStamp.file}`;
  const bytes = plainFile(join(dir, m.timeStamp.file), LARGEST_BESIDE);
  const t = bytes && readTimeStamp(bytes);
  if (!t) return { timeStamp: null, findings: bytes ? [auditCodes.finding("BUNDLE_TIMESTAMP", { message: "this is no RFC 3161 time stamp with a SHA-2 digest", path })] : [] };
  const over = m.timeStamp.over;
  const content = over === "the former bundle's manifest.json" ? null : plainFile(join(dir, over), LARGEST);
  const holds = content ? isOver(t, content) : t.algorithm === "sha256" && t.digest.toString("hex") === m.previous?.manifestSha256;
  const findings = holds ? [] : [auditCodes.finding("BUNDLE_TIMESTAMP", { message: `the time stamp is not over ${over}`, path })];
  // A commit can't be of a time after an authority saw it.
  const later = holds && over === COMMITS && content ? content.toString("utf8").split("\n").find((l) => Number(l.split(" ")[1]) * 1000 > Date.parse(t.at) + SKEW) : undefined;
  if (later !== undefined) findings.push(auditCodes.finding("BUNDLE_TIMESTAMP", { message: `commit ${later.slice(0, 12)} is dated after the time stamp over it (${t.at})`, path }));
  if (Date.parse(t.at) > Date.parse(m.createdAt) + SKEW) findings.push(auditCodes.finding("BUNDLE_TIMESTAMP", { message: `the bundle says that it is of ${m.createdAt}, and the time stamp in it is of ${t.at}, after that`, path }));
  const judged = holds ? vouched(o, bytes, t, path) : null;
  findings.push(...(judged?.findings ?? []));
  return { timeStamp: { file: path, over, at: t.at, authority: judged?.authority ?? "not checked" }, findings };
}
