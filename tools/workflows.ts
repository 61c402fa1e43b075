import type { Options } from "../scripts/workflows/table.ts";

/** What this repository's own workflows are for: the example environments. */
export const OWN_WORKFLOWS: Options = { own: true, places: [{ name: "dev", tier: "development" }, { name: "staging", tier: "staging" }, { name: "prod", tier: "production" }] };
