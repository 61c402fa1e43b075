import type { Props } from "../../lib/pulumi-value.ts";
import type { Alias } from "../index.ts";
import type { Timeouts } from "../state/deployment.ts";
import type { ProviderRequest } from "./registry.ts";
import { isProviderType, packageOf, parseRef, parseUrn } from "../urn.ts";

/** What a registration asks for. */
export interface Goal {
  readonly type: string; readonly name: string; readonly custom: boolean; readonly inputs: Props;
  parent?: string | undefined; provider?: string | undefined; providers: Record<string, string>; readonly request: Omit<ProviderRequest, "pkg">;
  readonly dependencies: string[]; readonly propertyDependencies: Record<string, string[]>;
  protect?: boolean | undefined; retainOnDelete?: boolean | undefined; deletedWith?: string | undefined; readonly replaceWith: string[];
  readonly deleteBeforeReplace?: boolean | undefined; readonly ignoreChanges: string[]; readonly replaceOnChanges: string[]; readonly aliases: readonly Alias[];
  readonly importId?: string | undefined; readonly additionalSecretOutputs: string[]; readonly customTimeouts?: Timeouts | undefined;
}
export const emptyGoal = { dependencies: [], propertyDependencies: {}, ignoreChanges: [], replaceOnChanges: [], aliases: [], additionalSecretOutputs: [], providers: {}, replaceWith: [], request: {} };

/** What a child takes from its parent where it says nothing itself; null where it needs the default provider of its package. */
export function inherit(given: Goal, parent: Goal | undefined): Goal {
  const goal = { ...given, providers: { ...given.providers } };
  const handles = (ref: string): boolean => packageOf(parseUrn(parseRef(ref).urn).type) === packageOf(goal.type);
  if (parent) {
    goal.protect ??= parent.protect;
    goal.retainOnDelete ??= parent.retainOnDelete;
    goal.deletedWith ??= parent.deletedWith;
    if (goal.custom && !isProviderType(goal.type) && parent.provider !== undefined && handles(parent.provider)) goal.provider ??= parent.provider;
    // A component hands its map of providers on to the components and resources below it.
    if (!parent.custom && !goal.custom) goal.providers = { ...parent.providers, ...goal.providers };
  }
  if (!goal.custom) goal.provider = undefined; // a component has providers for what is below it, and none itself
  if (goal.custom && !isProviderType(goal.type)) goal.provider ??= goal.providers[packageOf(goal.type)] ?? (parent && !parent.custom ? parent.providers[packageOf(goal.type)] : undefined);
  return goal;
}
