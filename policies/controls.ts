// Which control of which framework a rule is evidence for. One table, with the source in which the control's text was read; where
// there is none the mapping is from memory of the standard and is shown as unverified. Where none fits, none is claimed.

export interface Control {
  readonly framework: "PCI DSS 4.0.1" | "SOC 2" | "ISO 27001:2022";
  readonly control: string;
  /** Where its text was read; absent: unverified. */
  readonly source?: string;
}
const SOURCES: Readonly<Record<string, string>> = {
  "PCI 6.5.1": "https://ce.prod.cloudaware.com/frameworks/pci-dss-v4.0.1/06/05",
  "PCI 6.5.3": "https://ce.prod.cloudaware.com/frameworks/pci-dss-v4.0.1/06/05",
  "PCI 6.5.4": "https://ce.prod.cloudaware.com/frameworks/pci-dss-v4.0.1/06/05",
  "PCI 6.5.6": "https://ce.prod.cloudaware.com/frameworks/pci-dss-v4.0.1/06/05",
  "PCI 7.2.4": "https://ce.prod.cloudaware.com/frameworks/pci-dss-v4.0.1/07/02/04",
  "PCI 8.3.6": "https://ce.prod.cloudaware.com/frameworks/pci-dss-v4.0.1/08/03",
  "PCI 8.6.2": "https://withpci.com/requirements/8/8.6/8.6.2",
  "PCI 8.6.3": "https://ce.prod.cloudaware.com/frameworks/pci-dss-v4.0/08/06/03",
  "PCI 10.2.1": "https://ce.prod.cloudaware.com/frameworks/pci-dss-v4.0.1/10/02",
  "PCI 10.2.1.2": "https://ce.prod.cloudaware.com/frameworks/pci-dss-v4.0.1/10/02",
  "PCI 10.2.1.5": "https://ce.prod.cloudaware.com/frameworks/pci-dss-v4.0.1/10/02",
  "SOC CC6.2": "https://ac5labs.com/soc2-readiness/controls/CC6.2",
  "SOC CC6.3": "https://ce.prod.cloudaware.com/frameworks/soc-2/cc6/03",
  "ISO A.5.15": "https://www.microlise.com/microlise-group-plc-statement-of-applicability",
  "ISO A.5.17": "https://www.microlise.com/microlise-group-plc-statement-of-applicability",
  "ISO A.5.18": "https://www.microlise.com/microlise-group-plc-statement-of-applicability",
  "ISO A.5.3": "https://www.microlise.com/microlise-group-plc-statement-of-applicability",
  "ISO A.5.9": "https://www.microlise.com/microlise-group-plc-statement-of-applicability",
  "ISO A.8.2": "https://www.isms.online/iso-27001/annex-a/8-2-use-of-privileged-access-rights-2022",
  "ISO A.8.5": "https://www.isms.online/iso-27001/annex-a/8-5-secure-authentication-2022",
  "ISO A.8.9": "https://dataguard.co.uk/knowledge/iso-27001-controls-annex-a",
  "ISO A.8.12": "https://dataguard.co.uk/knowledge/iso-27001-controls-annex-a",
  "ISO A.8.16": "https://dataguard.co.uk/knowledge/iso-27001-controls-annex-a",
  "ISO A.8.24": "https://www.ismslite.de/en/blog/iso-27001-a8-24-34-cryptography-development",
  "ISO A.8.31": "https://www.ismslite.de/en/blog/iso-27001-a8-24-34-cryptography-development",
  "ISO A.8.32": "https://www.ismslite.de/en/blog/iso-27001-a8-24-34-cryptography-development",
};
const FRAMEWORKS = { PCI: "PCI DSS 4.0.1", SOC: "SOC 2", ISO: "ISO 27001:2022" } as const;
const of = (...controls: string[]): Control[] =>
  controls.map((c) => {
    const [framework = "", control = ""] = c.split(" ");
    const source = SOURCES[c];
    return { framework: FRAMEWORKS[framework as keyof typeof FRAMEWORKS], control, ...(source !== undefined && { source }) };
  });

export const CONTROLS: Readonly<Record<string, readonly Control[]>> = {
  "test-live-mode": of("PCI 6.5.3", "PCI 6.5.6", "ISO A.8.31"),
  "staging-sandbox-accounts": of("PCI 6.5.3", "ISO A.8.31"),
  "production-live-accounts": of("PCI 6.5.6", "ISO A.8.31"),
  "no-shared-credentials": of("PCI 6.5.3", "SOC CC6.1", "ISO A.5.17"),
  "environment-separation": of("PCI 6.5.3", "PCI 6.5.4", "SOC CC6.1", "ISO A.8.31"),
  "no-credential-in-properties": of("PCI 8.6.2", "SOC CC6.1", "ISO A.5.17", "ISO A.8.12"),
  "no-hardcoded-credentials": of("PCI 8.6.2", "SOC CC6.1", "ISO A.5.17"),
  "payments-super-admin-only": of("PCI 7.2.2", "SOC CC6.3", "ISO A.8.2"),
  "no-wildcards": of("PCI 7.2.2", "PCI 7.2.5", "SOC CC6.3", "ISO A.5.15"),
  "secret-policy": of("PCI 7.2.2", "SOC CC6.1", "ISO A.5.15"),
  "customer-managed-key": of("PCI 3.7.4", "SOC CC6.1", "ISO A.8.24"),
  "recovery-window": of("SOC A1.2", "ISO A.8.13"),
  "protect-production-data": of("SOC A1.2", "ISO A.8.13"),
  "owned-and-tagged": of("ISO A.5.9"),
  "credential-age": of("PCI 8.6.3", "ISO A.5.17"),
  "credential-overdue": of("PCI 8.6.3", "ISO A.5.17"),
  "second-factor": of("PCI 8.4.2", "SOC CC6.1", "ISO A.8.5"),
  "attestation-age": of("PCI 8.4.2", "ISO A.8.5"),
  "strong-passwords": of("PCI 8.3.6", "PCI 8.6.3", "ISO A.5.17"),
  "webhook-urls": of("PCI 4.2.1", "SOC CC6.7"),
  "stripe-endpoints": of("ISO A.8.9"),
  "outbound-webhooks-signed": of("SOC CC6.7"),
  "smtp-encryption": of("PCI 4.2.1", "SOC CC6.7", "ISO A.8.24"),
  "mailtrap-not-in-production": of("PCI 6.5.6", "ISO A.8.31"),
  "from-domain-allowed": [],
  "crm-agency-only": [],
  "alerts-on-payments": of("PCI 10.2.1.5", "SOC CC7.2", "ISO A.8.16"),
  "audit-trail": of("PCI 10.2.1", "PCI 10.3.2", "PCI 10.3.4", "SOC CC7.2", "ISO A.8.15"),
  "backup-locked": of("SOC A1.2", "ISO A.8.13"),
  "replica-per-setting": of("SOC A1.2", "ISO A.8.14"),
  "deployer-bound": of("PCI 7.2.5", "PCI 8.6.1", "SOC CC6.1", "ISO A.8.2"),
  "nothing-public": of("PCI 1.4.4", "SOC CC6.6", "ISO A.8.20"),
  "no-leaver-recipients": of("PCI 8.2.5", "SOC CC6.2", "SOC CC6.3", "ISO A.5.18"),
  "open-exposures": of("PCI 8.6.3", "SOC CC7.4", "ISO A.5.18"),
  "known-writer": of("PCI 10.2.1.5", "SOC CC8.1", "ISO A.8.32"),
  "people-signed": of("PCI 7.2.3", "SOC CC6.2", "SOC CC6.3", "ISO A.5.18"),
  "staging-first": of("PCI 6.5.1", "SOC CC8.1", "ISO A.8.32"),
  "reviews-current": of("PCI 7.2.4", "SOC CC6.3", "ISO A.5.18"),
  "exceptions-valid": of("SOC CC8.1", "ISO A.5.3"),
};
/** `6.5.3` where the text was read, `6.5.3 (unverified)` where it wasn't; `none claimed` where there is none. */
export const controlsText = (rule: string, framework: Control["framework"]): string =>
  (CONTROLS[rule] ?? []).filter((c) => c.framework === framework).map((c) => (c.source === undefined ? `${c.control} (unverified)` : c.control)).join(", ") || "–";
