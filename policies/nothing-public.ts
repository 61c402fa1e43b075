import { BUCKETS, ofBucket } from "./kit/buckets.ts";
import { each } from "./kit/unknown.ts";
import { definePolicy } from "./policy.ts";

const BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const BLOCKS = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];
const all = Object.fromEntries(BLOCKS.map((b) => [b, true]));
const bucket = { type: BUCKETS[0] as string, name: "b", props: { bucket: "acme-b" } };
/** A network of half the internet or more is everybody's: two halves are one whole. */
const anywhere = (cidr: unknown): boolean => typeof cidr === "string" && Number(/\/(\d+)$/.exec(cidr)?.[1] ?? 32) < 8;
const GROUPS = /^aws:(?:ec2|vpc)\/(?:default)?[sS]ecurityGroup:/;
/** S3's own names of everybody and of everybody with an account. */
const EVERYBODY = /\/groups\/global\/(?:AllUsers|AuthenticatedUsers)$/;
interface Networks { cidrBlocks?: unknown[]; ipv6CidrBlocks?: unknown[] }

export const nothingPublic = definePolicy({
  id: "nothing-public",
  title: "Nothing is public",
  severity: "critical",
  level: "mandatory",
  remediation: "Block public access on every bucket, and name who may connect.",
  chapter: "Access Control",
  resource: (r, report) => {
    if (r.type === BLOCK || r.type === "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock") {
      const open = BLOCKS.filter((b) => r.props[b] !== true);
      if (open.length) report(`public access isn't blocked: ${open.join(", ")}`);
    }
    if (r.type.startsWith("aws:s3/")) {
      const acl = r.props["acl"];
      if (typeof acl === "string" && /^(public-|authenticated-read)/.test(acl)) report("the access list lets others in");
      const grants = (r.props["grants"] ?? (r.props["accessControlPolicy"] as { grants?: unknown } | undefined)?.grants ?? []) as { uri?: unknown; grantee?: { uri?: unknown } }[];
      if (grants.some((g) => EVERYBODY.test(String(g.uri ?? g.grantee?.uri)))) report("the access list lets everybody in");
      const own = r.props["publicAccessBlockConfiguration"] as Record<string, unknown> | undefined;
      if (own && BLOCKS.some((b) => own[b] === false)) report("public access isn't blocked (publicAccessBlockConfiguration)");
    }
    if ([true, "true"].includes(r.props["publiclyAccessible"] as boolean)) report("the resource has a public address (publiclyAccessible)");
    if (r.type === "aws:lambda/functionUrl:FunctionUrl" && r.props["authorizationType"] === "NONE") report("the function answers everybody");
    if (Array.isArray(r.props["sharedAccounts"]) && (r.props["sharedAccounts"] as unknown[]).includes("all")) report("the snapshot is everybody's");
    if (GROUPS.test(r.type)) for (const rule of (r.props["ingress"] ?? []) as Networks[]) if ([...(rule.cidrBlocks ?? []), ...(rule.ipv6CidrBlocks ?? [])].some(anywhere)) report("the security group lets the whole internet in");
    if (/^aws:(vpc|ec2)\/securityGroup(Ingress)?Rule:/.test(r.type) && r.props["type"] !== "egress") {
      const { cidrBlocks = [], ipv6CidrBlocks = [] } = r.props as Networks;
      if ([r.props["cidrIpv4"], r.props["cidrIpv6"], ...cidrBlocks, ...ipv6CidrBlocks].some(anywhere)) report("the security group's rule lets the whole internet in");
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
    { says: "rejects a bucket that an access list gives everybody", resource: { type: "aws:s3/bucketAcl:BucketAcl", props: { bucket: "b", accessControlPolicy: { grants: [{ grantee: { type: "Group", uri: "http://acs.amazonaws.com/groups/global/AllUsers" }, permission: "READ" }] } } } },
    { says: "rejects a public object", resource: { type: "aws:s3/bucketObject:BucketObject", props: { bucket: "b", acl: "public-read" } } },
    { says: "rejects an account without the block", resource: { type: "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", props: { ...all, blockPublicAcls: false } } },
    { says: "rejects an access point without the block", resource: { type: "aws:s3/accessPoint:AccessPoint", props: { publicAccessBlockConfiguration: { ...all, blockPublicPolicy: false } } } },
    { says: "rejects a snapshot for everybody", resource: { type: "aws:rds/snapshot:Snapshot", props: { sharedAccounts: ["all"] } } },
    { says: "rejects a security group open to both halves of the internet", resource: { type: "aws:ec2/securityGroup:SecurityGroup", props: { ingress: [{ cidrBlocks: ["0.0.0.0/1", "128.0.0.0/1"] }] } } },
    { says: "rejects everything in other digits", resource: { type: "aws:ec2/securityGroup:SecurityGroup", props: { ingress: [{ ipv6CidrBlocks: ["0:0:0:0:0:0:0:0/0"] }] } } },
    { says: "rejects the default security group open to the internet", resource: { type: "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", props: { ingress: [{ cidrBlocks: ["0.0.0.0/0"] }] } } },
    { says: "rejects a rule open over IPv6", resource: { type: "aws:ec2/securityGroupRule:SecurityGroupRule", props: { type: "ingress", ipv6CidrBlocks: ["::/0"] } } },
    { says: "rejects a security group open over IPv6", resource: { type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", props: { cidrIpv6: "::/0" } } },
  ],
});
