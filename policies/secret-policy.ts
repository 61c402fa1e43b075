import { each } from "./kit/unknown.ts";
import { definePolicy, SECRET, type Resource } from "./policy.ts";

const POLICY = "aws:secretsmanager/secretPolicy:SecretPolicy";
const urn = (type: string, name: string): string => `urn:pulumi:dev::stackseal::${type}::${name}`;
/** What a stack's policies are of: the URNs that their `secretArn` comes from, and the texts that it is. One pass, so that a large stack takes linear time. */
function covered(policies: readonly Resource[]): { readonly urns: ReadonlySet<string>; readonly texts: ReadonlySet<unknown> } {
  const urns = new Set<string>(), texts = new Set<unknown>();
  each(policies, (p) => {
    for (const u of p.from?.["secretArn"] ?? []) urns.add(u);
    if ((p.from?.["secretArn"] ?? []).length === 0 && typeof p.props["secretArn"] === "string") texts.add(p.props["secretArn"]);
  });
  return { urns, texts };
}

export const secretPolicy = definePolicy({
  id: "secret-policy",
  title: "Every secret has a resource policy, and public access is blocked",
  severity: "high",
  level: "mandatory",
  remediation: "Add an aws.secretsmanager.SecretPolicy with blockPublicPolicy: true for the secret.",
  chapter: "Access Control",
  resource: (r, report) => {
    if (r.type === POLICY && r.props["blockPublicPolicy"] !== true) report("a secret's policy that doesn't block public access (blockPublicPolicy)");
  },
  stack: (s, report) => {
    const policies = s.resources.filter((r) => r.type === POLICY);
    // Where policies are a stack of their own, this one has none at all: that stack is judged with its own secrets.
    if (policies.length === 0 && s.part !== "foundation") return;
    const of = covered(policies);
    each(s.resources.filter((r) => r.type === SECRET), (secret) => {
      // A secret without a policy comes back from AWS with an empty one.
      if (!["", "{}", undefined, null].includes(secret.props["policy"] as string)) return;
      if (!of.urns.has(secret.urn) && ![secret.props["arn"], secret.props["name"], secret.props["id"]].some((x) => x !== undefined && of.texts.has(x))) report(`the secret ${secret.name} has no resource policy`, secret.urn);
    });
  },
  passes: [
    { says: "accepts a policy that blocks public access", resource: { type: POLICY, props: { secretArn: "x", policy: "{}", blockPublicPolicy: true } } },
    { says: "accepts secrets that each have a policy", stack: [{ type: SECRET, name: "a", props: { name: "stackseal/dev/a" } }, { type: POLICY, name: "a", props: {}, from: { secretArn: [urn(SECRET, "a")] } }] },
  ],
  breaks: [
    { says: "rejects a secret whose policy came back empty", stack: [{ type: SECRET, name: "a", props: { name: "stackseal/dev/a", policy: "" } }, { type: POLICY, name: "b", props: {}, from: { secretArn: [urn(SECRET, "b")] } }] },
    { says: "rejects a policy that lets itself be made public", resource: { type: POLICY, props: { secretArn: "x", policy: "{}", blockPublicPolicy: false } } },
    { says: "rejects a policy that doesn't say", resource: { type: POLICY, props: { secretArn: "x", policy: "{}" } } },
    { says: "rejects a secret without a policy among others", stack: [{ type: SECRET, name: "a", props: { name: "stackseal/dev/a" } }, { type: SECRET, name: "b", props: { name: "stackseal/dev/b" } }, { type: POLICY, name: "a", props: {}, from: { secretArn: [urn(SECRET, "a")] } }] },
  ],
});
