import type { Resource } from "../policy.ts";

export const BUCKETS = ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"];
/** Both generations of an S3 resource: with and without `V2`. */
export const generations = (name: string): string[] => { const low = `${name[0]?.toLowerCase() ?? ""}${name.slice(1)}`; return [`aws:s3/${low}:${name}`, `aws:s3/${low}V2:${name}V2`]; };
/** The resources of a type that belong to a bucket: by what their `bucket` comes from, or by its name. */
export function ofBucket(all: readonly Resource[], name: string, bucket: Resource): Resource[] {
  const types = generations(name);
  return all.filter((r) => {
    if (!types.includes(r.type)) return false;
    if (r.from?.["bucket"]?.includes(bucket.urn) === true) return true;
    const given = r.props["bucket"];
    return typeof given === "string" && (given === bucket.props["bucket"] || given === bucket.props["id"]);
  });
}
const field = (v: unknown, ...path: string[]): unknown => path.reduce<unknown>((x, k) => (typeof x === "object" && x !== null ? (x as Record<string, unknown>)[k] : undefined), v);
/** Whether what a bucket holds can't be overwritten or deleted: versions, and a lock with a default retention. Says what is missing. */
export function lockFaults(all: readonly Resource[], bucket: Resource): string[] {
  const lock = ofBucket(all, "BucketObjectLockConfiguration", bucket);
  const retention = lock.map((l) => field(l.props["rule"], "defaultRetention")).find((x) => x !== undefined);
  const inline = field(bucket.props["objectLockConfiguration"], "rule", "defaultRetention");
  const kept = retention ?? inline;
  return [
    ...(bucket.props["objectLockEnabled"] !== true && field(bucket.props["objectLockConfiguration"], "objectLockEnabled") !== "Enabled" && lock.length === 0 ? ["object lock is off"] : []),
    ...(kept === undefined ? ["no default retention"] : Number(field(kept, "days") ?? 0) + 365 * Number(field(kept, "years") ?? 0) < 1 ? ["a retention of no time"] : []),
    ...(ofBucket(all, "BucketVersioning", bucket).some((v) => field(v.props["versioningConfiguration"], "status") !== "Enabled") ? ["versions are suspended"] : []),
  ];
}
