import { integrations } from "../../schemas/integrations/index.ts";
import type { Project } from "../../stacks/read.ts";
import { PLACEHOLDER } from "./plan.ts";

export interface Missing {
  readonly integration: string;
  readonly title: string;
  /** Environments, local not among them, that don't declare it, or whose value is missing. */
  readonly environments: readonly string[];
  readonly find: readonly { readonly what: string; readonly where: string; readonly url: string }[];
}
/** What isn't declared or sealed yet, integration by integration, and where a person finds it at the provider. */
export function missingOf(project: Project): Missing[] {
  const real = project.environments.filter((e) => e.name !== "local");
  return integrations.flatMap((i): Missing[] => {
    const environments = real.filter((e) => {
      const declared = i.file === "payments" ? e.payments !== null : (e.environment.integrations as Record<string, unknown>)[i.id] !== undefined;
      return !declared || e.expected.some((x) => x.integration === i.id && !x.optional && !e.credentials.some((c) => c.path === x.path));
    }).map((e) => e.name);
    return environments.length ? [{ integration: i.id, title: i.title, environments, find: i.find }] : [];
  });
}
/** Placeholders that stand where nobody named the real thing. */
export function placeholdersOf(project: Project): string[] {
  return project.environments.filter((e) => e.name !== "local").flatMap((e) => [
    ...(e.environment.platform.url.endsWith(".example") ? [`stacks/${e.name}/environment.yaml: platform.url and alerts are placeholders`] : []),
    ...(e.environment.store.kind === "aws" && e.environment.store.accountId.startsWith(PLACEHOLDER) ? [`stacks/${e.name}/environment.yaml: store.accountId is a placeholder (AWS console, top right; one account an environment)`] : []),
  ]);
}
/** The first value that is declared and not sealed yet, and its environment; null where there is none. */
export function firstUnsealed(project: Project): { readonly environment: string; readonly path: string } | null {
  for (const e of project.environments) {
    const found = e.name === "local" ? undefined : e.expected.find((x) => !x.optional && !e.credentials.some((c) => c.path === x.path));
    if (found) return { environment: e.name, path: found.path };
  }
  return null;
}
