import { definePolicy, SECRET } from "./policy.ts";

const KEY = "aws:kms/key:Key";
export const customerManagedKey = definePolicy({
  id: "customer-managed-key",
  title: "Secrets are encrypted under a key of our own, which rotates",
  severity: "high",
  level: "mandatory",
  remediation: "Set kmsKeyId to the environment's key (alias/stackseal/<env>/<class>), and enableKeyRotation: true on the key.",
  chapter: "Secure Storage",
  resource: (r, report) => {
    if (r.type === SECRET) {
      const key = r.props["kmsKeyId"];
      if (key === undefined || key === null || key === "") report("the secret is encrypted under AWS's own key");
      else if (typeof key === "string" && key.includes('alias/aws/')) report("the secret is encrypted under AWS's own key");
      for (const x of (r.props["replicas"] ?? []) as { region?: string; kmsKeyId?: string }[]) if (x.kmsKeyId === undefined || x.kmsKeyId === "" || (typeof x.kmsKeyId === "string" && x.kmsKeyId.includes("alias/aws/"))) report("a replica is encrypted under AWS's own key");
    }
    if (r.type === "aws:ssm/parameter:Parameter" && r.props["type"] === "SecureString") {
      const key = r.props["keyId"];
      if (key === undefined || (typeof key === "string" && key.includes("alias/aws/"))) report("the parameter is encrypted under AWS's own key");
    }
    if (r.type === KEY) {
      const spec = r.props["customerMasterKeySpec"];
      if ((spec === undefined || spec === "SYMMETRIC_DEFAULT") && r.props["enableKeyRotation"] !== true) report("the key doesn't rotate (enableKeyRotation)");
      const days = r.props["rotationPeriodInDays"];
      if (typeof days === "number" && days > 365) report("the key rotates less than once a year");
      const window = r.props["deletionWindowInDays"];
      if (typeof window === "number" && window < 7) report("a deleted key is gone in less than a week");
      if (r.props["isEnabled"] === false) report("the key is disabled");
    }
  },
  passes: [
    { says: "accepts a key of our own", resource: { type: SECRET, props: { kmsKeyId: "alias/stackseal/dev/standard" } } },
    { says: "accepts a key that rotates", resource: { type: KEY, props: { enableKeyRotation: true, rotationPeriodInDays: 365 } } },
    { says: "accepts a signing key, which can't rotate", resource: { type: KEY, props: { customerMasterKeySpec: "ECC_NIST_P256" } } },
  ],
  breaks: [
    { says: "rejects a secret without a key", resource: { type: SECRET, props: {} } },
    { says: "rejects AWS's own key", resource: { type: SECRET, props: { kmsKeyId: "alias/aws/secretsmanager" } } },
    { says: "rejects a replica without a key, which gets AWS's own", resource: { type: SECRET, props: { kmsKeyId: "alias/stackseal/prod/standard", replicas: [{ region: "eu-central-1" }] } } },
    { says: "rejects AWS's own key for a replica", resource: { type: SECRET, props: { kmsKeyId: "alias/stackseal/prod/standard", replicas: [{ region: "eu-central-1", kmsKeyId: "alias/aws/secretsmanager" }] } } },
    { says: "rejects a secure parameter under AWS's own key", resource: { type: "aws:ssm/parameter:Parameter", props: { type: "SecureString" } } },
    { says: "rejects a key without rotation", resource: { type: KEY, props: { enableKeyRotation: false } } },
    { says: "rejects a key that says nothing of rotation", resource: { type: KEY, props: {} } },
    { says: "rejects a rotation every two years", resource: { type: KEY, props: { enableKeyRotation: true, rotationPeriodInDays: 730 } } },
    { says: "rejects a disabled key", resource: { type: KEY, props: { enableKeyRotation: true, isEnabled: false } } },
  ],
});
