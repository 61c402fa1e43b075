import { exposureFileFor, readExposures, renderExposure } from "../history/exposure-file.ts";
import { exposureOf, type ExposureAnswer, type ExposureQuestion, type InForce, type StoreOnly } from "../history/exposure.ts";
import { readRecord } from "../rotation/record.ts";
import { readClear } from "../seal/clear.ts";
import { heldFiles } from "../seal/sealed-files.ts";
import { readProject, type Declared, type Project } from "../stacks/read.ts";
import type { Exposure } from "../schemas/exposure.ts";
import type { Context } from "./command.ts";

// What a project declares, as the questions about exposures want it.

export const inForceOf = (root: string, project: Project): InForce[] => project.environments.filter((e) => e.tier !== "local").flatMap((e) => [...e.credentials.map((c) => ({ environment: e.name, tier: e.tier, path: c.path, class: c.spec.class, kind: c.kind, claims: c.claims })), ...heldOf(root, e)]);
/** What open rotations hold that isn't in force itself: the new value before it is, the old one until it is dead. */
function heldOf(root: string, e: Declared): InForce[] {
  const issues = new Set(e.credentials.map((c) => c.claims.issueId));
  return heldFiles(root, e.name, e.tier).flatMap((f) => {
    const rotation = f.rotation ?? "";
    const path = readRecord(root, e.name, rotation, null).kept?.record.path;
    return (readClear(root, f.file).sealed?.credentials ?? []).flatMap((c): InForce[] =>
      c.claims && !issues.has(c.claims.issueId) ? [{ environment: e.name, tier: e.tier, path: path ?? c.claims.kind, class: f.class, kind: c.claims.kind, claims: c.claims, held: { rotation, slot: c.path === "next" ? "next" : "previous" } }] : []);
  });
}
const storeOnlyOf = (project: Project): StoreOnly[] => project.environments.filter((e) => e.tier !== "local").flatMap((e) => Object.keys(e.payments?.stripe.webhooks ?? {}).map((name) => ({ environment: e.name, tier: e.tier, path: `stripe.webhooks.${name}.signingSecret`, class: "payments" as const, kind: "stripe.webhookSigningSecret" })));

/** Asks history what the holder of these keys could know. */
export function askExposure(context: Context, q: Pick<ExposureQuestion, "name" | "recipients" | "reason" | "by"> & { readonly only?: readonly string[] }): Promise<ExposureAnswer> {
  const project = readProject(context.root, { clock: context.clock });
  return exposureOf({
    ...q, only: q.only ?? [], root: context.root, env: context.env, now: context.clock.now(), inForce: inForceOf(context.root, project), storeOnly: storeOnlyOf(project), progress: context.progress,
    environments: project.environments.filter((e) => e.tier !== "local").map((e) => ({ name: e.name, tier: e.tier, integrations: [...Object.keys(e.environment.integrations), ...(e.payments ? ["stripe"] : [])] })),
  });
}
/** The file that keeps an exposure list, not yet written. */
export function exposureText(root: string, e: Exposure): { readonly file: string; readonly text: string } {
  const { file, exposure } = exposureFileFor(root, e);
  return { file, text: renderExposure(exposure) };
}
/** Fingerprints of values that somebody could know: such a value may never be set again. */
export const exposedPrints = (root: string): ReadonlyMap<string, string> =>
  new Map(readExposures(root).files.flatMap((f) => [...f.exposure.lines, ...f.exposure.past].flatMap((l) => (l.fingerprint !== undefined ? [[l.fingerprint, f.file] as const] : []))));
