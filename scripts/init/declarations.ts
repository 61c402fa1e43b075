import { stringify } from "yaml";
import { environmentFile, LOCAL, paymentsFile } from "../../schemas/layout.ts";
import type { InitEnvironment } from "../../schemas/init.ts";
import type { Ledger } from "./ledger.ts";

/** Where an initialised repository finds the JSON Schemas: in the installed package. */
export const SCHEMAS = "node_modules/stackseal/schemas/json";
export const modeline = (schema: string, up: string): string => `# yaml-language-server: $schema=${up}${SCHEMAS}/${schema}.schema.json\n`;

const yaml = (v: unknown): string => stringify(v, { indent: 4, lineWidth: 0, version: "1.1", defaultStringType: "PLAIN" });

export interface Declaration extends InitEnvironment {
  readonly name: string;
}
/** `environment.yaml` and, where Stripe is declared, `payments.yaml`. */
export function declare(d: Declaration, ledger: Ledger): void {
  const body = {
    environment: d.name, tier: d.tier, platform: { url: d.url, plan: d.plan }, store: d.store,
    ...(d.alerts && { alerts: { email: d.alerts } }), integrations: d.integrations ?? {}, rotation: { standard: "annually" },
  };
  ledger.file(environmentFile(d.name), `${modeline("environment", "../../")}${yaml(body)}`, `settings of ${d.name} (${d.tier})`);
  if (d.payments) ledger.file(paymentsFile(d.name), `${modeline("payments", "../../")}${yaml({ environment: d.name, rotation: { payments: "quarterly" }, stripe: d.payments })}`, `Stripe's settings of ${d.name}; Super Admins own it`);
}
/** The throwaway environment of this machine, on the loopback sandbox: `stackseal start` seals samples for it and deploys it. */
export function declareLocal(project: string, ledger: Ledger): void {
  const environment = {
    environment: LOCAL, tier: "local", platform: { url: "http://127.0.0.1:8000", plan: "agency" }, store: { kind: "file" },
    integrations: {
      twilio: { accountSid: `AC${"0".repeat(32)}`, from: "+15005550006" },
      smtp: { provider: "generic", driver: "smtp", host: "127.0.0.1", port: 1025, encryption: null, username: `${project}-local`, from: { address: `no-reply@local.${project}.example`, name: "Local" } },
    },
  };
  const payments = {
    environment: LOCAL,
    stripe: { mode: "test", publishableKey: `pk_test_${"0".repeat(24)}`, apiBase: "sandbox", webhooks: { payments: { path: "/webhooks/stripe", apiVersion: "2026-10-28.endive", events: ["payment_intent.succeeded", "payment_intent.payment_failed"] } } },
  };
  ledger.file(environmentFile(LOCAL), `${modeline("environment", "../../")}${yaml(environment)}`, "the throwaway environment of this machine");
  ledger.file(paymentsFile(LOCAL), `${modeline("payments", "../../")}${yaml(payments)}`, "Stripe's settings of local, on the sandbox");
}
