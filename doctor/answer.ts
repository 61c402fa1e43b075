import type { HttpFailure } from "../lib/http.ts";
import type { HttpProbe, ProbeReading, Verdict } from "../schemas/probe.ts";
import type { DoctorCode } from "./codes.ts";
import { answered, type Asked, type Kept } from "./call.ts";

/** What an answer says of the credential. */
export interface Reading {
  readonly verdict: Verdict;
  readonly code: DoctorCode;
  readonly message: string;
  readonly next: string;
  readonly mode?: "test" | "live";
  readonly account?: boolean;
}
const NEXT: Readonly<Record<HttpFailure["code"], string>> = {
  DNS: "look at this machine's DNS, or at a mistyped domain in the declaration",
  REFUSED: "look at a firewall or proxy between here and the provider",
  RESET: "try again; then look at a firewall or proxy that cuts connections",
  TIMEOUT: "try again; then look at a firewall that drops packets, and at the provider's status page",
  TLS: "where a proxy inspects TLS, give its certificate by NODE_EXTRA_CA_CERTS or --ca",
  PROXY: "look at HTTPS_PROXY and what the proxy allows",
  CANCELLED: "run again with more time",
  TOO_LARGE: "this isn't the provider's answer: look at a proxy in between",
  NETWORK: "try again; then look at the network between here and the provider",
};
const CODE: Readonly<Record<HttpFailure["code"], DoctorCode>> = { DNS: "PROVIDER_DNS", REFUSED: "PROVIDER_REFUSED", RESET: "PROVIDER_RESET", TIMEOUT: "PROVIDER_TIMEOUT", TLS: "PROVIDER_TLS", PROXY: "PROXY_REFUSED", CANCELLED: "OUT_OF_TIME", TOO_LARGE: "ANSWER_UNREADABLE", NETWORK: "PROVIDER_NETWORK" };

const NOT_THEIRS = "this isn't the provider's answer: look at a proxy or a login page in between";
/** No answer is no verdict on the credential. */
export const unreachable = (f: HttpFailure): Reading => ({ verdict: "inconclusive", code: CODE[f.code], message: `${f.message}${f.tries > 1 ? `, asked ${f.tries} times` : ""}`, next: NEXT[f.code] });

/** Reads an answer by the provider's own rules first, then by what its status says anywhere. */
export function read(got: Asked, probe: Pick<HttpProbe, "readings" | "page">, title: string, path: string): Reading {
  if (!answered(got)) return unreachable(got);
  // A page tells nothing of the credential, whatever its status says.
  if ((got.page && got.status !== 407 && got.status !== 429 && got.status < 500) || got.status === 511) return { verdict: "inconclusive", code: "ANSWER_UNREADABLE", message: `${got.status} and a web page, which isn't ${title}'s answer`, next: NOT_THEIRS };
  const own = probe.readings.find((r) => fits(r, got));
  if (own) return { verdict: own.verdict, code: own.code as DoctorCode, message: own.message, next: own.next, ...(own.mode && { mode: own.mode }), ...(own.account && { account: true }) };
  const { status } = got;
  if (status >= 200 && status < 300)
    return got.json
      ? { verdict: "valid", code: "CREDENTIAL_ACCEPTED", message: `${title} accepts it`, next: "" }
      : { verdict: "inconclusive", code: "ANSWER_UNREADABLE", message: `the answer ${status} isn't ${title}'s JSON`, next: NOT_THEIRS };
  if (status === 401) return { verdict: "invalid", code: "CREDENTIAL_REFUSED", message: `${title} refuses it (401)`, next: `make a new one at ${probe.page}, then stackseal secret set ${path}` };
  if (status === 403) return { verdict: "inconclusive", code: "CREDENTIAL_UNCLEAR", message: `${title} answered with 403, which doesn't tell a dead credential from one without the right`, next: `look at ${probe.page}` };
  if (status === 407) return { verdict: "inconclusive", code: "PROXY_REFUSED", message: "the proxy wants a login (407)", next: NEXT.PROXY };
  if (status === 429) return { verdict: "inconclusive", code: "RATE_LIMITED", message: `${title} answers 429: too many requests${wait(got)}`, next: "wait and run again; find out who uses up the limit" };
  if (status >= 500) return { verdict: "inconclusive", code: "PROVIDER_FAILED", message: `${title} answers ${status}`, next: "look at the provider's status page and run again" };
  if (status >= 300 && status < 400) return { verdict: "inconclusive", code: "ANSWER_UNREADABLE", message: `${title} redirects (${status}); a credential isn't sent along`, next: NOT_THEIRS };
  return { verdict: "inconclusive", code: "ANSWER_UNKNOWN", message: `${title} answered with ${status}, which says nothing of the credential`, next: `compare the declaration with ${probe.page}` };
}
/** The fields that readings look at: they are kept of every answer. */
export const readingFields = (probe: Pick<HttpProbe, "readings">): string[] => [...new Set(probe.readings.flatMap((r) => (r.field === undefined ? [] : [r.field])))];
const fits = (r: ProbeReading, got: Kept): boolean => r.status === got.status && (r.field === undefined || got.fields.get(r.field) === r.is);
const wait = (got: Kept): string => (/^\d{1,6}$/.test(got.headers["retry-after"] ?? "") ? `, again in ${got.headers["retry-after"] ?? ""} s` : "");
