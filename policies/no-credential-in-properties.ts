import { integrations } from "../schemas/integrations/index.ts";
import { expand } from "../schemas/template.ts";
import { definePolicy } from "./policy.ts";

// Formats with a prefix of their own; "32 hexadecimal digits" would accuse every digest.
const FORMATS = integrations.flatMap((i) => Object.entries(i.secrets).filter(([, s]) => /^\^\(?[a-zA-Z]{2,}|^\^https/.test(s.format.pattern.source) && !s.human).map(([n, s]) => ({ kind: `${i.id}.${n}`, pattern: s.format.pattern })));
const EXTRA = [/AGE-SECRET-KEY-1[0-9A-Z]{20}/, /-----BEGIN [A-Z ]*PRIVATE KEY-----/, /\bSG\.[\w-]{22}\.[\w-]{43}\b/, /\b[rs]k_(test|live)_[A-Za-z0-9]{16,}/];

function find(text: string, depth = 0): string | null {
  const hit = FORMATS.find((f) => f.pattern.test(text));
  if (hit) return hit.kind;
  if (EXTRA.some((e) => e.test(text))) return "a key";
  if (depth === 0 && text.length >= 24 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return find(Buffer.from(text, "base64").toString("utf8"), 1);
  return null;
}
function walk(v: unknown, path: string, report: (message: string) => void): void {
  if (typeof v === "string") {
    const kind = find(v);
    if (kind !== null) report(`property ${path} holds a credential (${kind}) in clear`);
  } else if (Array.isArray(v)) v.forEach((x, i) => { walk(x, `${path}[${i}]`, report); });
  else if (typeof v === "object" && v !== null) for (const [k, x] of Object.entries(v)) walk(x, path ? `${path}.${k}` : k, report);
}

const type = "aws:ssm/parameter:Parameter";
export const noCredentialInProperties = definePolicy({
  id: "no-credential-in-properties",
  title: "No credential value in any property of any resource",
  severity: "critical",
  level: "mandatory",
  remediation: "Seal the value with stackseal secret set and refer to it; issue it anew, for it stood in a plan.",
  chapter: "Avoid Hardcoding",
  check: (r, report) => { walk(r.props, "", report); },
  passes: [{ says: "accepts references to sealed values", resource: { type: "stackseal:index:SealedVersion", props: { values: [{ key: "stripe.secretKey", fingerprint: "g1:Zm9vYmFyYmF6cXV4Zm9vYg" }] } } }],
  breaks: [
    { says: "rejects a Stripe key in a property", resource: { type, props: { value: expand("sk_live_{alnum:24}") } } },
    { says: "rejects one deep inside", resource: { type, props: { a: [{ b: { c: expand("pat-na1-{uuid}") } }] } } },
    { says: "rejects one in base64", resource: { type, props: { value: Buffer.from(expand("sk_test_{alnum:30}")).toString("base64") } } },
    { says: "rejects an age identity", resource: { type, props: { value: `x AGE-SECRET-KEY-1${"Q".repeat(58)}` } } },
  ],
});
