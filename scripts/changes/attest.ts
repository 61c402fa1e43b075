import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { daysBetween, parseDate } from "../../lib/clock.ts";
import { activeOn, members, type Member, type People } from "../../schemas/people.ts";
import { signText, verifyText } from "../../seal/signature.ts";
import type { Signer } from "../../seal/seed.ts";

// Attestations stand beside the plan: `plan.json` has `plan.json.<name>.approval.json` and `plan.json.<env>.staged.json`. What is signed is one
// line of text; `ssh-keygen -Y verify -n stackseal-approval` (or stackseal-staged) checks it too.

export interface Approval {
  readonly version: 1;
  readonly approval: string;
  readonly by: string;
  readonly at: string;
  /** What was checked out when it was signed; not part of what is signed. */
  readonly commit?: string;
  readonly signature: string;
}
export interface Staged {
  readonly version: 1;
  /** The plan's digest: of what was deployed, and of the production that goes with it. */
  readonly digest: string;
  readonly environment: string;
  readonly checks: { readonly valid: number; readonly inconclusive: number };
  readonly by: string;
  readonly at: string;
  readonly signature: string;
}
const approvalText = (a: Omit<Approval, "signature" | "commit">): string => `${JSON.stringify(["stackseal-approval-1", a.approval, a.by, a.at])}\n`;
const stagedText = (s: Omit<Staged, "signature">): string => `${JSON.stringify(["stackseal-staged-1", s.digest, s.environment, s.checks.valid, s.checks.inconclusive, s.by, s.at])}\n`;

export function signApproval(approval: string, signer: Signer, at: string, commit: string | null): Approval {
  const a = { version: 1 as const, approval, by: signer.name, at };
  return { ...a, ...(commit !== null && { commit }), signature: signText(signer.key, approvalText(a), "stackseal-approval") };
}
export function signStaged(s: Pick<Staged, "digest" | "environment" | "checks">, signer: Signer, at: string): Staged {
  const whole = { version: 1 as const, ...s, by: signer.name, at };
  return { ...whole, signature: signText(signer.key, stagedText(whole), "stackseal-staged") };
}
/** What people found right is right for a while: then they look again. */
const HOLDS_DAYS = 14;
/** Who signed, as people.yaml knows them and active on that day; a text says why the signature doesn't count. The caller says which kind it took the file for: a file that carries the fields of both never passes with the other's signature. */
export function signedBy(kind: "approval" | "staged", a: Approval | Staged, people: People, on: string): Member | string {
  const m = members(people).find((x) => x.name === a.by);
  if (!m) return `"${a.by}" is nobody in people.yaml at the base`;
  if (!activeOn(m, on)) return `${m.name} isn't active`;
  const age = daysBetween(parseDate(a.at) ?? new Date(0), parseDate(on) ?? new Date());
  if (age > HOLDS_DAYS || age < -1) return `${m.name} signed on ${a.at}: it holds for ${HOLDS_DAYS} days`;
  const [text, namespace] = kind === "approval" ? [approvalText(a as Approval), "stackseal-approval"] : [stagedText(a as Staged), "stackseal-staged"];
  return verifyText(a.signature, text, m.entry.signing, namespace) === null ? `the signature is not ${m.name}'s` : m;
}

export const approvalFile = (plan: string, by: string): string => `${plan}.${by}.approval.json`;
export const stagedFile = (plan: string, environment: string): string => `${plan}.${environment}.staged.json`;
/** The attestations of a kind beside a plan; files that are none are left out. */
export function attestations<T extends Approval | Staged>(plan: string, kind: "approval" | "staged"): T[] {
  const dir = dirname(plan);
  return readdirSync(dir).filter((n) => n.startsWith(`${basename(plan)}.`) && n.endsWith(`.${kind}.json`)).sort().flatMap((n) => {
    try {
      const a = JSON.parse(readFileSync(join(dir, n), "utf8")) as T;
      return (a.version as number) === 1 && typeof a.by === "string" && typeof a.signature === "string" && (kind === "approval" ? "approval" in a : "digest" in a && "checks" in a) ? [a] : [];
    } catch {
      return [];
    }
  });
}
