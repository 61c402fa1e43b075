import { document, type Document, type Statement } from "./document.ts";
import { bucketArn, rootArn, topicArn, trailArn, type AlertSeverity, type BucketUse, type Place } from "./place.ts";

const tlsOnly = (p: Place, use: BucketUse): Statement =>
  ({ Sid: "TlsOnly", Effect: "Deny", Principal: "*", Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"], Resource: [bucketArn(p, use), `${bucketArn(p, use)}/*`], Condition: { Bool: { "aws:SecureTransport": "false" } } });

/** TLS alone, and for the trail's logs CloudTrail alone writes: not even super-admin changes or removes one. */
export function bucketPolicy(use: BucketUse, p: Place): Document {
  const arn = bucketArn(p, use);
  const ours = { StringEquals: { "aws:SourceArn": trailArn(p) } };
  if (use !== "trail") return document(tlsOnly(p, use));
  return document(
    tlsOnly(p, use),
    { Sid: "TrailLooks", Effect: "Allow", Principal: { Service: "cloudtrail.amazonaws.com" }, Action: ["s3:GetBucketAcl"], Resource: [arn], Condition: ours },
    { Sid: "TrailWrites", Effect: "Allow", Principal: { Service: "cloudtrail.amazonaws.com" }, Action: ["s3:PutObject"], Resource: [`${arn}/AWSLogs/${p.accountId}/*`], Condition: { StringEquals: { "aws:SourceArn": trailArn(p), "s3:x-amz-acl": "bucket-owner-full-control" } } },
    { Sid: "NobodyRemoves", Effect: "Deny", Principal: "*", Action: ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention", "s3:BypassGovernanceRetention"], Resource: [`${arn}/*`], Condition: { StringNotEquals: { "aws:PrincipalArn": rootArn(p) } } },
  );
}
/** EventBridge's rules of this account, and Scheduler's role, publish; over TLS. */
export const topicPolicy = (severity: AlertSeverity, p: Place, region: string): Document => document(
  { Sid: "Rules", Effect: "Allow", Principal: { Service: "events.amazonaws.com" }, Action: ["sns:Publish"], Resource: [topicArn(p, severity, region)], Condition: { StringEquals: { "aws:SourceAccount": p.accountId } } },
  { Sid: "TlsOnly", Effect: "Deny", Principal: "*", Action: ["sns:Publish"], Resource: [topicArn(p, severity, region)], Condition: { Bool: { "aws:SecureTransport": "false" } } },
);
