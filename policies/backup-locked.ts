import { BUCKETS, lockFaults, ofBucket } from "./kit/buckets.ts";
import { each } from "./kit/unknown.ts";
import { definePolicy, type Resource } from "./policy.ts";

const stack = "prod-foundation";
const VAULT = "aws:backup/vault:Vault";
const VAULT_LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration";
const bucket = { type: BUCKETS[0] as string, name: "backup", stack, props: { bucket: "acme-backup", objectLockEnabled: true } };
const versions = { type: "aws:s3/bucketVersioning:BucketVersioning", name: "backup", stack, props: { bucket: "acme-backup", versioningConfiguration: { status: "Enabled" } } };
const lock = { type: "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", name: "backup", stack, props: { bucket: "acme-backup", rule: { defaultRetention: { mode: "COMPLIANCE", days: 90 } } } };
const isBackup = (r: Resource): boolean => /backup/i.test(r.name) || (typeof r.props["bucket"] === "string" && /backup/i.test(r.props["bucket"]));

export const backupLocked = definePolicy({
  id: "backup-locked",
  title: "Backups can't be overwritten or deleted before their time",
  severity: "high",
  level: "mandatory",
  remediation: "Object lock with a default retention, and versioning, on the backup bucket.",
  chapter: "Backup Configuration",
  stack: (s, report) => {
    each(s.resources.filter((r) => BUCKETS.includes(r.type) && isBackup(r)), (b) => {
      for (const fault of lockFaults(s.resources, b)) report(`the backup bucket isn't locked: ${fault}`, b.urn);
      if (ofBucket(s.resources, "BucketVersioning", b).length === 0 && b.props["objectLockEnabled"] !== true) report("the backup bucket keeps no versions", b.urn);
    });
    each(s.resources.filter((r) => r.type === VAULT), (v) => {
      if (!s.resources.some((l) => l.type === VAULT_LOCK && (l.from?.["backupVaultName"]?.includes(v.urn) === true || l.props["backupVaultName"] === v.props["name"]))) report("the backup vault isn't locked", v.urn);
    });
  },
  passes: [
    { says: "accepts a locked bucket with versions", stack: [bucket, versions, lock] },
    { says: "accepts a locked vault", stack: [{ type: VAULT, name: "v", stack, props: { name: "v" } }, { type: VAULT_LOCK, name: "v", stack, props: { backupVaultName: "v" } }] },
  ],
  breaks: [
    { says: "rejects a backup bucket without a lock", stack: [{ ...bucket, props: { bucket: "acme-backup" } }, versions] },
    { says: "rejects a lock without a retention", stack: [bucket, versions] },
    { says: "rejects suspended versions", stack: [bucket, { ...versions, props: { ...versions.props, versioningConfiguration: { status: "Suspended" } } }, lock] },
    { says: "rejects an unlocked backup vault", stack: [{ type: VAULT, name: "v", stack, props: { name: "v" } }] },
  ],
});
