// `stackseal/components`: what one's own Pulumi program may build with. Declarations are read by readProject; nothing here opens a value.

export { program, type Outputs } from "./program.ts";
export { foundation } from "./foundation.ts";
export { dueAt, environmentNames, readProject, type Declared, type DeclaredCredential, type Project } from "./read.ts";
export { ChangeAlerts } from "./components/change-alerts.ts";
export { DueSchedules, type Reminding } from "./components/due-schedules.ts";
export { ClassKey } from "./components/keys.ts";
export { LockedBucket } from "./components/locked-bucket.ts";
export { Roles } from "./components/roles.ts";
export { SecretShell, type ShellArgs } from "./components/secret-shell.ts";
export { SecretStore } from "./components/secret-store.ts";
export { Settings } from "./components/settings.ts";
export { StripeWebhook } from "./components/stripe-webhooks.ts";
export { AuditTrail } from "./components/trail.ts";
export { VaultMount } from "./components/vault-mount.ts";
export { VaultRoles } from "./components/vault-roles.ts";
export { vaultFoundation } from "./vault-foundation.ts";
export { systemClock, fixedClock, type Clock } from "../lib/clock.ts";
export { hasErrors, type Finding } from "../lib/finding.ts";
