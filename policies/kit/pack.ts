import type { Policies, PolicyResource, ResourceValidationArgs, StackValidationPolicy } from "@pulumi/policy";
import { environmentOfStack } from "../../schemas/layout.ts";
import { CONTROLS } from "../controls.ts";
import type { Known, PolicySpec, Resource, Stack } from "../policy.ts";
import type { PackConfig } from "./config.ts";
import type { ExceptionBook } from "./exceptions.ts";
import { isUnknown, sayUnknown } from "./unknown.ts";

export interface PackOptions {
  readonly rules: readonly PolicySpec[];
  readonly known: Known;
  readonly config: PackConfig;
  readonly book: ExceptionBook;
}

/** The rules that judge resources and stacks, as @pulumi/policy takes them: the same objects run in every engine. */
export function makePolicies(o: PackOptions): Policies {
  return o.rules.flatMap((rule): Policies => {
    const { resource, stack } = rule;
    const common = {
      description: rule.title, enforcementLevel: o.config.level(rule), severity: rule.severity, displayName: rule.title, remediationSteps: rule.remediation,
      tags: [rule.chapter, ...(CONTROLS[rule.id] ?? []).map((c) => `${c.framework} ${c.control}`)],
      ...(rule.config && { configSchema: { properties: rule.config } }),
    };
    return [
      ...(resource ? [{ name: rule.id, ...common, validateResource: (args: ResourceValidationArgs, report: (m: string, urn?: string) => void) => {
        const r = resourceOf(args, o.known);
        telling(() => { resource(r, (m) => { if (!o.book.excuses(rule.id, { urn: r.urn })) report(m); }, o.known, { ...o.config.settings(rule), ...args.getConfig<object>() }); });
      } }] : []),
      ...(stack ? [{ name: resource ? `${rule.id}-stack` : rule.id, ...common, validateStack: (args, report) => {
        const s = stackOf(args.resources, o.known);
        if (!s) return;
        telling(() => { stack(s, (m, urn) => { if (!o.book.excuses(rule.id, { urn: urn ?? rootOf(s) })) report(m, urn); }, o.known, { ...o.config.settings(rule), ...args.getConfig<object>() }); });
      } } satisfies StackValidationPolicy] : []),
    ];
  });
}
function telling(judge: () => void): void {
  try {
    judge();
  } catch (e) {
    throw isUnknown(e) ? sayUnknown(e) : e;
  }
}
/** The rule that a policy's name stands for: a rule that judges both resources and stacks has two policies. */
export const ruleOfPolicy = (policy: string): string => policy.replace(/-stack$/, "");

/** Without what was said before: a rule may see a resource as it goes in, and again in its stack. */
export function once<V extends { readonly policy: string; readonly urn: string; readonly message: string }>(violations: readonly V[]): V[] {
  return [...new Map(violations.map((v) => [JSON.stringify([v.policy, v.urn, v.message]), v])).values()];
}

type Args = Pick<ResourceValidationArgs, "type" | "name" | "urn" | "props" | "opts">;
/** Made once where several rules are shown the same properties: what is read out of them is kept with them. */
const made = new WeakMap<object, Resource>();
function resourceOf(a: Args, known: Known): Resource {
  const before = made.get(a.props);
  if (before) return before;
  const r = makeResource(a, known);
  made.set(a.props, r);
  return r;
}
function makeResource(a: Args, known: Known): Resource {
  const { environment, part } = environmentOfStack(a.urn.split("::")[0]?.slice("urn:pulumi:".length) ?? "");
  return { type: a.type, name: a.name, urn: a.urn, props: a.props, protect: a.opts.protect, environment, part, own: known.environments.find((e) => e.name === environment) };
}
const stacks = new WeakMap<object, Stack>();
function stackOf(all: readonly PolicyResource[], known: Known): Stack | null {
  const first = all[0], before = stacks.get(all);
  if (!first || before) return before ?? null;
  const resources = all.map((r) => ({ ...resourceOf(r, known), from: Object.fromEntries(Object.entries(r.propertyDependencies).map(([k, from]) => [k, from.map((x) => x.urn)])) }));
  const { environment, part, own } = resources[0] as Resource;
  const stack = { resources, environment, part, own };
  stacks.set(all, stack);
  return stack;
}
const rootOf = (s: Stack): string => s.resources.find((r) => r.type === "pulumi:pulumi:Stack")?.urn ?? "";
