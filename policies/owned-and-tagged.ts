import { definePolicy, SEALED_VERSION, SECRET, tagsOf } from "./policy.ts";

const WANTED: Readonly<Record<string, readonly string[]>> = {
  [SECRET]: ["managed-by", "environment", "tier", "class", "owner"],
  [SEALED_VERSION]: ["managed-by", "environment", "tier", "class", "owner"],
  "aws:kms/key:Key": ["managed-by", "environment"],
  "aws:s3/bucket:Bucket": ["managed-by", "environment"],
  "aws:ssm/parameter:Parameter": ["managed-by", "environment"],
};
const OWNERS = ["super-admin", "admin"];
const whole = { "managed-by": "stackseal", environment: "dev", tier: "development", class: "standard", owner: "admin" };

export const ownedAndTagged = definePolicy({
  id: "owned-and-tagged",
  title: "Every secret says whose it is",
  severity: "medium",
  level: "mandatory",
  remediation: "Give it the tags managed-by, environment, tier, class and owner.",
  chapter: "Role-Based Access",
  resource: (r, report) => {
    const wanted = WANTED[r.type];
    if (!wanted) return;
    const tags = { ...tagsOf(r), ...((r.props["tagsAll"] ?? {}) as Record<string, unknown>) } as Record<string, unknown>;
    const missing = wanted.filter((t) => tags[t] === undefined || tags[t] === "");
    if (missing.length) report(`tags are missing: ${missing.join(", ")}`);
    if (wanted.includes("owner") && tags["owner"] !== undefined && !OWNERS.includes(tags["owner"] as string)) report(`the owner is neither ${OWNERS.join(" nor ")}`);
  },
  passes: [{ says: "accepts a tagged secret", resource: { type: SECRET, props: { tags: whole } } }],
  breaks: [
    { says: "rejects a secret without tags", resource: { type: SECRET, props: {} } },
    { says: "rejects a secret without an owner", resource: { type: SECRET, props: { tags: { ...whole, owner: "" } } } },
    { says: "rejects an owner that is no role", resource: { type: SECRET, props: { tags: { ...whole, owner: "nobody" } } } },
    { says: "rejects a version without an environment", resource: { type: SEALED_VERSION, props: { tags: { "managed-by": "stackseal", tier: "development", class: "standard", owner: "admin" } } } },
    { says: "rejects a key without tags", resource: { type: "aws:kms/key:Key", props: {} } },
  ],
});
