import * as aws from "@pulumi/aws/ssm/index.js";
import * as pulumi from "@pulumi/pulumi";
import { integrations } from "../../schemas/integrations/index.ts";
import { parameterName } from "../../schemas/layout.ts";
import type { Declared } from "../read.ts";

/** Plain settings as run-time variables: integration → variable → text. Absent settings are left out; null is the word null, as Laravel spells it. */
export function plainVariables(settings: Readonly<Record<string, unknown>>): Record<string, Record<string, string>> {
  const out: Record<string, Record<string, string>> = {};
  for (const i of integrations) {
    const own = settings[i.id];
    if (typeof own !== "object" || own === null) continue;
    const vars = Object.entries(i.env).flatMap(([variable, path]) => {
      const v = path.split(".").reduce<unknown>((x, k) => (typeof x === "object" && x !== null ? (x as Record<string, unknown>)[k] : undefined), own);
      return v === undefined ? [] : [[variable, v === null ? "null" : typeof v === "string" ? v : JSON.stringify(v)] as const];
    });
    if (vars.length) out[i.id] = Object.fromEntries(vars);
  }
  return out;
}

/** One SSM parameter per plain setting, under `/stackseal/<env>/<integration>/`. */
export class Settings extends pulumi.ComponentResource {
  constructor(integration: string, d: Declared, variables: Readonly<Record<string, string>>, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:Settings", integration, {}, opts);
    for (const [variable, value] of Object.entries(variables))
      new aws.Parameter(`${integration}-${variable}`, { name: parameterName(d.name, integration, variable), type: "String", value, tags: { "managed-by": "stackseal", environment: d.name, tier: d.tier } }, { parent: this });
    this.registerOutputs({});
  }
}
