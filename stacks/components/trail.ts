import * as aws from "@pulumi/aws/cloudtrail/index.js";
import * as pulumi from "@pulumi/pulumi";
import { trailName, type Place } from "../../schemas/iam/place.ts";
import type { Declared } from "../read.ts";
import { LockedBucket } from "./locked-bucket.ts";
import { holdsData, ownTags } from "./tags.ts";

/** The account's trail: management events of every region, reads too, log files validated, in a bucket whose objects nobody changes for a year. */
export class AuditTrail extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;
  constructor(d: Declared, p: Place, opts?: pulumi.ComponentResourceOptions) {
    super("stackseal:index:AuditTrail", "trail", {}, opts);
    const bucket = new LockedBucket("trail", d, p, { parent: this });
    const trail = new aws.Trail("trail", {
      name: trailName(d.name), s3BucketName: bucket.name, isMultiRegionTrail: true, includeGlobalServiceEvents: true, enableLogFileValidation: true, enableLogging: true,
      eventSelectors: [{ readWriteType: "All", includeManagementEvents: true }], tags: ownTags(d),
    }, { parent: this, dependsOn: [bucket.policy], ...holdsData(d) });
    this.arn = trail.arn;
    this.registerOutputs({ arn: this.arn });
  }
}
