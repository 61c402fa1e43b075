import { FindingError } from "../../lib/finding.ts";
import { engineCodes } from "../codes.ts";
import { LEVELS, type Level } from "./policy.ts";

interface Schema { readonly properties?: Readonly<Record<string, { readonly type?: string; readonly default?: unknown; readonly enum?: readonly unknown[] }>>; readonly required?: readonly string[] }
type Validate = ((args: Record<string, unknown>, report: unknown) => unknown) & { readonly __pulumiType?: string };
interface Policy {
  readonly name: string;
  readonly enforcementLevel?: Level;
  readonly configSchema?: Schema;
  readonly validateResource?: Validate | readonly Validate[];
  readonly validateStack?: Validate;
  readonly remediateResource?: Validate;
}
export interface Configured { readonly level?: Level; readonly settings: Readonly<Record<string, unknown>> }

const bad = (policy: string, message: string): FindingError => new FindingError(engineCodes.finding("POLICY_SETTINGS", { message: `policy ${policy}: ${message}`, path: policy, hint: "mend the policies' configuration" }), 2);
const isLevel = (v: unknown): v is Level => (LEVELS as readonly unknown[]).includes(v);
const kindOf = (v: unknown): string => (Array.isArray(v) ? "array" : v === null ? "null" : typeof v);

/** A policy's level and settings from `--policy-pack-config`'s shape; `all` sets the level of each. Throws FindingError POLICY_SETTINGS. */
export function configOf(p: Pick<Policy, "name" | "configSchema">, config: Readonly<Record<string, unknown>>): Configured {
  const all = config["all"], own = config[p.name] ?? {};
  const given: Record<string, unknown> = typeof own === "string" ? { enforcementLevel: own } : { ...(own as Record<string, unknown>) };
  const level = given["enforcementLevel"] ?? (typeof all === "string" ? all : (all as { enforcementLevel?: unknown } | undefined)?.enforcementLevel);
  if (level !== undefined && !isLevel(level)) throw bad(p.name, `"${typeof level === "string" ? level : kindOf(level)}" is no enforcement level: ${LEVELS.join(", ")}`);
  const settings = Object.fromEntries(Object.entries(given).filter(([k]) => k !== "enforcementLevel"));
  for (const [k, s] of Object.entries(p.configSchema?.properties ?? {})) {
    if (settings[k] === undefined && s.default !== undefined) settings[k] = s.default;
    const v = settings[k];
    if (v === undefined) continue;
    const kind = kindOf(v), wanted = s.type === "integer" ? "number" : s.type;
    if (wanted !== undefined && kind !== wanted) throw bad(p.name, `${k} is of type ${kind}, not ${s.type ?? ""}`);
    if (s.enum && !s.enum.includes(v)) throw bad(p.name, `${k} is none of ${s.enum.map(String).join(", ")}`);
  }
  const missing = (p.configSchema?.required ?? []).filter((k) => settings[k] === undefined);
  if (missing.length) throw bad(p.name, `${missing.join(", ")} must be set`);
  return { ...(level !== undefined && { level }), settings };
}

/**
 * Policies in this process with their configuration. @pulumi/policy keeps that in a variable which only its own server sets, so each policy
 * is wrapped: its level is replaced, and `getConfig` answers its settings.
 */
export function configured(policies: readonly unknown[], config: Readonly<Record<string, unknown>>): readonly unknown[] {
  const list = policies as readonly Policy[], names = new Set(list.map((p) => p.name));
  const strange = Object.keys(config).find((k) => k !== "all" && !names.has(k));
  if (strange !== undefined) throw bad(strange, "there is no policy of this name");
  return list.map((p) => {
    const { level, settings } = configOf(p, config);
    const wrap = (f: Validate): Validate => Object.assign((args: Record<string, unknown>, report: unknown) => f({ ...args, getConfig: () => settings }, report), f.__pulumiType === undefined ? {} : { __pulumiType: f.__pulumiType });
    const both = (f: Validate | readonly Validate[]): Validate | Validate[] => (typeof f === "function" ? wrap(f) : f.map(wrap));
    return {
      ...p, ...(level && { enforcementLevel: level }), ...(p.validateResource && { validateResource: both(p.validateResource) }),
      ...(p.validateStack && { validateStack: wrap(p.validateStack) }), ...(p.remediateResource && { remediateResource: wrap(p.remediateResource) }),
    };
  });
}
