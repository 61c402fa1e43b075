import { FindingError } from "../../lib/finding.ts";
import { nearest } from "../../lib/nearest.ts";
import { versionWith, type StoreSecret } from "../../providers/stores/contract.ts";
import { signingSecretName } from "../../schemas/layout.ts";
import type { Declared } from "../../stacks/read.ts";
import { rollbackCodes as c } from "./codes.ts";
import { targetOf, type GitVersion, type Target } from "./versions.ts";

/** The store's secret that a name on the command line means: `twilio`, `payments/stripe`, `stackseal/dev/twilio`. Throws FindingError. */
export function chooseTarget(d: Declared, said: string): Target {
  const all = [...new Map(d.expected.map((e) => targetOf(d.name, e)).map((t) => [t.name, t])).values()];
  const short = (t: Target): string => t.name.split("/").slice(2).join("/");
  const found = all.find((t) => t.name === said || short(t) === said) ?? all.find((t) => t.integration === said);
  if (found) return found;
  const minted = Object.keys(d.payments?.stripe.webhooks ?? {}).map((w) => signingSecretName(d.name, w)).find((n) => n === said || n.endsWith(`/${said}`));
  if (minted !== undefined) throw new FindingError(c.finding("ROLLBACK_MINTED", { message: `${minted} holds what Stripe minted: no commit gives it, and an old one belongs to an endpoint that is gone`, path: minted, hint: `stackseal rotate plan --env ${d.name} shows how it is replaced` }), 2);
  const near = nearest(said, all.map(short));
  throw new FindingError(c.finding("ROLLBACK_SECRET_UNKNOWN", { message: `${d.name} has no secret ${said}`, path: said, hint: near === null ? `one of: ${all.map(short).join(", ")}` : `did you mean ${near}?` }), 2);
}

export interface Choice {
  readonly id: string;
  /** Whether the label stands there already: only git's half is left. */
  readonly halfDone: boolean;
}
/**
 * The version to go back to. Named by `to` (the beginning of its id); otherwise the one before what is in force. Where the store has something in force that
 * git's HEAD doesn't give, and gave earlier, somebody was interrupted: it is finished, not undone. Throws FindingError.
 */
export function chooseVersion(t: Target, store: StoreSecret, head: GitVersion | null, history: readonly GitVersion[], to: string | undefined): Choice {
  const current = versionWith(store, "current");
  const known = [...new Set([...store.versions.map((v) => v.id), ...history.map((v) => v.id)])];
  if (to !== undefined) {
    const hits = known.filter((id) => id.startsWith(to));
    const [id] = hits;
    if (to.length < 6 || id === undefined || hits.length > 1) throw none(t, store, to.length < 6 ? "--to wants at least the first six letters of a version" : hits.length > 1 ? `more than one version begins with ${to}` : `neither the store nor git's history has a version ${to}`);
    return { id, halfDone: id === current?.id };
  }
  if (head && current && current.id !== head.id) {
    // Git's version was in force and isn't any more: the label was moved back. Where the store never had it, it waits for an up.
    if (history.some((v) => v.id === current.id) && store.versions.some((v) => v.id === head.id)) return { id: current.id, halfDone: true };
    throw none(t, store, `the store has ${current.id.slice(0, 12)} in force and git gives ${head.id.slice(0, 12)}: say which one is meant`);
  }
  const previous = versionWith(store, "previous");
  if (!previous) throw none(t, store, "nothing was in force before");
  return { id: previous.id, halfDone: false };
}
const none = (t: Target, store: StoreSecret, message: string): FindingError => {
  const versions = store.versions.filter((v) => v.id.length === 64).map((v) => `${v.id.slice(0, 12)}${v.label === null ? "" : ` (${v.label})`} of ${v.createdAt.slice(0, 10)}`);
  return new FindingError(c.finding("ROLLBACK_NO_VERSION", { message, path: t.name, hint: versions.length ? `--to one of: ${versions.join(", ")}` : `stackseal up --env ${t.environment}` }), 2);
};
