import { definePolicy, SECRET, tierOf } from "./policy.ts";

export const recoveryWindow = definePolicy({
  id: "recovery-window",
  title: "A deleted secret can be restored: 30 days in production, 7 elsewhere",
  severity: "high",
  level: "mandatory",
  remediation: "Set recoveryWindowInDays: 30 in production, 7 to 30 elsewhere, never 0.",
  chapter: "Backup Configuration",
  config: { production: { type: "integer", minimum: 7, maximum: 30 }, other: { type: "integer", minimum: 7, maximum: 30 } },
  resource: (r, report, _known, settings) => {
    if (r.type !== SECRET) return;
    const days = r.props["recoveryWindowInDays"] ?? 30;
    const tier = tierOf(r);
    const least = Number(tier === "production" ? (settings["production"] ?? 30) : (settings["other"] ?? 7));
    if (typeof days === "number" && days < least) report(`a deleted secret is gone in ${days === 0 ? "no time" : `${days} days`}; ${tier ?? "here"} wants ${least}`);
  },
  passes: [
    { says: "accepts 30 days in production", resource: { type: SECRET, stack: "prod", props: { recoveryWindowInDays: 30, tags: { tier: "production" } } } },
    { says: "accepts 7 days in development", resource: { type: SECRET, stack: "dev", props: { recoveryWindowInDays: 7 } } },
    { says: "accepts AWS's default", resource: { type: SECRET, stack: "prod", props: {} } },
  ],
  breaks: [
    { says: "rejects 7 days in production", resource: { type: SECRET, stack: "prod", props: { recoveryWindowInDays: 7 } } },
    { says: "rejects deletion at once", resource: { type: SECRET, stack: "dev", props: { recoveryWindowInDays: 0 } } },
  ],
});
