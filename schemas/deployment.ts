import { z } from "zod";
import { url } from "./fields.ts";

export const OIDC_ISSUER = "https://token.actions.githubusercontent.com";

/** Where an environment is deployed from, and what serves its credentials: what the cloud's roles trust. */
export const deploymentSchema = z.strictObject({
  repository: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]*\/[A-Za-z0-9._-]+$/, "OWNER/NAME at the code host").describe("Jobs of this repository alone may assume a deployer's role"),
  issuer: url.optional().describe("The code host's OIDC issuer; GitHub's where absent"),
  services: z.strictObject({
    app: z.enum(["ecs-tasks", "ec2", "lambda", "pods.eks"]).optional(),
    "payments-app": z.enum(["ecs-tasks", "ec2", "lambda", "pods.eks"]).optional(),
  }).optional().describe("What runs the platform; ecs-tasks where absent"),
  usual: z.strictObject({
    vpcEndpoints: z.array(z.string().regex(/^vpce-[0-9a-f]{8,17}$/, "vpce-…")).min(1),
    session: z.string().regex(/^[\w+=,.@-]{2,32}$/).optional().describe("What the app's session names begin with"),
  }).optional().describe("From where the app reads payment secrets: reads from there are quiet, all others are loud"),
});
export type Deployment = z.infer<typeof deploymentSchema>;
