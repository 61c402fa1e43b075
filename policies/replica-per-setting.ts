import { definePolicy, SECRET } from "./policy.ts";

export const replicaPerSetting = definePolicy({
  id: "replica-per-setting",
  title: "Secrets are replicated to the declared regions, and to no other",
  severity: "medium",
  level: "mandatory",
  remediation: "store.replicas in environment.yaml names the regions; the program follows it.",
  chapter: "Backup Configuration",
  resource: (r, report) => {
    if (r.type !== SECRET || !r.own) return;
    const given = ((r.props["replicas"] ?? []) as { region?: unknown }[]).map((x) => String(x.region));
    // A deployer's identity is read in the environment's own region, where deployments run.
    const identity = typeof r.props["name"] === "string" && /^stackseal\/[^/]+\/identity\//.test(r.props["name"]);
    const missing = identity ? [] : r.own.replicas.filter((x) => !given.includes(x));
    const more = given.filter((x) => !r.own?.replicas.includes(x));
    if (missing.length) report(`no replica in ${missing.join(", ")}`);
    if (more.length) report(`a replica in ${more.join(", ")}, which isn't declared`);
  },
  passes: [
    { says: "accepts a deployer's identity in the environment's own region alone", resource: { type: SECRET, stack: "replicated", props: { name: "stackseal/replicated/identity/deployer" } } },
    { says: "accepts no replica where none is declared", resource: { type: SECRET, stack: "dev", props: {} } },
    { says: "accepts the declared replica", resource: { type: SECRET, stack: "replicated", props: { replicas: [{ region: "eu-central-1" }] } } },
  ],
  breaks: [
    { says: "rejects a deployer's identity in a region that nobody declared", resource: { type: SECRET, stack: "replicated", props: { name: "stackseal/replicated/identity/deployer", replicas: [{ region: "us-east-1" }] } } },
    { says: "rejects a missing replica", resource: { type: SECRET, stack: "replicated", props: {} } },
    { says: "rejects a replica in another region", resource: { type: SECRET, stack: "replicated", props: { replicas: [{ region: "eu-central-1" }, { region: "us-east-1" }] } } },
    { says: "rejects a replica that nobody declared", resource: { type: SECRET, stack: "dev", props: { replicas: [{ region: "us-east-1" }] } } },
  ],
});
