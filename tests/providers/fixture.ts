import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fixedClock } from "../../lib/clock.ts";
import { readDocument } from "../../lib/document.ts";
import type { Props } from "../../lib/pulumi-value.ts";
import type { ProviderContext } from "../../providers/context.ts";
import { expectedSecrets } from "../../schemas/integrations/index.ts";
import { environmentFile, paymentsFile, signingSecretName, storeSecretName } from "../../schemas/layout.ts";
import { parseEnvironment, parsePayments } from "../../schemas/parse.ts";
import { openForDeploy, type Unsealed } from "../../seal/deploy.ts";
import { seedLocal } from "../../seal/seed.ts";

const repo = resolve(import.meta.dirname, "../..");
export const now = new Date("2026-11-24T12:00:00Z");

export interface LocalProject {
  readonly root: string;
  readonly context: ProviderContext;
  readonly payments: Unsealed;
  readonly standard: Unsealed;
}
/** A copy of the shipped project with a seeded `local`, in a folder of its own. */
export async function localProject(at: Date = now): Promise<LocalProject> {
  const root = mkdtempSync(join(tmpdir(), "providers-"));
  for (const f of ["stacks", "Pulumi.yaml"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  const environment = parseEnvironment(readDocument(root, environmentFile("local")).document!).value!;
  const payments = parsePayments(readDocument(root, paymentsFile("local")).document!).value!;
  await seedLocal(root, "local", expectedSecrets({ ...environment.integrations, stripe: payments.stripe }, "local"), at);
  return {
    root, context: { root, env: {}, clock: fixedClock(at) },
    payments: await openForDeploy(root, "local", "payments", {}), standard: await openForDeploy(root, "local", "standard", {}),
  };
}
export const edit = (root: string, file: string, change: (text: string) => string): void => {
  const before = readFileSync(join(root, file), "utf8");
  const after = change(before);
  if (after === before) throw new Error("the edit changed nothing");
  writeFileSync(join(root, file), after);
};

export const endpointUrn = (name = "payments", stack = "local-payments"): string => `urn:pulumi:${stack}::stackseal::stackseal:index:StripeWebhook$stripe:index:WebhookEndpoint::${name}`;
export const versionUrn = (name = "twilio", stack = "local"): string => `urn:pulumi:${stack}::stackseal::stackseal:index:SecretStore$stackseal:index:SealedVersion::${name}`;
export const referenceTo = (u: Unsealed, key: string): { key: string; issueId: string; fingerprint: string } => ({ key, issueId: u.claims.get(key)!.issueId, fingerprint: u.claims.get(key)!.fingerprint });
export const endpointInputs = (p: LocalProject, name = "payments"): Props => ({
  url: "http://127.0.0.1:8000/webhooks/stripe", enabledEvents: ["payment_intent.succeeded", "invoice.paid"], apiVersion: "2026-10-28.endive",
  apiKeyFrom: referenceTo(p.payments, "stripe.secretKey"), signingSecretTo: { store: "file", secretId: signingSecretName("local", name), key: "current" },
});
export const versionInputs = (p: LocalProject): Props => ({
  store: { kind: "file" }, secretId: storeSecretName("local", "standard", "twilio"), tags: { environment: "local" },
  values: [{ variable: "TWILIO_AUTH_TOKEN", ...referenceTo(p.standard, "twilio.authToken") }],
});
