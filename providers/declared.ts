import { lstatSync } from "node:fs";
import { join } from "node:path";
import { parseDocument, readDocument, readText } from "../lib/document.ts";
import { FindingError } from "../lib/finding.ts";
import type { CheckFailure } from "../lib/provider.ts";
import { UNKNOWN, type Value } from "../lib/pulumi-value.ts";
import type { SecretClass } from "../schemas/access.ts";
import type { Claims } from "../schemas/claims.ts";
import type { Environment, Payments } from "../schemas/environment.ts";
import { companionsOf, specOf, variablesOf } from "../schemas/integrations/index.ts";
import { environmentFile, paymentsFile, sealedFile } from "../schemas/layout.ts";
import { parseEnvironment, parsePayments } from "../schemas/parse.ts";
import { openForDeploy, type Unsealed } from "../seal/deploy.ts";
import type { ProviderContext } from "./context.ts";
import { fail, failure } from "./input.ts";
import { isMap, asText } from "./values.ts";

/** A sealed credential as a resource names it. */
export interface Reference {
  readonly key: string;
  readonly issueId: string;
  readonly fingerprint: string;
}
const KEY = /^([a-z][a-z0-9-]*)(?:\.([a-z0-9][a-z0-9-]*))?\.([a-z][A-Za-z0-9]*)$/;

/** Refuses a reference that is a path, that no integration declares, or that is of another class than the stack's. */
export function referenceFailures(key: Value | undefined, cls: SecretClass, property: string): CheckFailure[] {
  if (key === UNKNOWN || key === undefined) return [];
  const m = typeof key === "string" ? KEY.exec(key) : null;
  if (!m) return [failure(property, "REFERENCE_PATH", "a reference is the dotted path of a credential of this environment: no file, no folder, no ..")];
  const spec = specOf(`${m[1] ?? ""}.${m[3] ?? ""}`);
  if (!spec || (spec.each === undefined) !== (m[2] === undefined)) return [failure(property, "REFERENCE_UNDECLARED", "no integration declares such a credential")];
  return spec.class === cls ? [] : [failure(property, "REFERENCE_CLASS", `a credential of class ${spec.class} in a stack of class ${cls}`)];
}
/** The run-time variables that may carry a credential; empty where the key is none. */
export function variablesFor(key: string): string[] {
  const m = KEY.exec(key);
  const spec = m && specOf(`${m[1] ?? ""}.${m[3] ?? ""}`);
  return spec ? variablesOf(spec, m[2]) : [];
}
export const integrationIn = (key: string): string => KEY.exec(key)?.[1] ?? "";

/** The sealed file of an environment and class, refused where it or a folder above it is a link: it could lead into another environment. */
export function linkFailures(root: string, environment: string, cls: SecretClass, property: string): CheckFailure[] {
  const parts = sealedFile(environment, cls).split("/");
  const linked = parts.map((_, i) => parts.slice(0, i + 1).join("/")).find((p) => lstatSync(join(root, p), { throwIfNoEntry: false })?.isSymbolicLink());
  return linked === undefined ? [] : [failure(property, "REFERENCE_SYMLINK", `${linked} is a symbolic link`)];
}

/** Opens each sealed file once in a provider's life; `close` forgets what was opened. */
export class Sealed {
  private readonly context: ProviderContext;
  private readonly opened = new Map<string, Promise<Unsealed>>();
  constructor(context: ProviderContext) {
    this.context = context;
  }
  open(environment: string, cls: SecretClass): Promise<Unsealed> {
    const key = `${environment}/${cls}`;
    const known = this.opened.get(key);
    if (known) return known;
    const opening = (this.context.open ?? openForDeploy)(this.context.root, environment, cls, this.context.env);
    this.opened.set(key, opening);
    // A failure isn't kept: the next resource tries again and says the same with its own name.
    opening.catch(() => this.opened.delete(key));
    return opening;
  }
  close(): void {
    this.opened.clear();
  }
}

/** The value behind a reference, with its claims. Throws FindingError where the sealed file tells otherwise than the plan. */
export function resolveReference(r: Reference, unsealed: Unsealed): { readonly value: string; readonly claims: Claims } {
  const claims = unsealed.claims.get(r.key);
  const value = unsealed.values.get(r.key);
  if (!claims || value === undefined) throw fail("REFERENCE_MISSING", `${r.key} isn't in the sealed file`, r.key, "preview again: the sealed file was changed since");
  if (claims.issueId !== r.issueId || claims.fingerprint !== r.fingerprint) throw fail("REFERENCE_STALE", `${r.key}: the sealed file has another issue than the plan`, r.key, "preview again: the sealed file was changed since");
  return { value, claims };
}
export const asReference = (v: Value | undefined): Reference => {
  const m = isMap(v) ? v : {};
  return { key: asText(m["key"]), issueId: asText(m["issueId"]), fingerprint: asText(m["fingerprint"]) };
};

/** The file as it was last parsed: every delivery asks, and a long one takes a while to parse. */
let last: { readonly text: string; readonly value: Environment } | null = null;
/** environment.yaml as declared now; the target of a delivery comes from here. Throws FindingError. */
export function declaredEnvironment(root: string, environment: string): Environment {
  const file = environmentFile(environment), { text, findings } = readText(root, file);
  if (text !== null && last?.text === text) return last.value;
  const doc = text === null ? { document: null, findings } : parseDocument(text, file);
  const parsed = doc.document && parseEnvironment(doc.document);
  if (!parsed?.value) throw new FindingError([...doc.findings, ...(parsed?.findings ?? [])], 2);
  last = { text: text ?? "", value: parsed.value };
  return parsed.value;
}
/** What goes with these credentials into the same version of a store's secret: a password's user name. Variable → text; empty for most. */
export function declaredCompanions(root: string, secretId: string, keys: readonly string[]): Record<string, string> {
  const [integration = "", environment = ""] = [keys.map(integrationIn)[0], secretId.split("/")[1]];
  const secrets = keys.map((k) => k.split(".").at(-1) ?? "");
  // Only these few need the declaration read.
  if (!secrets.some((s) => specOf(`${integration}.${s}`)?.pairs !== undefined)) return {};
  const settings = (declaredEnvironment(root, environment).integrations as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>)[integration];
  return settings ? companionsOf(integration, secrets, settings) : {};
}
/** payments.yaml as declared. Throws FindingError. */
export function declaredPayments(root: string, environment: string): Payments {
  const doc = readDocument(root, paymentsFile(environment));
  const parsed = doc.document && parsePayments(doc.document);
  if (!parsed?.value) throw new FindingError([...doc.findings, ...(parsed?.findings ?? [])], 2);
  return parsed.value;
}
