import { definePolicy, SEALED_VERSION } from "./policy.ts";
import { each } from "./kit/unknown.ts";

export const noSharedCredentials = definePolicy({
  id: "no-shared-credentials",
  title: "No credential is shared between environments, or between two uses",
  severity: "critical",
  level: "mandatory",
  remediation: "Issue one anew for the second use: stackseal secret set --reason initial",
  chapter: "Separate Environments",
  codes: ["CREDENTIAL_SHARED", "VALUE_SHARED"],
  stack: (s, report) => {
    const seen = new Map<string, string>();
    each(s.resources.filter((r) => r.type === SEALED_VERSION), (r) => {
      for (const v of (r.props["values"] ?? []) as { key?: string; fingerprint?: string }[]) {
        if (v.fingerprint === undefined || v.key === undefined) continue;
        const first = seen.get(v.fingerprint);
        if (first !== undefined && first !== v.key) report(`${v.key} is the same value as ${first}`, r.urn);
        seen.set(v.fingerprint, first ?? v.key);
      }
    });
  },
  passes: [
    { says: "accepts one value under two variables", stack: [{ type: SEALED_VERSION, props: { values: [{ key: "smtp.password", variable: "A", fingerprint: "h1:AAAAAAAAAAAAAAAAAAAAAA" }, { key: "smtp.password", variable: "B", fingerprint: "h1:AAAAAAAAAAAAAAAAAAAAAA" }] } }] },
    { says: "accepts environments with credentials of their own", project: () => undefined },
  ],
  breaks: [
    { says: "rejects one value for two credentials", stack: [{ type: SEALED_VERSION, name: "a", props: { values: [{ key: "smtp.password", fingerprint: "h1:AAAAAAAAAAAAAAAAAAAAAA" }] } }, { type: SEALED_VERSION, name: "b", props: { values: [{ key: "vonage.apiSecret", fingerprint: "h1:AAAAAAAAAAAAAAAAAAAAAA" }] } }] },
    { says: "rejects staging's credential in development", project: (p) => {
      // A fingerprint copied with its value would be the same; the signature breaks too, which another rule says.
      p.replace("stacks/dev/secrets.sops.yaml", /fingerprint: g1:\S+/, "fingerprint: g1:AAAAAAAAAAAAAAAAAAAAAA");
      p.replace("stacks/staging/secrets.sops.yaml", /fingerprint: g1:\S+/, "fingerprint: g1:AAAAAAAAAAAAAAAAAAAAAA");
    } },
  ],
});
