import { createHash } from "node:crypto";
import { type PassphraseSecrets } from "./secrets.ts";
import { SECRET, SIGNATURE, type Props, type Value } from "../../lib/pulumi-value.ts";
import { isSecret, mapValue } from "./values.ts";

/** One resource of the stack, named as in checkpoint v3. */
export interface State {
  urn: string; custom: boolean; type: string; id?: string | undefined; delete?: boolean | undefined;
  inputs: Props; outputs: Props; parent?: string | undefined; protect?: boolean | undefined; external?: boolean | undefined; taint?: boolean | undefined;
  dependencies?: string[] | undefined; propertyDependencies?: Record<string, string[]> | undefined; provider?: string | undefined;
  pendingReplacement?: boolean | undefined; additionalSecretOutputs?: string[] | undefined; aliases?: string[] | undefined; importID?: string | undefined;
  retainOnDelete?: boolean | undefined; deletedWith?: string | undefined; replaceWith?: string[] | undefined; initErrors?: string[] | undefined;
  ignoreChanges?: string[] | undefined; replaceOnChanges?: string[] | undefined;
  customTimeouts?: { create?: number; update?: number; delete?: number } | undefined;
  created?: string | undefined; modified?: string | undefined; sourcePosition?: string | undefined;
}
export interface Deployment {
  manifest: { time: string; magic: string; version: string };
  secrets_providers?: { type: string; state: { salt: string } };
  resources?: any[]; pending_operations?: any[]; metadata: object;
}
export interface Crypter { encrypt(s: string): string; decrypt(s: string): string }

const ENGINE_VERSION = "v3.270.0";
const deepPlain = (v: Value): Value => // inside a ciphertext, nested secrets keep their mark with readable plaintext
  mapValue(v, (x) => (isSecret(x) ? { [SIGNATURE]: SECRET, ciphertext: JSON.stringify(deepPlain(x.value)) } : undefined));

export function sealProps(p: Props, c: Crypter, show = false): Props {
  return mapValue(p, (x) => {
    if (!isSecret(x)) return undefined;
    const text = JSON.stringify(deepPlain(x.value));
    return show ? { [SIGNATURE]: SECRET, plaintext: text } : { [SIGNATURE]: SECRET, ciphertext: c.encrypt(text) };
  }) as Props;
}
export function unsealProps(p: Props, c: Crypter): Props {
  return mapValue(p, (x) => {
    if (!isSecret(x)) return undefined;
    const { ciphertext, plaintext } = x as any;
    if ((ciphertext === undefined) === (plaintext === undefined)) throw new Error("malformed secret in checkpoint");
    return { [SIGNATURE]: SECRET, value: JSON.parse(plaintext ?? c.decrypt(ciphertext)) };
  }) as Props;
}
const keep = (v: unknown) => v !== undefined && v !== false && v !== "" && !(Array.isArray(v) && v.length === 0) &&
  !(typeof v === "object" && v !== null && !Array.isArray(v) && Object.keys(v).length === 0);

function rowsOf(resources: readonly State[], props: (p: Props) => Props): Record<string, unknown>[] {
  return resources.map((r) => {
    const { urn, custom, type, inputs, outputs, ...rest } = r;
    const row: Record<string, unknown> = { urn, custom, type };
    if (Object.keys(inputs).length) row["inputs"] = props(inputs);
    if (Object.keys(outputs).length) row["outputs"] = props(outputs);
    for (const [k, v] of Object.entries(rest)) if (keep(v)) row[k] = v;
    delete row["aliases"]; // the file backend normalises URN references and then drops aliases
    return row;
  });
}
/** The rows of a checkpoint with secrets shown and without times: for comparing what two engines left. */
export const snapshotRows = (resources: readonly State[]): Record<string, unknown>[] =>
  rowsOf(resources, (p) => sealProps(p, { encrypt: (s) => s, decrypt: (s) => s }, true)).map(({ created: _c, modified: _m, sourcePosition: _s, ...row }) => row);

export function writeDeployment(resources: readonly State[], secrets: PassphraseSecrets, time = new Date()): { version: 3; deployment: Deployment } {
  const rows = rowsOf(resources, (p) => sealProps(p, secrets));
  const deployment: Deployment = {
    manifest: { time: time.toISOString(), version: ENGINE_VERSION,
      magic: createHash("sha256").update(ENGINE_VERSION).digest("hex") },
    secrets_providers: { type: "passphrase", state: { salt: secrets.salt } },
    resources: rows, metadata: {},
  };
  return { version: 3, deployment };
}
export function readDeployment(file: { version: number; deployment: Deployment }, c: Crypter): State[] {
  if (file.version !== 3) throw new Error(`unsupported deployment version ${file.version}`);
  return (file.deployment.resources ?? []).map((r) => ({ ...r, inputs: unsealProps(r.inputs ?? {}, c), outputs: unsealProps(r.outputs ?? {}, c) }));
}
