import type { Declared } from "../read.ts";

/** Where an environment's secrets go, as the providers take it. */
export function storeArgs(d: Declared): { kind: string; region?: string; accountId?: string; endpoint?: string; address?: string; mount?: string; namespace?: string } {
  const s = d.environment.store;
  switch (s.kind) {
    case "aws": return { kind: s.kind, region: s.region, accountId: s.accountId, ...(s.endpoint !== undefined && { endpoint: s.endpoint }) };
    case "vault": return { kind: s.kind, address: s.address, mount: s.mount, ...(s.namespace !== undefined && { namespace: s.namespace }) };
    case "file": return { kind: s.kind };
  }
}
