import { gzipSync } from "node:zlib";
import { findCredentials } from "../scan/find.ts";
import { compileRules, type RuleSet } from "../scan/rules.ts";
import type { ScanRule } from "../schemas/scan-rules.ts";
import { expand } from "../schemas/template.ts";
import { writtenIn } from "./kit/texts.ts";
import { Unknowns } from "./kit/unknown.ts";
import { definePolicy, type Resource } from "./policy.ts";

let scanner: RuleSet | undefined;

/** Every text of a resource as a line of its own, the way a file would hold it: the scanner needs names and neighbours. */
function linesOf(r: Resource, u: Unknowns): { text: string; path: string }[] {
  const lines: { text: string; path: string }[] = [{ text: r.name, path: "" }];
  for (const w of writtenIn(r.props)) {
    const { path } = w;
    if ("unknown" in w) u.try(() => { throw w.unknown; });
    else if ("text" in w) lines.push({ text: `${path.replace(/\[\d+\]$/, "").split(".").pop() ?? path}: "${w.text}"`, path });
    else if (w.key.length > 15) lines.push({ text: w.key, path });
  }
  return lines;
}
/** Ids and versions that a provider chose look like keys: of what came out only a shape of its own tells, or a password's name. */
const certain = (rule: ScanRule): boolean => rule.likely !== true || rule.id.endsWith("password");
function judge(r: Resource, u: Unknowns, report: (message: string) => void, counts: (rule: ScanRule) => boolean = () => true): void {
  const lines = linesOf(r, u);
  const starts: number[] = [];
  let text = "";
  for (const l of lines) {
    starts.push(text.length);
    text += `${Buffer.from(l.text, "utf8").toString("latin1")}\n`;
  }
  const said = new Set<string>();
  for (const h of findCredentials(text, (scanner ??= compileRules()))) {
    if (!counts(h.rule)) continue;
    const path = lines[starts.findLastIndex((s) => s <= h.start)]?.path ?? "";
    const message = `property ${path} holds a credential (${h.rule.id}) in clear`;
    if (!said.has(message)) report(message);
    said.add(message);
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
    const u = new Unknowns();
    judge(r, u, report);
    u.end();
  },
  // What came out of it, the stack's own outputs too. What can't be known yet was said of what went in.
  stack: (s, report) => {
    for (const r of s.resources) judge(r, new Unknowns(), (m) => { report(m, r.urn); }, certain);
  },
  passes: [
    { says: "accepts references to sealed values", resource: { type: "stackseal:index:SealedVersion", name: "twilio", props: { secretId: "stackseal/dev/twilio", values: [{ variable: "TWILIO_AUTH_TOKEN", key: "twilio.authToken", issueId: "01JD0000000000000000000000", fingerprint: "g1:Zm9vYmFyYmF6cXV4Zm9vYg" }] } } },
    { says: "accepts the ids of versions among a stack's outputs", stack: [{ type: "pulumi:pulumi:Stack", props: { versions: { salesforce: expand("{hex:64}"), twilio: expand("{hex:32}"), vapi: expand("{uuid}") } } }] },
    { says: "accepts identifiers that anybody may read", resource: { type, name: "twilio-TWILIO_ACCOUNT_SID", props: { name: "/stackseal/dev/twilio/TWILIO_ACCOUNT_SID", value: "AC00000000000000000000000000000001" } } },
  ],
  breaks: [
    { says: "rejects a password among a stack's outputs", stack: [{ type: "pulumi:pulumi:Stack", props: { mailPassword: `Zq${expand("{alnum:12}")}7!` } }] },
    { says: "rejects a key among a stack's outputs", stack: [{ type: "pulumi:pulumi:Stack", props: { apiKey: expand("sk_live_{alnum:24}") } }] },
    { says: "rejects a key that came out of a resource", stack: [{ type: "aws:iam/accessKey:AccessKey", props: { user: "a", secret: expand("sk_live_{alnum:24}") } }] },
    { says: "rejects the keys of a provider", resource: { type: "pulumi:providers:aws", props: { region: "eu-west-1", secretKey: `${expand("{alnum:37}")}/7+` } } },
    { says: "rejects a key in hex", resource: { type, props: { value: Buffer.from(expand("sk_live_{alnum:24}")).toString("hex") } } },
    { says: "rejects base64 in the middle of a text", resource: { type, props: { value: `https://h.example/?a=${Buffer.from(expand("sk_live_{alnum:24}")).toString("base64")}&b=1` } } },
    { says: "rejects base64 within JSON text", resource: { type, props: { value: JSON.stringify({ a: { b: Buffer.from(expand("sk_live_{alnum:24}")).toString("base64") } }) } } },
    { says: "rejects base64 in lines", resource: { type, props: { value: Buffer.from(`# a start-up script with more text than one line takes\n${"# and more\n".repeat(9)}KEY=${expand("sk_live_{alnum:24}")}\n`).toString("base64").replace(/.{76}/g, "$&\n") } } },
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
