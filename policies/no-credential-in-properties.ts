import { gunzipSync, gzipSync } from "node:zlib";
import { findCredentials } from "../scan/find.ts";
import { compileRules, type RuleSet } from "../scan/rules.ts";
import { expand } from "../schemas/template.ts";
import { Unknowns } from "./kit/unknown.ts";
import { definePolicy, type Resource } from "./policy.ts";

let scanner: RuleSet | undefined;
const DECODED = /^[A-Za-z0-9+/_-]{24,}={0,2}$/;
const PRINTABLE = /^[\t\n\r\x20-\x7e]+$/;

/** Every text of a resource as a line of its own, the way a file would hold it: the scanner needs names and neighbours. */
function linesOf(r: Resource): { text: string; path: string }[] {
  const lines: { text: string; path: string }[] = [{ text: r.name, path: "" }];
  const u = new Unknowns();
  const add = (v: string, path: string, depth: number): void => {
    const key = path.replace(/\[\d+\]$/, "").split(".").pop() ?? path;
    lines.push({ text: `${key}: "${v}"`, path });
    if (depth > 2) return;
    if (DECODED.test(v)) {
      const text = Buffer.from(v, "base64").toString("latin1");
      const open = PRINTABLE.test(text) ? text : unpacked(text);
      if (open !== null) add(open, path, depth + 1);
    }
    if (/%[0-9A-Fa-f]{2}/.test(v)) {
      const text = decoded(v);
      if (text !== v) add(text, path, depth + 1);
    }
  };
  const walk = (v: unknown, path: string): void => {
    if (typeof v === "string") add(v, path, 0);
    else if (Array.isArray(v)) for (let i = 0; i < v.length; i++) u.try(() => { walk((v as unknown[])[i], `${path}[${i}]`); });
    else if (typeof v === "object" && v !== null) for (const k of Object.keys(v)) u.try(() => {
      if (k.length > 15) lines.push({ text: k, path });
      walk((v as Record<string, unknown>)[k], path ? `${path}.${k}` : k);
    });
  };
  walk(r.props, "");
  unknowns.set(lines, u);
  return lines;
}
const unknowns = new WeakMap<object, Unknowns>();
/** Start-up scripts come gzipped; null where it is something else. */
function unpacked(latin1: string): string | null {
  if (!latin1.startsWith("\x1f\x8b")) return null;
  try {
    const text = gunzipSync(Buffer.from(latin1, "latin1"), { maxOutputLength: 1 << 20 }).toString("latin1");
    return PRINTABLE.test(text) ? text : null;
  } catch {
    return null;
  }
}
function decoded(v: string): string {
  try {
    return decodeURIComponent(v);
  } catch {
    return v;
  }
}

const type = "aws:ssm/parameter:Parameter";
export const noCredentialInProperties = definePolicy({
  id: "no-credential-in-properties",
  title: "No credential value in any property of any resource",
  severity: "critical",
  level: "mandatory",
  remediation: "Seal the value with stackseal secret set and refer to it; issue it anew, for it stood in a plan.",
  chapter: "Avoid Hardcoding",
  resource: (r, report) => {
    const lines = linesOf(r);
    const starts: number[] = [];
    let text = "";
    for (const l of lines) {
      starts.push(text.length);
      text += `${Buffer.from(l.text, "utf8").toString("latin1")}\n`;
    }
    const said = new Set<string>();
    for (const h of findCredentials(text, (scanner ??= compileRules()))) {
      const path = lines[starts.findLastIndex((s) => s <= h.start)]?.path ?? "";
      const message = `property ${path} holds a credential (${h.rule.id}) in clear`;
      if (!said.has(message)) report(message);
      said.add(message);
    }
    unknowns.get(lines)?.end();
  },
  passes: [
    { says: "accepts references to sealed values", resource: { type: "stackseal:index:SealedVersion", name: "twilio", props: { secretId: "stackseal/dev/twilio", values: [{ variable: "TWILIO_AUTH_TOKEN", key: "twilio.authToken", issueId: "01JD0000000000000000000000", fingerprint: "g1:Zm9vYmFyYmF6cXV4Zm9vYg" }] } } },
    { says: "accepts identifiers that anybody may read", resource: { type, name: "twilio-TWILIO_ACCOUNT_SID", props: { name: "/stackseal/dev/twilio/TWILIO_ACCOUNT_SID", value: "AC00000000000000000000000000000001" } } },
  ],
  breaks: [
    { says: "rejects a Stripe key in a property", resource: { type, props: { value: expand("sk_live_{alnum:24}") } } },
    { says: "rejects a token deep inside", resource: { type, props: { a: [{ b: { c: expand("pat-na1-{uuid}") } }] } } },
    { says: "rejects a key in base64", resource: { type, props: { value: Buffer.from(expand("sk_test_{alnum:30}")).toString("base64") } } },
    { says: "rejects a password in JSON text", resource: { type: "aws:secretsmanager/secretVersion:SecretVersion", props: { secretString: JSON.stringify({ MAIL_PASSWORD: expand("{alnum:18}7!") }) } } },
    { says: "rejects a value without a shape by the name beside it", resource: { type, name: "twilio", props: { name: "/stackseal/dev/twilio/TWILIO_AUTH_TOKEN", value: expand("{hex:32}") } } },
    { says: "rejects a password in a URL", resource: { type: "vault:index/mount:Mount", props: { description: `postgres://app:${expand("{alnum:16}")}@db.internal/app` } } },
    { says: "rejects a percent-encoded key", resource: { type, props: { value: encodeURIComponent(`&${expand("whsec_{bytes64:32}")}&`) } } },
    { says: "rejects a key in a gzipped start-up script", resource: { type: "aws:ec2/launchTemplate:LaunchTemplate", props: { userData: gzipSync(`#!/bin/sh\nexport KEY=${expand("sk_live_{alnum:24}")}\n`).toString("base64") } } },
    { says: "rejects base64 inside a list", resource: { type, props: { items: [{ values: ["a", Buffer.from(expand("pit-{uuid}")).toString("base64")] }] } } },
    { says: "rejects a key as the name of a property", resource: { type, props: { tags: { [expand("sk_live_{alnum:24}")]: "x" } } } },
    { says: "rejects an age identity", resource: { type, props: { value: `x AGE-SECRET-KEY-1${expand("{alnum:58}").toUpperCase().replace(/[BIO1]/g, "Q")}` } } },
  ],
});
