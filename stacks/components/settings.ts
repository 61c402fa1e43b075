import * as aws from "@pulumi/aws/ssm/index.js";
import * as pulumi from "@pulumi/pulumi";
import { parameterName } from "../../schemas/layout.ts";
import type { Declared } from "../read.ts";

/** One SSM parameter per plain setting, under `/stackseal/<env>/<integration>/`. */
export class Settings extends pulumi.ComponentResource {
  constructor(integration: string, d: Declared, variables: Readonly<Record<string, string>>, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:Settings", integration, {}, opts);
    for (const [variable, value] of Object.entries(variables))
      new aws.Parameter(`${integration}-${variable}`, { name: parameterName(d.name, integration, variable), type: "String", value, tags: { "managed-by": "stackseal", environment: d.name, tier: d.tier } }, { parent: this });
    this.registerOutputs({});
  }
}
