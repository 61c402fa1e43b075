import { createHash } from "node:crypto";
import type * as S3 from "@aws-sdk/client-s3";
import { awsSettings, type AwsPlace } from "./connect.ts";
import { awsFailure } from "./errors.ts";

type Env = Readonly<Record<string, string | undefined>>;
/** An object as its bucket has it; times are the store's own, which whoever wrote the object doesn't set. */
export interface LockedObject {
  readonly versionId: string;
  /** ISO, UTC, to the second: when the store took it. */
  readonly at: string;
  readonly mode: string | null;
  /** ISO, UTC: until then nobody changes or removes this version; null where no lock is on it. */
  readonly retainUntil: string | null;
}
export interface ObjectPlace { readonly bucket: string; readonly key: string }
const client = async (at: AwsPlace, env: Env): Promise<{ readonly s3: typeof S3; readonly c: S3.S3Client }> => {
  const s3 = await import("@aws-sdk/client-s3");
  return { s3, c: new s3.S3Client({ ...awsSettings(at, env), forcePathStyle: at.endpoint !== undefined }) };
};
interface Head { readonly VersionId?: string | undefined; readonly LastModified?: Date | undefined; readonly ObjectLockMode?: string | undefined; readonly ObjectLockRetainUntilDate?: Date | undefined }
const said = (h: Head): LockedObject => ({ versionId: h.VersionId ?? "", at: h.LastModified?.toISOString() ?? "", mode: h.ObjectLockMode ?? null, retainUntil: h.ObjectLockRetainUntilDate?.toISOString() ?? null });

/** Puts an object that nobody may change until a day (`retain`; null: as the bucket itself says), and answers what the store keeps of it. One that is there already stays, and is answered. Throws FindingError. */
export async function putLocked(at: AwsPlace, env: Env, o: ObjectPlace & { readonly bytes: Buffer; readonly retain: Date | null }): Promise<LockedObject> {
  const { s3, c } = await client(at, env);
  const where = { Bucket: o.bucket, Key: o.key, ExpectedBucketOwner: at.accountId };
  try {
    await c.send(new s3.PutObjectCommand({
      ...where, Body: o.bytes, IfNoneMatch: "*", ChecksumSHA256: createHash("sha256").update(o.bytes).digest("base64"),
      ...(o.retain !== null && { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: o.retain }),
    })).catch((e: unknown) => { if ((e as { name?: string }).name !== "PreconditionFailed") throw e as Error; });
    return said(await c.send(new s3.HeadObjectCommand(where)));
  } catch (e) {
    throw awsFailure(e, `s3://${o.bucket}/${o.key}`);
  } finally {
    c.destroy();
  }
}
/** Reads an object, one version of it where named; null where the bucket hasn't it. Throws FindingError. */
export async function getLocked(at: AwsPlace, env: Env, o: ObjectPlace & { readonly versionId?: string }): Promise<(LockedObject & { readonly bytes: Buffer }) | null> {
  const { s3, c } = await client(at, env);
  try {
    const r = await c.send(new s3.GetObjectCommand({ Bucket: o.bucket, Key: o.key, ExpectedBucketOwner: at.accountId, ...(o.versionId !== undefined && o.versionId !== "" && { VersionId: o.versionId }) }));
    return { ...said(r), bytes: Buffer.from(await (r.Body?.transformToByteArray() ?? Promise.resolve(new Uint8Array()))) };
  } catch (e) {
    if (/^(NoSuchKey|NoSuchVersion|NotFound|NoSuchBucket)$/.test((e as { name?: string }).name ?? "")) return null;
    throw awsFailure(e, `s3://${o.bucket}/${o.key}`);
  } finally {
    c.destroy();
  }
}
