import { FindingError } from "../lib/finding.ts";
import { auditCodes } from "../audit/codes.ts";
import type { AskStore } from "../audit/bundle/locked.ts";
import type { AwsPlace } from "../providers/aws/connect.ts";
import { bucketName } from "../schemas/iam/place.ts";
import { placeOf } from "../stacks/access/place.ts";
import { readProject } from "../stacks/read.ts";
import type { Context } from "./command.ts";
import { projectName } from "./deployment.ts";

/** The locked bucket of an environment's account, by its declaration alone. Throws FindingError (exit 2) where its store isn't AWS. */
export function lockedBucket(context: Context, environment: string): { readonly at: AwsPlace; readonly bucket: string } {
  const d = readProject(context.root, { clock: context.clock }).environments.find((e) => e.name === environment);
  const place = d && placeOf(d, projectName(context.root));
  const store = d?.environment.store;
  if (!place || store?.kind !== "aws") throw new FindingError(auditCodes.finding("BUNDLE_PLACE", { message: `${environment} has no locked bucket: its store isn't AWS`, hint: "name an environment whose store is aws" }), 2);
  return { at: store, bucket: bucketName(place, "backup") };
}
/** Asks the bucket that the clone declares; a receipt of any other bucket is answered as if nothing were there. */
export const askBucket = (context: Context): AskStore => async (r) => {
  const { at, bucket } = lockedBucket(context, r.environment);
  if (r.bucket !== bucket) return null;
  const { getLocked } = await import("../providers/aws/locked-object.ts");
  return getLocked(at, context.env, r);
};
