import * as aws from "@pulumi/aws/provider.js";
import type { Declared } from "../read.ts";

/** The tags that deliveries write beside the foundation's own: no drift of the program's. */
const DELIVERED = { keys: ["due-at", "mode"], keyPrefixes: ["stackseal:"] };

/** The AWS provider of an environment: its region, its account and no other; onto an emulator where the declaration names one on loopback. */
export function awsProvider(d: Declared): aws.Provider | null {
  const s = d.environment.store;
  if (s.kind !== "aws") return null;
  const { endpoint: e } = s;
  return new aws.Provider("aws", {
    region: s.region as NonNullable<aws.ProviderArgs["region"]>, allowedAccountIds: [s.accountId], ignoreTags: DELIVERED,
    ...(e !== undefined && { endpoints: [{ secretsmanager: e, kms: e, iam: e, sts: e, s3: e, sns: e, eventbridge: e, cloudtrail: e, scheduler: e, ssm: e }], s3UsePathStyle: true, skipMetadataApiCheck: true }),
  });
}
