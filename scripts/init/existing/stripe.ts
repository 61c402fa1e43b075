import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, parseDocument, stringify } from "yaml";
import { writeAtomic } from "../../../lib/atomic.ts";
import { hasErrors, FindingError, type Finding } from "../../../lib/finding.ts";
import { StripeClient, type StripeEndpoint } from "../../../providers/stripe/client.ts";
import { paymentsSchema } from "../../../schemas/environment.ts";
import { loopback } from "../../../schemas/fields.ts";
import { integrations } from "../../../schemas/integrations/index.ts";
import { paymentsFile } from "../../../schemas/layout.ts";
import type { Declared } from "../../../stacks/read.ts";
import type { Context, Result } from "../../command.ts";
import { confirm } from "../../confirm.ts";
import { readableValues, sandboxFor } from "../../doctoring.ts";
import { readValue } from "../../read-value.ts";
import { declarationOf } from "../../identity/declaration.ts";
import { slug } from "../plan.ts";
import { initCodes } from "../codes.ts";
import { modeline } from "../declarations.ts";

export interface FoundEndpoint {
  readonly id: string;
  readonly url: string;
  readonly events: number;
  readonly status: string;
  /** The name under which it is declared; null where it isn't, and `why` says so. */
  readonly name: string | null;
  readonly why: string;
}
type Webhook = ReturnType<typeof paymentsSchema.parse>["stripe"]["webhooks"][string];

/** Lists Stripe's endpoints of an environment's account and declares those of the platform's own address in payments.yaml. Their signing secrets can't be read: `up` makes endpoints of ours beside them. */
export async function importEndpoints(context: Context, options: Readonly<Record<string, unknown>>): Promise<Result> {
  const d = declarationOf(context);
  const key = await keyOf(context, d);
  const sandbox = options["sandbox"] === true || d.payments?.stripe.apiBase === "sandbox" ? await sandboxFor(context) : null;
  let all: StripeEndpoint[];
  try {
    const declared = d.payments?.stripe.apiBase;
    const base = sandbox?.urls["stripe"] ?? (declared !== undefined && declared !== "sandbox" && loopback(new URL(declared).hostname) ? declared : undefined);
    all = await new StripeClient({ key, signal: context.signal, env: context.env, ...(base !== undefined && { base }) }).list();
  } finally {
    await sandbox?.close();
  }
  const mode = /^[sr]k_live_/.test(key) ? "live" as const : "test" as const;
  if (mode === "live" && d.tier !== "production") throw new FindingError(initCodes.finding("INIT_OPTION", { message: `the key is a live one, and ${d.name} is of tier ${d.tier}`, hint: "give the key of Stripe's test mode" }), 2);
  const taken = new Map(Object.entries(d.payments?.stripe.webhooks ?? {}).map(([n, w]) => [new URL(w.path, d.environment.platform.url).href, n]));
  const names = new Set(Object.keys(d.payments?.stripe.webhooks ?? {}));
  const webhooks: Record<string, Webhook> = {};
  const found = all.map((e): FoundEndpoint => {
    const shown = { id: e.id, url: e.url, events: e.enabled_events.length, status: e.status };
    const no = (why: string): FoundEndpoint => ({ ...shown, name: null, why });
    if (e.metadata["managed_by"] === "stackseal") return no("ours already");
    const url = URL.canParse(e.url) ? new URL(e.url) : null;
    if (url?.origin !== new URL(d.environment.platform.url).origin) return no("another address than the platform's");
    if (taken.has(url.href)) return no(`declared already as ${taken.get(url.href) ?? ""}`);
    if (e.enabled_events.includes("*")) return no("takes every event: declare the events that the platform handles");
    let name = slug(e.description ?? (url.pathname.split("/").filter(Boolean).join("-") || "stripe"));
    for (let i = 2; names.has(name); i++) name = `${name.replace(/-\d+$/, "")}-${i}`;
    const w = { path: url.pathname, apiVersion: e.api_version ?? "2026-10-28.endive", events: [...e.enabled_events], ...(e.description !== null && e.description !== "" && { description: e.description.replace(/[\r\n]+/g, " ").slice(0, 200) }), ...(e.status === "disabled" && { disabled: true }) };
    const r = paymentsSchema.shape.stripe.shape.webhooks.safeParse({ [name]: w });
    if (!r.success) return no(r.error.issues.map((i) => `${i.path.slice(1).join(".")}: ${i.message}`).join("; "));
    names.add(name);
    taken.set(url.href, name);
    webhooks[name] = w;
    return { ...shown, name, why: e.api_version === null ? "its API version was the account's default" : "" };
  });
  const chosen = Object.keys(webhooks).length;
  const findings: Finding[] = [];
  const ids = new Map(found.flatMap((f) => (f.name === null ? [] : [[f.name, f.id]])));
  const text = chosen ? declare(context, d, mode, options["publishableKey"] as string | undefined, webhooks, ids) : null;
  const dry = options["dryRun"] === true;
  const table = render(found);
  const json = { environment: d.name, mode, dryRun: dry, endpoints: found, written: text !== null && !dry ? paymentsFile(d.name) : null };
  if (text === null) return { exit: 0, findings, json, text: `${table}Nothing to declare.\n` };
  if (dry) return { exit: 0, findings, json, text: `${table}Dry run: ${paymentsFile(d.name)} would declare ${chosen}.\n` };
  const no = await confirm(context, `Declare ${chosen} endpoints in ${paymentsFile(d.name)}?`, `stackseal init --existing stripe --env ${d.name}`);
  if (no) return { exit: 2, findings: [no], json: { ...json, written: null }, text: table };
  writeAtomic(join(context.root, paymentsFile(d.name)), text);
  return { exit: hasErrors(findings) ? 1 : 0, findings, json, text: `${table}Declared ${chosen} in ${paymentsFile(d.name)}.\nStripe shows a signing secret once: up makes endpoints of ours beside these, with secrets that go to the store. When the platform reads those, disable the old ones: ${[...ids.values()].join(", ")}.\n` };
}
/** The sealed key, opened with the identity at hand; else a pipe or a prompt. */
async function keyOf(context: Context, d: Declared): Promise<string> {
  const spec = integrations.find((i) => i.id === "stripe")?.secrets["secretKey"];
  const sealed = d.credentials.some((c) => c.path === "stripe.secretKey") ? (await readableValues(context, d))("stripe.secretKey") : null;
  const key = sealed?.value ?? await readValue(context, undefined);
  if (spec && !spec.format.pattern.test(key)) throw new FindingError(initCodes.finding("INIT_OPTION", { message: `that is no secret key of Stripe: ${spec.format.says}`, hint: "printf %s \"$STRIPE_SECRET\" | stackseal init --existing stripe --env ENV" }), 2);
  return key;
}
/** payments.yaml with the endpoints in it. Throws FindingError where it would be a new file without a publishable key. */
function declare(context: Context, d: Declared, mode: "test" | "live", publishableKey: string | undefined, webhooks: Readonly<Record<string, Webhook>>, ids: ReadonlyMap<string, string>): string {
  const file = paymentsFile(d.name);
  const path = join(context.root, file);
  if (!existsSync(path)) {
    if (publishableKey === undefined || !new RegExp(`^pk_${mode}_[A-Za-z0-9]{24,247}$`).test(publishableKey)) throw new FindingError(initCodes.finding("INIT_OPTION", { message: `${file} isn't there yet: it wants the publishable key too, which is no secret`, hint: `--publishable-key pk_${mode}_…` }), 2);
    return `${modeline("payments", "../../")}${noted(stringify({ environment: d.name, rotation: { payments: "quarterly" }, stripe: { mode, publishableKey, webhooks } }, { indent: 4, lineWidth: 0, version: "1.1" }), ids)}`;
  }
  const document = parseDocument(readFileSync(path, "utf8"), { version: "1.1" });
  const map = document.getIn(["stripe", "webhooks"], true);
  if (!isMap(map)) throw new FindingError(initCodes.finding("INIT_OPTION", { message: `${file} declares no stripe.webhooks`, hint: "add  webhooks: {}  under stripe" }), 2);
  if (map.items.length === 0) map.flow = false;
  for (const [name, w] of Object.entries(webhooks)) map.set(document.createNode(name), document.createNode(w));
  return noted(document.toString({ indent: 4, lineWidth: 0, flowCollectionPadding: true }), ids);
}
/** Says on each endpoint's line which one at Stripe it takes the place of. */
const noted = (text: string, ids: ReadonlyMap<string, string>): string => [...ids].reduce((t, [name, id]) => t.replace(new RegExp(`^( +${name}:)$`, "m"), `$1 # takes the place of ${id}`), text);
function render(found: readonly FoundEndpoint[]): string {
  if (found.length === 0) return "Stripe has no webhook endpoint in this account and mode.\n";
  const width = Math.max(...found.map((f) => f.url.length));
  return found.map((f) => `  ${f.id}  ${f.url.padEnd(width)}  ${String(f.events).padStart(3)} events  ${f.status.padEnd(8)}  ${f.name === null ? `– ${f.why}` : `→ ${f.name}${f.why ? ` (${f.why})` : ""}`}\n`).join("");
}
