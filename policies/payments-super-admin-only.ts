import { allows, ROLES, type Role } from "../schemas/access.ts";
import { accountRoot, called, statementsOf, takesIn, type Statement } from "./kit/statements.ts";
import { definePolicy, SEALED_VERSION, SECRET, tagsOf, WEBHOOK_ENDPOINT } from "./policy.ts";

const PAYMENTS = /secret:stackseal\/[a-z0-9-]+\/payments\/|stackseal\/[a-z0-9-]+\/payments\//;
/** What reads or changes a secret's value, or who may. */
const MIGHTY = ["GetSecretValue", "BatchGetSecretValue", "PutSecretValue", "UpdateSecret", "DeleteSecret", "PutResourcePolicy", "DeleteResourcePolicy", "RotateSecret", "RestoreSecret", "ReplicateSecretToRegions"].map((a) => `secretsmanager:${a}`);
/** Whether an ARN, or a pattern of them, takes in a payment secret of an environment. */
function ofPayments(arn: string, environment: string): boolean {
  if (PAYMENTS.test(arn)) return true;
  const [, , service, , , ...rest] = arn.split(":");
  return arn === "*" || (service !== undefined && takesIn(service, "secretsmanager") && takesIn(rest.join(":") || "*", `secret:stackseal/${environment}/payments/stripe-AbCdEf`));
}
const taggedOtherwise = (s: Statement): boolean => Object.entries(s.conditions).some(([op, keys]) => op === "StringEquals" && Object.entries(keys).some(([k, v]) => /^(?:aws|secretsmanager):ResourceTag\/class$/.test(k) && !v.includes("payments")));
/** Policies that hang on one principal; others are given to whom they are attached. */
const HANGS = /^aws:iam\/(?:role|user|group)(?:Policy)?:/;
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
      // In a secret's own policy `*` is that secret; elsewhere it is every secret that its tags don't leave out.
      const about = r.type === "aws:secretsmanager/secretPolicy:SecretPolicy" ? PAYMENTS.test(String(r.props["secretArn"])) || payments || s.resources.some((x) => PAYMENTS.test(x)) : !taggedOtherwise(s) && s.resources.some((x) => ofPayments(x, r.environment));
      if (s.effect !== "Allow" || !about) return;
      const who = s.principals.length ? s.principals : [role];
      // Whoever the matrix doesn't know isn't among those who may; the account's root is how its own roles are meant.
      const strangers = s.principals.length > 0 || HANGS.test(r.type);
      const wrong = who.filter((p) => { const found = roleIn(p); return found === undefined ? strangers && !accountRoot(p) : found !== "super-admin" && !found.startsWith("payments-"); });
      if (wrong.length && (s.notAction || s.actions.some((a) => MIGHTY.some((m) => takesIn(a, m))))) report(`${called(s, property)} lets another role than super-admin and the payment-serving ones read or change payment secrets`);
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
    { says: "accepts a role that reads ordinary secrets alone", resource: { type: "aws:iam/rolePolicy:RolePolicy", name: "app", stack: "prod-foundation", props: { role: "stackseal-prod-app", policy: '{"Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":["arn:aws:secretsmanager:eu-west-1:333333333333:secret:stackseal/prod/hubspot-??????"]},{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:*:*:secret:stackseal/prod/*","Condition":{"StringEquals":{"aws:ResourceTag/class":"standard"}}}]}' } } },
    { says: "accepts an ordinary secret's own policy, where * is that secret", resource: { type: "aws:secretsmanager/secretPolicy:SecretPolicy", stack: "prod", props: { secretArn: "arn:aws:secretsmanager:eu-west-1:333333333333:secret:stackseal/prod/hubspot-AbCdEf", policy: '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::333333333333:role/stackseal-prod-app"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}' } } },
    { says: "accepts the recipients that the matrix names", project: () => undefined },
  ],
  breaks: [
    { says: "rejects a Stripe credential in the ordinary stack", resource: { type: SEALED_VERSION, stack: "dev", props: { secretId: "stackseal/dev/stripe", values: [{ key: "stripe.secretKey" }] } } },
    { says: "rejects a payment secret's name in the ordinary stack", resource: { type: SEALED_VERSION, stack: "dev", props: { secretId: "stackseal/dev/payments/stripe", values: [], tags: { owner: "super-admin" } } } },
    { says: "rejects another owner", resource: { type: SEALED_VERSION, stack: "dev-payments", props: { secretId: "stackseal/dev/payments/stripe", tags: { owner: "admin" }, values: [] } } },
    { says: "rejects a Stripe endpoint in the ordinary stack", resource: { type: WEBHOOK_ENDPOINT, stack: "dev", props: {} } },
    { says: "rejects an admin as a reader of payment secrets", resource: { type: "aws:secretsmanager/secretPolicy:SecretPolicy", stack: "prod-payments", props: { secretArn: "arn:aws:secretsmanager:eu-west-1:333333333333:secret:stackseal/prod/payments/stripe-AbCdEf", policy: '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::333333333333:role/stackseal-prod-admin"},"Action":["secretsmanager:GetSecretValue"],"Resource":"*"}]}' } } },
    { says: "rejects the ordinary app role's policy over payment secrets", resource: { type: "aws:iam/rolePolicy:RolePolicy", name: "app", stack: "prod-foundation", props: { role: "stackseal-prod-app", policy: '{"Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:eu-west-1:333333333333:secret:stackseal/prod/payments/*"}]}' } } },
    { says: "rejects a reader of payment secrets whom the matrix doesn't know", resource: { type: "aws:secretsmanager/secretPolicy:SecretPolicy", stack: "prod-payments", props: { secretArn: "arn:aws:secretsmanager:eu-west-1:333333333333:secret:stackseal/prod/payments/stripe-AbCdEf", policy: '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::333333333333:role/reporting"},"Action":["secretsmanager:GetSecretValue"],"Resource":"*"}]}' } } },
    { says: "rejects an app role that reads every secret, payments among them", resource: { type: "aws:iam/rolePolicy:RolePolicy", name: "app", stack: "prod-foundation", props: { role: "stackseal-prod-app", policy: '{"Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}' } } },
    { says: "rejects an app role that reads all of its environment's secrets", resource: { type: "aws:iam/rolePolicy:RolePolicy", name: "app", stack: "prod-foundation", props: { role: "stackseal-prod-app", policy: '{"Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretVal??","Resource":"arn:aws:secretsmanager:*:333333333333:secret:stackseal/prod/*"}]}' } } },
    { says: "rejects an engineer among the recipients of payments", project: (p) => { p.replace("stacks/people.yaml", /(super-admin-2:\n\s+role: )super-admin/, "$1admin"); } },
  ],
});
