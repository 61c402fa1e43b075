import { BUCKETS, ofBucket } from "./kit/buckets.ts";
import { each } from "./kit/unknown.ts";
import { definePolicy } from "./policy.ts";

const BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const BLOCKS = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];
const all = Object.fromEntries(BLOCKS.map((b) => [b, true]));
const bucket = { type: BUCKETS[0] as string, name: "b", props: { bucket: "acme-b" } };
const ANYWHERE = ["0.0.0.0/0", "::/0"];

export const nothingPublic = definePolicy({
  id: "nothing-public",
  title: "Nothing is public",
  severity: "critical",
  level: "mandatory",
  remediation: "Block public access on every bucket, and name who may connect.",
  chapter: "Access Control",
  resource: (r, report) => {
    if (r.type === BLOCK) {
      const open = BLOCKS.filter((b) => r.props[b] !== true);
      if (open.length) report(`public access isn't blocked: ${open.join(", ")}`);
    }
    if (BUCKETS.includes(r.type) || r.type.startsWith("aws:s3/bucketAcl")) {
      const acl = r.props["acl"];
      if (typeof acl === "string" && /^(public-|authenticated-read)/.test(acl)) report("the bucket's access list lets others in");
    }
    if (r.props["publiclyAccessible"] === true) report("the resource has a public address (publiclyAccessible)");
    if (r.type === "aws:lambda/functionUrl:FunctionUrl" && r.props["authorizationType"] === "NONE") report("the function answers everybody");
    if (r.type === "aws:ec2/securityGroup:SecurityGroup") for (const rule of (r.props["ingress"] ?? []) as { cidrBlocks?: string[]; ipv6CidrBlocks?: string[] }[]) if ([...(rule.cidrBlocks ?? []), ...(rule.ipv6CidrBlocks ?? [])].some((c) => ANYWHERE.includes(c))) report("the security group lets the whole internet in");
    if (/^aws:(vpc|ec2)\/securityGroup(Ingress)?Rule:/.test(r.type) && r.props["type"] !== "egress") {
      const from = [r.props["cidrIpv4"], r.props["cidrIpv6"], ...((r.props["cidrBlocks"] ?? []) as unknown[])];
      if (from.some((c) => ANYWHERE.includes(c as string))) report("the security group's rule lets the whole internet in");
    }
  },
  stack: (s, report) => {
    each(s.resources.filter((r) => BUCKETS.includes(r.type)), (b) => {
      if (ofBucket(s.resources, "BucketPublicAccessBlock", b).length === 0) report("the bucket has no public access block", b.urn);
    });
  },
  passes: [
    { says: "accepts a block of all four ways", resource: { type: BLOCK, props: { bucket: "acme-b", ...all } } },
    { says: "accepts a bucket with a block", stack: [bucket, { type: BLOCK, name: "b", props: { bucket: "acme-b", ...all } }] },
    { says: "accepts an inner network", resource: { type: "aws:ec2/securityGroup:SecurityGroup", props: { ingress: [{ cidrBlocks: ["10.0.0.0/8"] }] } } },
  ],
  breaks: [
    { says: "rejects a block with a hole", resource: { type: BLOCK, props: { bucket: "acme-b", ...all, restrictPublicBuckets: false } } },
    { says: "rejects a bucket without a block", stack: [bucket] },
    { says: "rejects a public access list", resource: { type: BUCKETS[0] as string, props: { acl: "public-read" } } },
    { says: "rejects a database with a public address", resource: { type: "aws:rds/instance:Instance", props: { publiclyAccessible: true } } },
    { says: "rejects a function that answers everybody", resource: { type: "aws:lambda/functionUrl:FunctionUrl", props: { authorizationType: "NONE" } } },
    { says: "rejects a security group open to the internet", resource: { type: "aws:ec2/securityGroup:SecurityGroup", props: { ingress: [{ cidrBlocks: ["0.0.0.0/0"] }] } } },
    { says: "rejects a security group open over IPv6", resource: { type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", props: { cidrIpv6: "::/0" } } },
  ],
});
