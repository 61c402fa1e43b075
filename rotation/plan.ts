import type { SecretClass } from "../schemas/access.ts";
import { mayGoUnattended, strategyName, type RotationSpec } from "../schemas/rotation.ts";
import type { RotationReason } from "../schemas/rotation-record.ts";
import type { Declared } from "../stacks/read.ts";
import { endpointPaths, endpointSecret } from "./endpoint.ts";
import { pageOf } from "./strategies/guided.ts";

export interface PlanStep {
  readonly step: string;
  /** Who acts: the tool, a person at the provider, the provider's clock. */
  readonly who: "stackseal" | "person" | "wait";
  readonly says: string;
}
export interface Planned {
  readonly order: number;
  readonly path: string;
  readonly kind: string;
  readonly class: SecretClass;
  readonly strategy: string;
  readonly danger: number;
  readonly overlap: string;
  readonly graceSeconds: number;
  /** What is interrupted; null where nothing is. */
  readonly interrupts: string | null;
  readonly unattended: boolean;
  readonly owner: string;
  readonly steps: readonly PlanStep[];
}
interface Target {
  readonly path: string;
  readonly kind: string;
  readonly class: SecretClass;
  readonly rotation: RotationSpec;
}
/** Everything that can be rotated in an environment: sealed credentials, and Stripe's endpoints for their signing secrets. */
export const targets = (d: Declared): Target[] => [
  ...d.credentials, ...endpointPaths(d).map(endpointSecret),
].map((c) => ({ path: c.path, kind: c.kind, class: c.spec.class, rotation: c.rotation }));

/**
 * In which order: the most dangerous first, since whoever has it can do the most; but what mints or pays for others isn't ended before those who hold
 * a copy are told, which a strategy's own steps say; and an endpoint's signing secret comes after the API key that it is replaced with.
 */
export function inOrder<T extends { readonly path: string; readonly rotation: RotationSpec }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => b.rotation.danger - a.rotation.danger || (a.path < b.path ? -1 : 1));
}
const settingsIn = (d: Declared, path: string): Readonly<Record<string, unknown>> =>
  ({ ...d.environment.integrations, ...(d.payments && { stripe: d.payments.stripe }) } as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>)[path.split(".")[0] ?? ""] ?? {};

/** The steps of a rotation, in words: what the tool does, what a person must, what is waited for. */
export function plan(d: Declared, t: Target, order: number, reason: RotationReason): Planned {
  const r = t.rotation;
  const cut = "hardCut" in r && r.hardCut;
  const grace = cut || !("graceSeconds" in r) ? 0 : reason === "compromise" ? Math.min(60, r.graceSeconds) : r.graceSeconds;
  const own = (step: string, says: string): PlanStep => ({ step, who: "stackseal", says });
  const person = (step: string, says: string): PlanStep => ({ step, who: "person", says });
  const settings = settingsIn(d, t.path);
  const declared = d.environment.integrations as Readonly<Record<string, unknown>>;
  const holders = r.kind === "api" ? (r.holders ?? []).filter((h) => declared[h.integration] !== undefined) : [];
  const get: PlanStep[] =
    r.kind === "guided" ? [...(r.page !== undefined ? [person("receive", `open ${pageOf(r.page, settings)}`)] : []), ...r.steps.map((s) => person("receive", s)), own("receive", "takes the new value without echo; it must be another one, of the right form, mode and account")]
      : r.kind === "own" ? [own("mint", "mints a new value")]
        : r.kind === "replace" ? [own("mint", "makes a second endpoint that is quiet until its signing secret is delivered")]
          : r.kind === "iam" ? [own("mint", "makes the mail user's second access key and derives its SMTP password")]
            : [own("mint", cut ? "asks the provider for a new one, WHICH ENDS THE OLD ONE IN THE SAME CALL" : r.mint.by === "us" ? "mints a new value, seals it, and gives it to the provider" : "asks the provider for a new one")];
  return {
    order, path: t.path, kind: t.kind, class: t.class, strategy: strategyName(r), danger: r.danger, overlap: r.overlap, graceSeconds: grace,
    interrupts: cut ? "whoever loaded the old one before the cut is refused until it loads the new one" : null,
    unattended: t.class === "standard" && mayGoUnattended(r) && d.environment.rotation?.unattended?.includes(t.kind) === true,
    owner: t.class === "payments" ? "super-admin" : "admin",
    steps: [
      own("propose", "opens a record; a second rotation of it is refused meanwhile"), ...get,
      ...(r.kind === "replace" ? [] : [own("seal", "seals the new one beside the current one")]),
      own("deliver", "delivers both: the new one as pending, the current one stays in force"),
      own("test", r.kind === "own" ? "holds the store to it" : "asks the provider: the new one must be accepted"),
      own("promote", "puts the new one in force, in the store and in git"),
      ...(grace > 0 ? [{ step: "grace", who: "wait" as const, says: `${duration(grace)} in which both are valid` }] : []),
      ...holders.map((h) => person("tell", `${h.says} (before the old one ends)`)),
      ...(r.kind === "guided" ? [person("revoke", r.revoke)] : r.kind === "replace" ? [own("event", "waits for an event that was taken over both endpoints"), own("revoke", "deletes the old endpoint")] : cut ? [] : [own("revoke", "ends the old one")]),
      own("bury", "asks the provider: the old one must be refused, else the rotation stays open"),
      own("sweep", "asks every integration of the environment"),
      own("close", "signs the record"),
    ],
  };
}
/** `1 h`, `90 s`, `7 d`. */
export const duration = (seconds: number): string => (seconds % 86_400 === 0 && seconds > 0 ? `${seconds / 86_400} d` : seconds % 3600 === 0 && seconds > 0 ? `${seconds / 3600} h` : seconds % 60 === 0 && seconds > 0 ? `${seconds / 60} min` : `${seconds} s`);
/** Seconds of `30s`, `15m`, `24h`, `7d`; null where the text is none. */
export function seconds(text: string): number | null {
  const m = /^(\d{1,6})\s?(s|m|min|h|d)?$/.exec(text.trim());
  return m ? Number(m[1]) * { s: 1, m: 60, min: 60, h: 3600, d: 86_400 }[(m[2] ?? "s") as "s"] : null;
}
