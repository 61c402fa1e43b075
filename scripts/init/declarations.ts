import { isMap, parseDocument, stringify } from "yaml";
import { environmentFile, LOCAL, paymentsFile } from "../../schemas/layout.ts";
import type { InitEnvironment } from "../../schemas/init.ts";
import type { Ledger } from "./ledger.ts";

/** Where an initialised repository finds the JSON Schemas: in the installed package. */
export const SCHEMAS = "node_modules/stackseal/schemas/json";
export const modeline = (schema: string, up: string): string => `# yaml-language-server: $schema=${up}${SCHEMAS}/${schema}.schema.json\n`;

const yaml = (v: unknown): string => stringify(v, { indent: 4, lineWidth: 0, version: "1.1", defaultStringType: "PLAIN" });

export interface Declaration extends InitEnvironment {
  readonly name: string;
  /** Integrations whose settings came from a file to import. */
  readonly adopted?: readonly string[];
}
/** `environment.yaml` and, where Stripe is declared, `payments.yaml`. One that is there stays, and gains the adopted integrations that it lacks. Answers all that is declared then, and what is new of it. */
export function declare(d: Declaration, ledger: Ledger): Declared {
  const body = {
    environment: d.name, tier: d.tier, platform: { url: d.url, plan: d.plan }, store: d.store,
    ...(d.alerts && { alerts: { email: d.alerts } }), integrations: d.integrations ?? {}, rotation: { standard: "annually" },
  };
  const file = environmentFile(d.name), what = `settings of ${d.name} (${d.tier})`;
  const grown = (d.adopted ?? []).length ? grow(ledger, file, d) : null;
  if (grown?.added.length) ledger.extend(file, grown.text, `${grown.added.join(", ")} declared in it`);
  else ledger.file(file, `${modeline("environment", "../../")}${yaml(body)}`, what);
  const payments = paymentsFile(d.name), fresh = !ledger.has(payments);
  if (d.payments) ledger.file(payments, `${modeline("payments", "../../")}${yaml({ environment: d.name, rotation: { payments: "quarterly" }, stripe: d.payments })}`, `Stripe's settings of ${d.name}; Super Admins own it`);
  return { name: d.name, settings: { ...(grown?.settings ?? d.integrations), ...(d.payments && { stripe: d.payments }) }, added: [...(grown?.added ?? Object.keys(d.integrations ?? {})), ...(d.payments && fresh ? ["stripe"] : [])] };
}
export interface Declared {
  readonly name: string;
  /** Integration → its settings, as far as init knows them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What wasn't declared before. */
  readonly added: readonly string[];
}
/** An environment.yaml that is there with the adopted integrations that it lacks; null where there is none, or none that can be read. */
function grow(ledger: Ledger, file: string, d: Declaration): { text: string; added: string[]; settings: Record<string, unknown> } | null {
  const before = ledger.read(file);
  const document = before === null ? null : parseDocument(before, { version: "1.1" });
  const map = document?.get("integrations", true);
  if (!document || document.errors.length || !isMap(map)) return null;
  const added = (d.adopted ?? []).filter((id) => !map.has(id));
  if (map.items.length === 0) map.flow = false;
  for (const id of added) map.set(document.createNode(id), document.createNode((d.integrations as Record<string, unknown> | undefined)?.[id]));
  return { text: document.toString({ indent: 4, lineWidth: 0, flowCollectionPadding: true }), added, settings: map.toJS(document) as Record<string, unknown> };
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
