import type { Declared } from "../../stacks/read.ts";
import type { Tier } from "../../schemas/access.ts";
import { TIER_ORDER } from "./kit.ts";
import type { Place } from "./step.ts";

/** The declared environments that jobs are for: all but `local`, lower tiers first. A store on an emulator is of this machine and has no job. */
export const placesFor = (environments: readonly { readonly name: string; readonly tier: Tier; readonly environment: Pick<Declared["environment"], "store">; readonly payments: unknown }[]): Place[] =>
  environments.filter((d) => d.tier !== "local").map((d): Place => {
    const s = d.environment.store;
    return { name: d.name, tier: d.tier, payments: d.payments !== null, aws: s.kind === "aws" && s.endpoint === undefined ? { accountId: s.accountId, region: s.region } : null };
  }).sort((a, b) => TIER_ORDER.indexOf(a.tier) - TIER_ORDER.indexOf(b.tier) || (a.name < b.name ? -1 : 1));
