import { definePolicy, SEALED_VERSION, tagsOf, tierOf } from "./policy.ts";

export const testLiveMode = definePolicy({
  id: "test-live-mode",
  title: "Test credentials outside production, live ones only there",
  severity: "critical",
  level: "mandatory",
  remediation: "Use the provider's test mode outside production and its live mode there; a live key that stood elsewhere is exposed: issue it anew.",
  chapter: "Environment Separation",
  codes: ["LIVE_KEY_OUTSIDE_PRODUCTION", "TEST_KEY_IN_PRODUCTION", "STRIPE_MODE_TIER", "STRIPE_KEY_MODE", "VALUE_MODE"],
  resource: (r, report) => {
    if (r.type !== SEALED_VERSION) return;
    const mode = tagsOf(r)["mode"];
    const tier = tierOf(r);
    if (typeof mode !== "string" || tier === undefined) return;
    if (tier === "production" && mode.includes("test")) report("a test credential is delivered in production");
    if (tier !== "production" && mode.includes("live")) report("a live credential is delivered outside production");
  },
  passes: [
    { says: "accepts test credentials in development", resource: { type: SEALED_VERSION, stack: "dev", props: { tags: { tier: "development", mode: "test" } } } },
    { says: "accepts live credentials in production", resource: { type: SEALED_VERSION, stack: "prod", props: { tags: { tier: "production", mode: "live" } } } },
    { says: "accepts the declared modes", project: () => undefined },
  ],
  breaks: [
    { says: "rejects a live credential under dev", resource: { type: SEALED_VERSION, stack: "dev", props: { tags: { tier: "development", mode: "live" } } } },
    { says: "rejects a test credential in production", resource: { type: SEALED_VERSION, stack: "prod", props: { tags: { tier: "production", mode: "test" } } } },
    { says: "rejects a live credential hidden among test ones", resource: { type: SEALED_VERSION, stack: "staging", props: { tags: { tier: "staging", mode: "live+test" } } } },
    { says: "rejects Stripe's live mode in staging", project: (p) => { p.replace("stacks/staging/payments.yaml", "mode: test", "mode: live"); } },
    { says: "rejects Stripe's test mode in production", project: (p) => { p.replace("stacks/prod/payments.yaml", "mode: live", "mode: test"); } },
    { says: "rejects a live claim in development", project: (p) => { p.replace("stacks/dev/payments.sops.yaml", "mode: test", "mode: live"); } },
    { says: "rejects a publishable key of the other mode", project: (p) => { p.replace("stacks/dev/payments.yaml", "pk_test_", "pk_live_"); } },
  ],
});
