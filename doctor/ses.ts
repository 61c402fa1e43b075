import { createHash, createHmac } from "node:crypto";
import type { Http } from "../lib/http.ts";
import type { Tier } from "../schemas/access.ts";
import { read, unreachable } from "./answer.ts";
import { answered, kept, type Asked } from "./call.ts";
import { step, type StepResult } from "./step.ts";

/** The AWS credentials of this process: not the mail user's, whose password can't ask anything. */
export interface AwsIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}
export interface AwsAccess {
  readonly identity: AwsIdentity;
  /** An emulator's address on this machine in place of AWS's own. */
  readonly endpoint?: string;
}
export interface SesSubject {
  readonly http: Http;
  readonly signal: AbortSignal;
  readonly tier: Tier;
  readonly region: string;
  /** The mail user's access key. */
  readonly username: string;
  readonly from: string | null;
  readonly aws: AwsAccess;
}
/** The region in a host such as email-smtp.eu-west-1.amazonaws.com; null in any other. */
export const sesRegion = (host: string): string | null => /^email-smtp(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com$/.exec(host)?.[1] ?? null;

const PAGE = (region: string): string => `https://${region}.console.aws.amazon.com/ses`;
const CHANGED = "the provider may have changed its API: look at its changelog";
const ACCOUNT = ["SendingEnabled", "ProductionAccessEnabled", "EnforcementStatus", "SendQuota.Max24HourSend", "SendQuota.SentLast24Hours", "SendQuota.MaxSendRate"];

/** What SES tells of the account in the region: standing, sandbox, quota, and whether it may send as the from address. Reads alone. */
export async function examineSes(s: SesSubject): Promise<StepResult[]> {
  const ours = await sameAccount(s);
  if (ours === false) return [step("limits", "skipped", "LIMITS_NOT_TOLD", "the AWS credentials of this process belong to another account than the mail user: its quota isn't asked")];
  const [got, from] = await Promise.all([ask(s, "GET", `${origin(s, "email")}/v2/email/account`, ACCOUNT), s.from === null ? [] : sender(s, s.from)]);
  if (!answered(got) || got.status !== 200 || !got.json) return [unasked(got, s)];
  const f = (name: string): unknown => got.fields.get(name);
  const [sending, production, standing] = ACCOUNT.map(f);
  const say = (verdict: StepResult["verdict"], code: StepResult["code"], message: string, next: string): StepResult => step("account", verdict, code, message, next);
  const account = typeof sending !== "boolean" || typeof production !== "boolean" ? [say("inconclusive", "FACT_NOT_TOLD", "SES's answer doesn't tell the account's standing", CHANGED)] : [
    ...(!sending || standing === "SHUTDOWN" ? [say("invalid", "ACCOUNT_SUSPENDED", `SES sends nothing for this account in ${s.region}`, `open ${PAGE(s.region)}: the account dashboard says why`)] : []),
    ...(sending && standing === "PROBATION" ? [say("inconclusive", "ACCOUNT_SUSPENDED", `SES has this account under review in ${s.region}; it still sends`, `open ${PAGE(s.region)}: look at bounces and complaints before it is suspended`)] : []),
    ...(!production && s.tier === "production" ? [say("invalid", "ENVIRONMENT_WRONG", `the account is in SES's sandbox in ${s.region}: verified recipients alone get mail`, `ask for production access at ${PAGE(s.region)}`)] : []),
  ];
  const whose = ours === null ? " (of the account that this process's AWS credentials are of; that the mail user is of the same one couldn't be seen)" : "";
  return [...account, ...from, quota(f, `${production === false ? ", in SES's sandbox" : ""}${whose}`)];
}
function quota(f: (name: string) => unknown, more: string): StepResult {
  const [max, sent, rate] = ACCOUNT.slice(3).map(f);
  if (typeof max !== "number" || typeof sent !== "number") return step("limits", "inconclusive", "FACT_NOT_TOLD", "SES's answer doesn't tell the quota", CHANGED);
  const pace = `${typeof rate === "number" ? `, ${rate} a second` : ""}${more}`;
  if (max < 0) return step("limits", "valid", "LIMITS_FINE", `${Math.round(sent)} mails sent in 24 hours, without a limit${pace}`);
  const left = Math.max(0, Math.floor(max - sent));
  const said = `${left} of ${Math.round(max)} mails left in 24 hours${pace}`;
  const raise = "find out who sends so much, or ask SES for a higher quota";
  return left === 0 ? step("limits", "invalid", "LIMIT_EXCEEDED", said, raise) : left < max * 0.1 ? step("limits", "valid", "LIMIT_NEAR", said, raise) : step("limits", "valid", "LIMITS_FINE", said);
}
/** An address is verified by its domain, or itself. What can't be read is no fault of the address. */
async function sender(s: SesSubject, from: string): Promise<StepResult[]> {
  const asked = await Promise.all([from.slice(from.lastIndexOf("@") + 1), from].map((identity) => ask(s, "GET", `${origin(s, "email")}/v2/email/identities/${encodeURIComponent(identity)}`, ["VerifiedForSendingStatus"])));
  const told = asked.map((a) => (!answered(a) ? null : a.status === 404 && a.json ? "absent" : a.status === 200 ? a.fields.get("VerifiedForSendingStatus") : null));
  if (told.includes(true)) return [step("permissions", "valid", "RESOURCE_FOUND", `SES may send as ${from}`)];
  if (told.every((t) => t === "absent")) return [step("permissions", "invalid", "RESOURCE_MISSING", `SES knows neither ${from} nor its domain in ${s.region}`, `verify the domain at ${PAGE(s.region)}`)];
  return told.every((t) => t === "absent" || t === false) ? [step("permissions", "invalid", "PERMISSION_MISSING", `${from} isn't verified for sending at SES in ${s.region}`, `publish the DNS records that ${PAGE(s.region)} names`)] : [];
}
/** Whether the mail user's key is of the same account as this process's credentials; null where that can't be told. */
async function sameAccount(s: SesSubject): Promise<boolean | null> {
  const account = async (query: string): Promise<string | null> => {
    const got = await send(s, "POST", `${origin(s, "sts")}/`, `Version=2011-06-15&${query}`);
    return got.ok && got.status === 200 ? (/<Account>(\d{12})<\/Account>/.exec(got.text)?.[1] ?? null) : null;
  };
  const [mine, theirs] = await Promise.all([account("Action=GetCallerIdentity"), account(`Action=GetAccessKeyInfo&AccessKeyId=${encodeURIComponent(s.username)}`)]);
  return mine !== null && theirs !== null ? mine === theirs : null;
}
const unasked = (got: Asked, s: SesSubject): StepResult => {
  if (answered(got) && got.json && [400, 401, 403].includes(got.status)) return step("limits", "skipped", "LIMITS_NOT_TOLD", `the AWS credentials of this process may not ask SES in ${s.region} (${got.status}): ses:GetAccount`);
  const r = answered(got) ? read(got, { readings: [], page: PAGE(s.region) }, "SES", "smtp.password") : unreachable(got);
  return step("limits", "inconclusive", r.verdict === "inconclusive" ? r.code : "ANSWER_UNREADABLE", `SES's quota: ${r.message}`, r.next);
};
const origin = (s: SesSubject, service: "email" | "sts"): string => s.aws.endpoint ?? `https://${service}.${s.region}.amazonaws.com`;

/** Node's digests in the form that the SDK's signer takes. */
class Sha256 {
  private readonly hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash("sha256") : createHmac("sha256", typeof secret === "string" ? secret : new Uint8Array(secret as ArrayBuffer));
  }
  update(data: string | Uint8Array): void {
    this.hash.update(data);
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }
  reset(): void {
    // Every use makes its own.
  }
}
/** One signed call by the shared client: proxy, time limit and retries are as everywhere. */
async function send(s: SesSubject, method: "GET" | "POST", url: string, body?: string): ReturnType<Http["send"]> {
  const signing = await import("@smithy/signature-v4");
  // CommonJS, whose names node doesn't see from outside.
  const { SignatureV4 } = "default" in signing ? (signing.default as typeof signing) : signing;
  const u = new URL(url);
  const service = u.pathname === "/" ? "sts" : "ses";
  const signer = new SignatureV4({ service, region: s.region, credentials: s.aws.identity, sha256: Sha256, applyChecksum: true });
  const headers = { host: u.host, accept: body === undefined ? "application/json" : "text/xml", ...(body !== undefined && { "content-type": "application/x-www-form-urlencoded" }) };
  const signed = await signer.sign({ method, protocol: u.protocol, hostname: u.hostname, ...(u.port !== "" && { port: Number(u.port) }), path: u.pathname, query: {}, headers, ...(body !== undefined && { body }) });
  return s.http.send({ method, url, headers: signed.headers, ...(body !== undefined && { body }), retry: true }, s.signal);
}
async function ask(s: SesSubject, method: "GET", url: string, keep: readonly string[]): Promise<Asked> {
  const got = await send(s, method, url);
  return got.ok ? kept(got, keep, s.aws.identity.secretAccessKey) : got;
}
