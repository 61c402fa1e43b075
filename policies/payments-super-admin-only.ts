import { definePolicy } from "./policy.ts";

const type = "stackseal:index:SealedVersion";
export const paymentsSuperAdminOnly = definePolicy({
  id: "payments-super-admin-only",
  title: "Payment secrets belong to Super Admins and their own stack",
  severity: "critical",
  level: "mandatory",
  remediation: "Payment credentials are declared in payments.yaml and deployed by the -payments stack.",
  chapter: "Super Admin Only",
  check: (r, report) => {
    const payments = /^urn:pulumi:[^:]+-payments::/.test(r.urn);
    const id: unknown = r.props["secretId"];
    const tags = r.props["tags"] as Record<string, unknown> | undefined;
    const values = r.props["values"] as { key?: unknown }[] | undefined;
    if (r.type === "stripe:index:WebhookEndpoint" && !payments) report("a Stripe endpoint is declared outside the payments stack");
    if (r.type !== type) return;
    if (typeof id === "string" && id.includes('/payments/') !== payments) report("the store secret's name and the stack are of different classes");
    if (payments && tags?.["owner"] !== "super-admin") report("a payment secret that isn't owned by super-admin");
    if (!payments && Array.isArray(values) && values.some((v) => typeof v.key === "string" && v.key.startsWith("stripe."))) report("a Stripe credential is delivered outside the payments stack");
  },
  passes: [{ says: "accepts a payment secret of its own stack", resource: { type, stack: "dev-payments", props: { secretId: "stackseal/dev/payments/stripe", tags: { owner: "super-admin" }, values: [{ key: "stripe.secretKey" }] } } }],
  breaks: [
    { says: "rejects a Stripe credential in the ordinary stack", resource: { type, stack: "dev", props: { secretId: "stackseal/dev/stripe", values: [{ key: "stripe.secretKey" }] } } },
    { says: "rejects a payment secret's name in the ordinary stack", resource: { type, stack: "dev", props: { secretId: "stackseal/dev/payments/stripe", values: [] } } },
    { says: "rejects another owner", resource: { type, stack: "dev-payments", props: { secretId: "stackseal/dev/payments/stripe", tags: { owner: "admin" }, values: [] } } },
    { says: "rejects a Stripe endpoint in the ordinary stack", resource: { type: "stripe:index:WebhookEndpoint", stack: "dev", props: {} } },
  ],
});
