import { hasErrors, type Finding } from "../../lib/finding.ts";
import { canaryFindings } from "../canary/state.ts";
import { defineCommand, type Context } from "../command.ts";
import { declaredOne, withSandbox } from "../deploy.ts";
import { awsDrift } from "../drift/aws.ts";
import { secretDrift, type Drift } from "../drift/secrets.ts";
import { stripeDrift } from "../drift/stripe.ts";
import { projectName } from "../deployment.ts";
import { placeOf, vaultSiteOf } from "../../stacks/access/place.ts";
import type { Declared } from "../../stacks/read.ts";

const CODE = "DRIFT_FOUND";

export default defineCommand({
  name: "drift",
  summary: "Compare the store, its policies, keys and alerts with git, by rights to list and describe alone",
  wants: "one",
  examples: ["stackseal drift --env prod", "stackseal drift --env prod --json"],
  run: async (context) => {
    const { d, findings } = declaredOne(context);
    const { openStore } = await import("../../providers/stores/index.ts");
    const ctx = { root: context.root, env: context.env, clock: context.clock };
    context.progress(`looking at the store of ${d.name}`);
    const store = openStore(ctx, d.name, d.environment.store);
    const found: Drift[] = await secretDrift(context.root, d, store);
    const place = placeOf(d, projectName(context.root));
    if (place && d.environment.store.kind === "aws") {
      found.splice(0, Infinity, ...await awsDrift(place, d, d.environment.store, context.env, found));
    }
    const site = vaultSiteOf(d);
    if (site && d.environment.store.kind === "vault") {
      const [{ VaultClient }, { vaultDrift }] = await Promise.all([import("../../providers/stores/vault-client.ts"), import("../drift/vault.ts")]);
      const client = new VaultClient(d.environment.store, context.env);
      found.push(...await vaultDrift(site, client, d.environment.store.audit));
      await client.close();
    }
    const stripe = await stripeDriftOf(context, d);
    found.push(...stripe.drift);
    const all: Finding[] = [...findings, ...stripe.findings, ...(place ? canaryFindings(context.root, place) : []), ...found.map((f): Finding => ({ code: CODE, severity: "error", message: `${f.kind} ${f.name}: expected ${f.expected}, found ${f.found}${f.by !== null ? `; last changed by ${f.by}` : ""}`, path: f.name, hint: "stackseal up brings back what git says; if the change is right, declare it" }))];
    return { exit: hasErrors(all) ? 1 : 0, findings: all, json: { drift: found }, text: found.length === 0 ? `${d.name}: the store is as git says.\n` : `${d.name}: ${found.length} differ from git.\n` };
  },
});
/** Stripe's own address, or the sandbox's where payments.yaml says so. */
async function stripeDriftOf(context: Context, d: Declared): Promise<Awaited<ReturnType<typeof stripeDrift>>> {
  const base = d.payments?.stripe.apiBase;
  return withSandbox(context, d, (sandbox) => stripeDrift(context, d, projectName(context.root), base === "sandbox" ? sandbox : base));
}
