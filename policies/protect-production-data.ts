import { definePolicy, SECRET, tierOf } from "./policy.ts";

const DATA = new Set([SECRET, "aws:kms/key:Key", "aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2", "aws:backup/vault:Vault", "aws:cloudtrail/trail:Trail", "aws:dynamodb/table:Table", "aws:rds/instance:Instance", "aws:rds/cluster:Cluster", "aws:efs/fileSystem:FileSystem", "vault:index/mount:Mount"]);

export const protectProductionData = definePolicy({
  id: "protect-production-data",
  title: "What holds data in production is protected from deletion",
  severity: "high",
  level: "mandatory",
  remediation: "Give the resource the option protect: true; deleting it then takes two steps.",
  chapter: "Production",
  resource: (r, report) => {
    if (!DATA.has(r.type) || tierOf(r) !== "production") return;
    if (!r.protect) report("this resource holds data of production and isn't protected (protect: true)");
    if (r.props["forceDestroy"] === true) report("this resource is emptied when it is deleted (forceDestroy)");
  },
  passes: [
    { says: "accepts a protected secret", resource: { type: SECRET, stack: "prod", props: {}, protect: true } },
    { says: "accepts an unprotected secret in development", resource: { type: SECRET, stack: "dev", props: {} } },
  ],
  breaks: [
    { says: "rejects an unprotected secret in production", resource: { type: SECRET, stack: "prod", props: {} } },
    { says: "rejects an unprotected key in production", resource: { type: "aws:kms/key:Key", stack: "prod-foundation", props: {} } },
    { says: "rejects an unprotected bucket in production", resource: { type: "aws:s3/bucket:Bucket", stack: "prod-foundation", props: {} } },
    { says: "rejects a bucket that is emptied when it is deleted", resource: { type: "aws:s3/bucket:Bucket", stack: "prod-foundation", props: { forceDestroy: true }, protect: true } },
  ],
});
