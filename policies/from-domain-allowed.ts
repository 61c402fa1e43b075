import { environmentFile } from "../schemas/layout.ts";
import { definePolicy } from "./policy.ts";

const within = (host: string, domain: string): boolean => host === domain || host.endsWith(`.${domain}`);

export const fromDomainAllowed = definePolicy({
  id: "from-domain-allowed",
  title: "Mail comes from a domain of the environment's own",
  severity: "medium",
  level: "mandatory",
  remediation: "Send from the platform's own domain, or name the domain in the rule's setting domains (policies/config.json).",
  chapter: "SMTP Settings",
  config: { domains: { type: "array", items: { type: "string" } } },
  codes: ["SMTP_FROM_MISMATCH"],
  declared: (f, report, settings) => {
    const allowed = Array.isArray(settings["domains"]) ? settings["domains"].map(String) : [];
    for (const d of f.environments.filter((e) => e.tier !== "local")) {
      const m = d.environment.integrations.smtp;
      const domain = m?.from.address.split("@")[1]?.toLowerCase();
      if (m === undefined || domain === undefined) continue;
      const host = new URL(d.environment.platform.url).hostname;
      const at = { file: environmentFile(d.name), path: ["integrations", "smtp", "from", "address"] };
      // The platform's domain, a part of it, or one above it; never a public suffix alone.
      const own = (within(host, domain) && domain.includes(".")) || within(domain, host) || allowed.some((a) => within(domain, a));
      if (!own) report(`${domain} is no domain of ${host}`, at);
      const foreign = f.environments.find((e) => e.name !== d.name && e.tier !== "local" && new URL(e.environment.platform.url).hostname === domain);
      if (foreign) report(`${domain} is the domain of ${foreign.name}`, at);
    }
  },
  passes: [{ says: "accepts the platform's own domain", project: () => undefined }],
  breaks: [
    { says: "rejects a stranger's domain", project: (p) => { p.replace("stacks/prod/environment.yaml", "no-reply@acme.example", "no-reply@other.example"); } },
    { says: "rejects a domain that only ends alike", project: (p) => { p.replace("stacks/prod/environment.yaml", "no-reply@acme.example", "no-reply@notacme.example"); } },
    { says: "rejects another environment's domain", project: (p) => { p.replace("stacks/staging/environment.yaml", "no-reply@staging.acme.example", "no-reply@dev.acme.example"); } },
    { says: "rejects a free mail service's domain through another provider", project: (p) => { p.replace("stacks/prod/environment.yaml", "no-reply@acme.example", "acme@gmail.com"); } },
  ],
});
