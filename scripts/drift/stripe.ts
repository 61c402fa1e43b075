import { StripeClient } from "../../providers/stripe/client.ts";
import { sealedFile, stackName } from "../../schemas/layout.ts";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { readClear } from "../../seal/clear.ts";
import { identitiesFor } from "../../seal/identity.ts";
import { openSealed } from "../../seal/open.ts";
import type { Declared } from "../../stacks/read.ts";
import type { Context } from "../command.ts";
import { Notes } from "./compare.ts";
import type { Drift } from "./secrets.ts";

/** Stripe's webhook endpoints against those declared: by listing them. The API key comes from the sealed file; who can't open it is told that nobody looked. */
export async function stripeDrift(context: Context, d: Declared, project: string, base: string | undefined): Promise<{ readonly drift: readonly Drift[]; readonly findings: readonly Finding[] }> {
  const { payments } = d;
  if (!payments || !d.credentials.some((c) => c.kind === "stripe.secretKey")) return { drift: [], findings: [] };
  let key: string | undefined;
  try {
    const { sealed, findings } = readClear(context.root, sealedFile(d.name, "payments"));
    if (!sealed) throw new FindingError(findings);
    key = (await openSealed(sealed, identitiesFor(context.root, d.name, context.env))).values.get("stripe.secretKey");
  } catch (e) {
    if (!(e instanceof FindingError)) throw e;
  }
  if (key === undefined) return { drift: [], findings: [{ code: "DRIFT_NOT_LOOKED", severity: "info", message: "Stripe's endpoints weren't looked at: no identity here opens the API key", path: "stripe", hint: `run drift as ${d.name}'s payments deployer or a Super Admin` }] };
  const n = new Notes();
  const all = await new StripeClient({ key, signal: context.signal, env: context.env, ...(base !== undefined && { base }) }).list();
  const stack = `${project}/${stackName(d.name, "payments")}`;
  const ours = all.filter((e) => e.metadata["managed_by"] === "stackseal" && e.metadata["stack"] === stack);
  for (const [name, w] of Object.entries(payments.stripe.webhooks)) {
    const own = ours.filter((e) => e.metadata["name"] === name);
    const url = new URL(w.path, d.environment.platform.url).href;
    const [e] = own;
    if (!e) { n.note("endpoint", name, url, "no endpoint with this stack's stamp"); continue; }
    if (own.length > 1) n.note("endpoint", name, "one endpoint", own.map((x) => x.id).join(", "));
    if (e.url !== url) n.note("endpoint", name, url, e.url);
    if ([...e.enabled_events].sort().join() !== [...w.events].sort().join()) n.note("endpoint", name, w.events.join(", "), e.enabled_events.join(", "));
    if (e.api_version !== w.apiVersion) n.note("endpoint", name, w.apiVersion, e.api_version ?? "the account's version");
    if ((e.status === "disabled") !== (w.disabled === true)) n.note("endpoint", name, w.disabled === true ? "disabled" : "enabled", e.status);
  }
  for (const e of ours) if (!((e.metadata["name"] ?? "") in payments.stripe.webhooks)) n.note("endpoint", e.metadata["name"] ?? e.id, "no such endpoint", `${e.id}, which git doesn't know`);
  const urls = new Set(Object.values(payments.stripe.webhooks).map((w) => new URL(w.path, d.environment.platform.url).href));
  for (const e of all) if (!ours.includes(e) && urls.has(e.url)) n.note("endpoint", e.id, "one endpoint an address", `a second one for ${e.url}, made past stackseal`);
  return { drift: n.found, findings: [] };
}
