import { FindingError } from "../../../lib/finding.ts";
import { awsSettings, type AwsPlace } from "../../../providers/aws/connect.ts";
import { awsFailure } from "../../../providers/aws/errors.ts";
import { foundationCodes } from "./codes.ts";

/** Whether the bucket is there and ours. Throws FindingError FOUNDATION_BUCKET_TAKEN where another account has the name, or what AWS says. */
export async function stateBucket(at: AwsPlace, name: string, env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  const { S3Client, HeadBucketCommand } = await import("@aws-sdk/client-s3");
  const client = new S3Client({ ...awsSettings(at, env), forcePathStyle: at.endpoint !== undefined });
  try {
    await client.send(new HeadBucketCommand({ Bucket: name, ExpectedBucketOwner: at.accountId }));
    return true;
  } catch (e) {
    const status = (e as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    if (status === 404) return false;
    if (status === 403) throw new FindingError(foundationCodes.finding("FOUNDATION_BUCKET_TAKEN", { message: `${name} is there and isn't this account's, or this session may not look`, path: name, hint: "check the account; a name of S3 is the whole world's" }));
    throw awsFailure(e, name);
  } finally {
    client.destroy();
  }
}
