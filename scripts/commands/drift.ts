import { hasErrors, type Finding } from "../../lib/finding.ts";
import { defineCommand } from "../command.ts";
import { declaredOne } from "../deploy.ts";
import { awsDrift, lastAuthor } from "../drift/aws.ts";
import { secretDrift, type Drift } from "../drift/secrets.ts";
import { projectName } from "../deployment.ts";
import { placeOf, vaultSiteOf } from "../../stacks/access/place.ts";

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
      found.push(...await awsDrift(place, d.environment.store, context.env));
      for (const [i, f] of found.entries()) found[i] = { ...f, by: await lastAuthor(f.name, d.environment.store, context.env) };
    }
    const site = vaultSiteOf(d);
    if (site && d.environment.store.kind === "vault") {
      const [{ VaultClient }, { vaultDrift }] = await Promise.all([import("../../providers/stores/vault-client.ts"), import("../drift/vault.ts")]);
      const client = new VaultClient(d.environment.store, context.env);
      found.push(...await vaultDrift(site, client, d.environment.store.audit));
      await client.close();
    }
    const all: Finding[] = [...findings, ...found.map((f): Finding => ({ code: CODE, severity: "error", message: `${f.kind} ${f.name}: expected ${f.expected}, found ${f.found}${f.by !== null ? `; last changed by ${f.by}` : ""}`, path: f.name, hint: "stackseal up brings back what git says; if the change is right, declare it" }))];
    return { exit: hasErrors(all) ? 1 : 0, findings: all, json: { drift: found }, text: found.length === 0 ? `${d.name}: the store is as git says.\n` : `${d.name}: ${found.length} differ from git.\n` };
  },
});
