import type { Declared } from "../read.ts";

/** On everything that takes tags: whose it is. They never change, so that no replacement comes of them. */
export const ownTags = (d: Declared): Record<string, string> => ({ "managed-by": "stackseal", environment: d.name, tier: d.tier });
/** What holds data in production can only be deleted in two steps. */
export const holdsData = (d: Declared): { readonly protect: boolean } => ({ protect: d.tier === "production" });
