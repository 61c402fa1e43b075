import { alertsOnPayments } from "./alerts-on-payments.ts";
import { attestationAge } from "./attestation-age.ts";
import { auditTrail } from "./audit-trail.ts";
import { backupLocked } from "./backup-locked.ts";
import { credentialAge } from "./credential-age.ts";
import { credentialOverdue } from "./credential-overdue.ts";
import { crmAgencyOnly } from "./crm-agency-only.ts";
import { customerManagedKey } from "./customer-managed-key.ts";
import { deployerBound } from "./deployer-bound.ts";
import { environmentSeparation } from "./environment-separation.ts";
import { exceptionsValid } from "./exceptions-valid.ts";
import { fromDomainAllowed } from "./from-domain-allowed.ts";
import { knownWriter } from "./known-writer.ts";
import { mailtrapNotInProduction } from "./mailtrap-not-in-production.ts";
import { noCredentialInProperties } from "./no-credential-in-properties.ts";
import { noHardcodedCredentials } from "./no-hardcoded-credentials.ts";
import { noLeaverRecipients } from "./no-leaver-recipients.ts";
import { noSharedCredentials } from "./no-shared-credentials.ts";
import { noWildcards } from "./no-wildcards.ts";
import { nothingPublic } from "./nothing-public.ts";
import { openExposures } from "./open-exposures.ts";
import { outboundWebhooksSigned } from "./outbound-webhooks-signed.ts";
import { ownedAndTagged } from "./owned-and-tagged.ts";
import { paymentsSuperAdminOnly } from "./payments-super-admin-only.ts";
import { peopleSigned } from "./people-signed.ts";
import type { PolicySpec } from "./policy.ts";
import { productionLiveAccounts } from "./production-live-accounts.ts";
import { protectProductionData } from "./protect-production-data.ts";
import { recoveryWindow } from "./recovery-window.ts";
import { replicaPerSetting } from "./replica-per-setting.ts";
import { reviewsCurrent } from "./reviews-current.ts";
import { secondFactor } from "./second-factor.ts";
import { secretPolicy } from "./secret-policy.ts";
import { smtpEncryption } from "./smtp-encryption.ts";
import { stagingFirst } from "./staging-first.ts";
import { stagingSandboxAccounts } from "./staging-sandbox-accounts.ts";
import { stripeEndpoints } from "./stripe-endpoints.ts";
import { strongPasswords } from "./strong-passwords.ts";
import { testLiveMode } from "./test-live-mode.ts";
import { webhookUrls } from "./webhook-urls.ts";

/** Every rule of the pack, in the order in which they are judged and shown. */
export const rules: readonly PolicySpec[] = [
  testLiveMode, stagingSandboxAccounts, productionLiveAccounts, noSharedCredentials, environmentSeparation,
  noCredentialInProperties, noHardcodedCredentials, paymentsSuperAdminOnly, noWildcards, secretPolicy, customerManagedKey, recoveryWindow, protectProductionData, ownedAndTagged,
  credentialAge, credentialOverdue, secondFactor, attestationAge, strongPasswords,
  webhookUrls, stripeEndpoints, outboundWebhooksSigned, smtpEncryption, mailtrapNotInProduction, fromDomainAllowed, crmAgencyOnly,
  alertsOnPayments, auditTrail, backupLocked, replicaPerSetting, deployerBound, nothingPublic,
  noLeaverRecipients, openExposures, knownWriter, peopleSigned, stagingFirst, reviewsCurrent, exceptionsValid,
];
