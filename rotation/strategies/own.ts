import { versionOf as found } from "../../providers/stores/contract.ts";
import { storeSecretName } from "../../schemas/layout.ts";
import { stepOf } from "../../schemas/rotation-record.ts";
import { expand } from "../../schemas/template.ts";
import type { Strategy } from "../strategy.ts";

/** What we mint and verify ourselves: the sender signs with both through the window, until the old version leaves the store. */
export const own: Strategy = {
  obtain: (t) => Promise.resolve({ value: expand(t.e.spec.generate ?? ""), minted: {} }),
  revoke: async (t) => {
    const name = storeSecretName(t.r.declared.name, t.e.spec.class, t.e.integration);
    const old = stepOf(t.record(), "proposed")?.storeVersion;
    if (old !== undefined && found(await t.r.store.describe(name), old)?.label != null) await t.r.store.withdraw(name, old);
    return { ...(old !== undefined && { storeVersion: old }) };
  },
  discard: () => Promise.resolve({}),
};
