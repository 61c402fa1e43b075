import { BUCKETS, lockFaults } from "./kit/buckets.ts";
import { each } from "./kit/unknown.ts";
import { definePolicy } from "./policy.ts";

const TRAIL = "aws:cloudtrail/trail:Trail";
const urn = (type: string, name: string): string => `urn:pulumi:prod-foundation::stackseal::${type}::${name}`;
const good = { enableLogFileValidation: true, isMultiRegionTrail: true, includeGlobalServiceEvents: true, s3BucketName: "trail" };
const stack = "prod-foundation";
const trail = { type: TRAIL, name: "trail", stack, props: good, from: { s3BucketName: [urn(BUCKETS[0] as string, "trail")] } };
const bucket = { type: BUCKETS[0] as string, name: "trail", stack, props: { bucket: "trail", objectLockEnabled: true } };
const lock = { type: "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", name: "trail", stack, props: { bucket: "trail", rule: { defaultRetention: { mode: "COMPLIANCE", days: 400 } } } };

export const auditTrail = definePolicy({
  id: "audit-trail",
  title: "The audit trail is on, validated and locked",
  severity: "critical",
  level: "mandatory",
  remediation: "enableLogFileValidation, isMultiRegionTrail and includeGlobalServiceEvents on the trail; object lock with a retention on its bucket.",
  chapter: "Audit Logs",
  resource: (r, report) => {
    if (r.type !== TRAIL) return;
    if (r.props["enableLogging"] === false) report("the trail is switched off");
    if (r.props["enableLogFileValidation"] !== true) report("the trail's files aren't validated (enableLogFileValidation)");
    if (r.props["isMultiRegionTrail"] !== true) report("the trail sees one region only (isMultiRegionTrail)");
    for (const s of (r.props["eventSelectors"] ?? []) as { includeManagementEvents?: unknown; readWriteType?: unknown; excludeManagementEventSources?: unknown[] }[]) {
      if (s.includeManagementEvents === false || (s.readWriteType !== undefined && s.readWriteType !== "All")) report("the trail leaves management events out (eventSelectors)");
      if ((s.excludeManagementEventSources ?? []).length > 0) report("the trail leaves a service's events out (excludeManagementEventSources)");
    }
    if (r.props["includeGlobalServiceEvents"] === false) report("the trail leaves global services out (IAM among them)");
  },
  stack: (s, report) => {
    if (s.part !== "foundation" || (s.own && s.own.accountId === undefined)) return;
    const trails = s.resources.filter((r) => r.type === TRAIL);
    if (trails.length === 0) report("no audit trail is declared");
    const buckets = s.resources.filter((r) => BUCKETS.includes(r.type));
    each(trails, (t) => {
      const own = buckets.find((b) => t.from?.["s3BucketName"]?.includes(b.urn) === true) ?? buckets.find((b) => b.props["bucket"] === t.props["s3BucketName"]);
      if (!own) report("the trail's bucket isn't declared in this stack: nothing tells that it is locked", t.urn);
      else for (const fault of lockFaults(s.resources, own)) report(`the trail's bucket isn't locked: ${fault}`, own.urn);
    });
  },
  passes: [
    { says: "accepts a validated trail of all regions", resource: { type: TRAIL, stack, props: good } },
    { says: "accepts a trail into a locked bucket", stack: [trail, bucket, lock] },
  ],
  breaks: [
    { says: "rejects a trail that is switched off", resource: { type: TRAIL, stack, props: { ...good, enableLogging: false } } },
    { says: "rejects a trail without validation", resource: { type: TRAIL, stack, props: { ...good, enableLogFileValidation: false } } },
    { says: "rejects a trail of one region", resource: { type: TRAIL, stack, props: { ...good, isMultiRegionTrail: false } } },
    { says: "rejects a trail without global services", resource: { type: TRAIL, stack, props: { ...good, includeGlobalServiceEvents: false } } },
    { says: "rejects a trail of data events alone", resource: { type: TRAIL, stack, props: { ...good, eventSelectors: [{ includeManagementEvents: false }] } } },
    { says: "rejects a trail of writes alone", resource: { type: TRAIL, stack, props: { ...good, eventSelectors: [{ includeManagementEvents: true, readWriteType: "WriteOnly" }] } } },
    { says: "rejects a trail that leaves the keys' events out", resource: { type: TRAIL, stack, props: { ...good, eventSelectors: [{ excludeManagementEventSources: ["kms.amazonaws.com"] }] } } },
    { says: "rejects a trail into a bucket of which nothing is known", stack: [{ ...trail, from: {} }, { ...bucket, props: { bucket: "other" } }, lock] },
    { says: "rejects a foundation without a trail", stack: [bucket, lock] },
    { says: "rejects a trail into a bucket without a lock", stack: [trail, { ...bucket, props: { bucket: "trail" } }] },
    { says: "rejects a lock without a retention", stack: [trail, bucket] },
  ],
});
