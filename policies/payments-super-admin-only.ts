import { allows, ROLES, type Role } from "../schemas/access.ts";
import { called, statementsOf } from "./kit/statements.ts";
import { definePolicy, SEALED_VERSION, SECRET, tagsOf, WEBHOOK_ENDPOINT } from "./policy.ts";

const PAYMENTS = /secret:stackseal\/[a-z0-9-]+\/payments\/|stackseal\/[a-z0-9-]+\/payments\//;
const READS = /^secretsmanager:(GetSecretValue|BatchGetSecretValue|\*|Get\*|\*Value)$|^\*$/i;
const CHANGES = /^secretsmanager:(PutSecretValue|UpdateSecret|DeleteSecret|PutResourcePolicy|DeleteResourcePolicy|RotateSecret|RestoreSecret|ReplicateSecretToRegions|\*|Put\*|Update\*|Delete\*)$|^\*$/i;
const LONGEST_FIRST = [...ROLES].sort((a, b) => b.length - a.length);
/** The role of the matrix that a principal or a role's name stands for: `arn:…:role/stackseal-prod-payments-app` → payments-app. */
const roleIn = (text: string): Role | undefined => LONGEST_FIRST.find((r) => new RegExp(`(^|[/-])${r}([^a-z-]|$)`).test(text));

export const paymentsSuperAdminOnly = definePolicy({
  id: "payments-super-admin-only",
  title: "Payment secrets are the Super Admins' and their own stack's",
  severity: "critical",
  level: "mandatory",
  remediation: "Payment credentials are declared in payments.yaml, deployed by the -payments stack, and opened to super-admin and the payment-serving roles alone.",
  chapter: "Super Admin Only",
  codes: ["CREDENTIAL_CLASS"],
  resource: (r, report) => {
    const payments = r.part === "payments";
    if (r.type === WEBHOOK_ENDPOINT && !payments) report("a Stripe endpoint is declared outside the payments stack");
    if (r.type === SEALED_VERSION || r.type === SECRET) {
      const id = r.type === SECRET ? r.props["name"] : r.props["secretId"];
      if (typeof id === "string" && r.part !== "foundation" && id.includes("/payments/") !== payments) report("the store secret's name and the stack are of different classes");
      if (typeof id === "string" && id.includes("/payments/") && tagsOf(r)["owner"] !== "super-admin") report("a payment secret that isn't owned by super-admin");
    }
    if (r.type === SEALED_VERSION && !payments) {
      const values = r.props["values"] as { key?: unknown }[] | undefined;
      if (Array.isArray(values) && values.some((v) => typeof v.key === "string" && v.key.startsWith("stripe."))) report("a Stripe credential is delivered outside the payments stack");
    }
    // Who may: named in the policy of a payment secret, or in the role that a policy hangs on.
    const role = r.type.startsWith("aws:iam/") ? `role/${typeof r.props["role"] === "string" ? r.props["role"] : r.name}` : "";
    statementsOf(r.props, (s, property) => {
      const about = s.resources.some((x) => PAYMENTS.test(x)) || (r.type === "aws:secretsmanager/secretPolicy:SecretPolicy" && (PAYMENTS.test(String(r.props["secretArn"])) || payments));
      if (s.effect !== "Allow" || !about) return;
      const who = s.principals.length ? s.principals : [role];
      const wrong = who.filter((p) => { const found = roleIn(p); return found !== undefined && found !== "super-admin" && !found.startsWith("payments-"); });
      if (wrong.length && s.actions.some((a) => READS.test(a) || CHANGES.test(a))) report(`${called(s, property)} lets another role than super-admin and the payment-serving ones read or change payment secrets`);
    }, () => undefined);
  },
  declared: (f, report) => {
    for (const s of f.sealed.filter((x) => x.class === "payments")) {
      const members = Object.entries({ ...f.people?.people, ...f.people?.machines });
      for (const [name, m] of members) if (m.recipients.some((r) => s.recipients.includes(r)) && !allows(m.role, "payments", s.tier, "open")) report(`${name} (${m.role}) can open payment credentials of ${s.environment}`, { file: s.file, path: ["sops", "age"], hint: `stackseal secret reseal --env ${s.environment}` });
    }
  },
  passes: [
    { says: "accepts a payment secret of its own stack", resource: { type: SEALED_VERSION, stack: "dev-payments", props: { secretId: "stackseal/dev/payments/stripe", tags: { owner: "super-admin" }, values: [{ key: "stripe.secretKey" }] } } },
    { says: "accepts the payment-serving role as a reader", resource: { type: "aws:secretsmanager/secretPolicy:SecretPolicy", stack: "prod-payments", props: { secretArn: "arn:aws:secretsmanager:eu-west-1:333333333333:secret:stackseal/prod/payments/stripe-AbCdEf", policy: '{"Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::333333333333:role/stackseal-prod-payments-app","arn:aws:iam::333333333333:role/stackseal-prod-super-admin"]},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}' } } },
    { says: "accepts the recipients that the matrix names", project: () => undefined },
  ],
  breaks: [
    { says: "rejects a Stripe credential in the ordinary stack", resource: { type: SEALED_VERSION, stack: "dev", props: { secretId: "stackseal/dev/stripe", values: [{ key: "stripe.secretKey" }] } } },
    { says: "rejects a payment secret's name in the ordinary stack", resource: { type: SEALED_VERSION, stack: "dev", props: { secretId: "stackseal/dev/payments/stripe", values: [], tags: { owner: "super-admin" } } } },
    { says: "rejects another owner", resource: { type: SEALED_VERSION, stack: "dev-payments", props: { secretId: "stackseal/dev/payments/stripe", tags: { owner: "admin" }, values: [] } } },
    { says: "rejects a Stripe endpoint in the ordinary stack", resource: { type: WEBHOOK_ENDPOINT, stack: "dev", props: {} } },
    { says: "rejects an admin as a reader of payment secrets", resource: { type: "aws:secretsmanager/secretPolicy:SecretPolicy", stack: "prod-payments", props: { secretArn: "arn:aws:secretsmanager:eu-west-1:333333333333:secret:stackseal/prod/payments/stripe-AbCdEf", policy: '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::333333333333:role/stackseal-prod-admin"},"Action":["secretsmanager:GetSecretValue"],"Resource":"*"}]}' } } },
    { says: "rejects the ordinary app role's policy over payment secrets", resource: { type: "aws:iam/rolePolicy:RolePolicy", name: "app", stack: "prod-foundation", props: { role: "stackseal-prod-app", policy: '{"Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:eu-west-1:333333333333:secret:stackseal/prod/payments/*"}]}' } } },
    { says: "rejects an engineer among the recipients of payments", project: (p) => { p.replace("stacks/people.yaml", /(super-admin-2:\n\s+role: )super-admin/, "$1admin"); } },
  ],
});
