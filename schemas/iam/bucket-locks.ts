import type { BucketUse } from "./place.ts";

/** Days that an object stays unchangeable; none for Pulumi's state, which changes all the time and has its versions. */
export const LOCK_DAYS: Readonly<Record<BucketUse, number | null>> = { state: null, backup: 35, trail: 365 };
/** The trail's logs are evidence: nobody shortens their time. */
export const lockMode = (use: BucketUse): "COMPLIANCE" | "GOVERNANCE" => (use === "trail" ? "COMPLIANCE" : "GOVERNANCE");
