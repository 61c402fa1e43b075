import { environmentOfStack } from "../schemas/layout.ts";
import { definePolicy } from "./policy.ts";

const type = "stackseal:index:SealedVersion";
export const environmentSeparation = definePolicy({
  id: "environment-separation",
  title: "Modes, names and tags of one environment never in another",
  severity: "critical",
  level: "mandatory",
  remediation: "Every environment has credentials, accounts and names of its own.",
  chapter: "Environment Separation",
  check: (r, report) => {
    const { environment } = environmentOfStack(r.urn.split("::")[0]?.slice("urn:pulumi:".length) ?? "");
    const tags = r.props["tags"] as Record<string, unknown> | undefined;
    for (const name of [r.props["secretId"], r.type.startsWith("aws:") ? r.props["name"] : undefined])
      if (typeof name === "string" && /^\/?stackseal\//.test(name) && name.replace(/^\//, "").split("/")[1] !== environment) report("the name belongs to another environment");
    if (tags?.["environment"] !== undefined && tags["environment"] !== environment) report("the environment tag names another environment");
    const mode = tags?.["mode"];
    if (typeof mode !== "string") return;
    if (tags?.["tier"] === "production" && mode.includes("test")) report("a test credential in production");
    if (tags?.["tier"] !== "production" && mode.includes("live")) report("a live credential outside production");
  },
  passes: [{ says: "accepts an environment's own names and mode", resource: { type, stack: "dev", props: { secretId: "stackseal/dev/twilio", tags: { environment: "dev", tier: "development", mode: "test" } } } }],
  breaks: [
    { says: "rejects another environment's secret", resource: { type, stack: "dev", props: { secretId: "stackseal/prod/twilio" } } },
    { says: "rejects another environment's tag", resource: { type, stack: "dev", props: { secretId: "stackseal/dev/twilio", tags: { environment: "prod" } } } },
    { says: "rejects a live credential under dev", resource: { type, stack: "dev", props: { secretId: "stackseal/dev/calcom", tags: { environment: "dev", tier: "development", mode: "live" } } } },
    { says: "rejects a test credential in production", resource: { type, stack: "prod", props: { secretId: "stackseal/prod/calcom", tags: { environment: "prod", tier: "production", mode: "test" } } } },
  ],
});
