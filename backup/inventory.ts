import type { Declared } from "../stacks/read.ts";
import { LOCAL } from "../schemas/layout.ts";
import { openStore } from "../providers/stores/index.ts";
import type { BackupInput } from "./archive.ts";
import { parse } from "./archive.ts";

// What a store and the providers hold, as far as it may be known without a value: for rebuilding by hand what no state brings back.

/** Versions and labels of the stores' secrets. `local`'s store is on this machine; another is asked only where it was named. */
export async function lineageOf(o: BackupInput): Promise<Record<string, unknown>> {
  const out: Record<string, unknown> = {};
  for (const d of o.environments) {
    const store = d.environment.store;
    if (d.name !== LOCAL && !o.online.includes(d.name)) {
      out[d.name] = { kind: store.kind, asked: false };
      continue;
    }
    const secrets = await openStore({ root: o.root, env: o.env, clock: o.clock }, d.name, store).list(`stackseal/${d.name}/`);
    out[d.name] = { kind: store.kind, asked: true, secrets: secrets.filter((s) => s.deletedAt === undefined).map((s) => ({ name: s.name, ours: s.ours, tags: s.tags, versions: s.versions })) };
  }
  return out;
}
/** Account ids, URLs, event lists and endpoint ids, from the declarations and the states. Plain settings alone. */
export function inventoryOf(environments: readonly Declared[], states: ReadonlyMap<string, string>): Record<string, unknown> {
  const endpoints = new Map<string, unknown[]>();
  for (const [stack, text] of states) {
    const outer = parse(text);
    const deployment = (outer?.["deployment"] ?? (outer?.["checkpoint"] as { latest?: unknown } | undefined)?.latest) as { resources?: { type?: string; id?: string; urn?: string; outputs?: Record<string, unknown> }[] } | undefined;
    const found = (deployment?.resources ?? []).filter((r) => r.type === "stripe:index:WebhookEndpoint").map((r) => ({ id: r.id, name: r.urn?.split("::").at(-1), url: r.outputs?.["url"], events: r.outputs?.["enabledEvents"], apiVersion: r.outputs?.["apiVersion"] }));
    if (found.length) endpoints.set(stack, found);
  }
  return {
    environments: environments.map((d) => ({
      name: d.name, tier: d.tier, platform: d.environment.platform, store: d.environment.store, integrations: d.environment.integrations, stripe: d.payments?.stripe ?? null,
      credentials: d.credentials.map((c) => ({ path: c.path, kind: c.kind, class: c.spec.class, issueId: c.claims.issueId, fingerprint: c.claims.fingerprint, issuedAt: c.claims.issuedAt })),
    })),
    endpoints: Object.fromEntries(endpoints),
  };
}
