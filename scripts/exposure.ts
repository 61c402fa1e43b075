import { exposureFileFor, readExposures, renderExposure } from "../history/exposure-file.ts";
import { exposureOf, type ExposureAnswer, type ExposureQuestion, type InForce, type StoreOnly } from "../history/exposure.ts";
import { readProject, type Project } from "../stacks/read.ts";
import type { Exposure } from "../schemas/exposure.ts";
import type { Context } from "./command.ts";

// What a project declares, as the questions about exposures want it.

export const inForceOf = (project: Project): InForce[] => project.environments.filter((e) => e.tier !== "local").flatMap((e) => e.credentials.map((c) => ({ environment: e.name, tier: e.tier, path: c.path, class: c.spec.class, kind: c.kind, claims: c.claims })));
const storeOnlyOf = (project: Project): StoreOnly[] => project.environments.filter((e) => e.tier !== "local").flatMap((e) => Object.keys(e.payments?.stripe.webhooks ?? {}).map((name) => ({ environment: e.name, tier: e.tier, path: `stripe.webhooks.${name}.signingSecret`, class: "payments" as const, kind: "stripe.webhookSigningSecret" })));

/** Asks history what the holder of these keys could know. */
export function askExposure(context: Context, q: Pick<ExposureQuestion, "name" | "recipients" | "reason" | "by"> & { readonly only?: readonly string[] }): Promise<ExposureAnswer> {
  const project = readProject(context.root, { clock: context.clock });
  return exposureOf({
    ...q, only: q.only ?? [], root: context.root, env: context.env, now: context.clock.now(), inForce: inForceOf(project), storeOnly: storeOnlyOf(project), progress: context.progress,
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
