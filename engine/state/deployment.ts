import { SECRET, SIGNATURE, type Props, type Value } from "../../lib/pulumi-value.ts";
import { sha256 } from "../../lib/sha256.ts";
import { isRoot, makeUrn, parseRef, parseUrn } from "../urn.ts";
import { isMap, isSecret, mapValue } from "../values.ts";

export interface Timeouts { create?: number | undefined; update?: number | undefined; delete?: number | undefined; read?: number | undefined }
/** One resource of the stack, named as in checkpoint v3; secrets open, in signature maps. */
export interface State {
  urn: string; custom: boolean; type: string; id?: string | undefined; delete?: boolean | undefined;
  inputs: Props; outputs: Props; parent?: string | undefined; protect?: boolean | undefined; external?: boolean | undefined; taint?: boolean | undefined;
  dependencies?: string[] | undefined; propertyDependencies?: Record<string, string[]> | undefined; provider?: string | undefined;
  pendingReplacement?: boolean | undefined; additionalSecretOutputs?: string[] | undefined; aliases?: string[] | undefined; importID?: string | undefined;
  retainOnDelete?: boolean | undefined; deletedWith?: string | undefined; replaceWith?: string[] | undefined; initErrors?: string[] | undefined;
  ignoreChanges?: string[] | undefined; replaceOnChanges?: string[] | undefined; customTimeouts?: Timeouts | undefined;
  created?: string | undefined; modified?: string | undefined; sourcePosition?: string | undefined;
}
/** What was begun and, in a checkpoint that is read, never ended. */
export interface Operation { readonly resource: State; readonly type: "creating" | "updating" | "deleting" | "reading" | "importing" }
export interface Crypter { encrypt(text: string): string; decrypt(text: string): string }

/** A resource as a checkpoint holds it, secrets sealed. */
export type Row = Record<string, unknown>;
export interface Deployment {
  manifest: { time: string; magic: string; version: string };
  secrets_providers?: { type: string; state?: unknown };
  resources?: Row[]; pending_operations?: { resource: Row; type: string }[]; metadata?: object;
}
/** What the checkpoint says of its writer; the CLI checks it against the magic. */
export const WRITER = "v3.260.0";
export const magicOf = (version: string): string => sha256(version);
/** Fields that a checkpoint of version 3 may hold; others come with features that this engine doesn't know. */
const FIELDS = new Set(["urn", "custom", "delete", "id", "type", "inputs", "outputs", "parent", "protect", "taint", "external", "dependencies", "initErrors", "provider", "propertyDependencies",
  "pendingReplacement", "additionalSecretOutputs", "aliases", "customTimeouts", "importID", "retainOnDelete", "deletedWith", "replaceWith", "created", "modified", "sourcePosition", "stackTrace",
  "ignoreChanges", "replaceOnChanges", "hideDiff"]);

/** A secret's text as the CLI writes it: keys sorted, HTML's letters escaped; nested secrets keep their mark, and what is called their ciphertext there is readable. */
const textOf = (v: Value): string => JSON.stringify(inside(v)).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
const inside = (v: Value): Value => mapValue(v, (x) => (isSecret(x) ? { [SIGNATURE]: SECRET, ciphertext: textOf(x.value) } : isMap(x) ? Object.fromEntries(Object.entries(x).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, e]) => [k, inside(e)])) : undefined));
const outside = (v: Value): Value => mapValue(v, (x) => {
  const text = isSecret(x) ? (x["plaintext"] ?? x["ciphertext"]) : undefined;
  return typeof text === "string" ? { [SIGNATURE]: SECRET, value: outside(JSON.parse(text) as Value) } : undefined;
});

const sealProps = (p: Props, seal: (text: string) => Props): Props =>
  mapValue(p, (x) => (isSecret(x) ? { [SIGNATURE]: SECRET, ...seal(textOf(x.value)) } : undefined)) as Props;
function openProps(p: Props, c: Crypter): Props {
  return mapValue(p, (x) => {
    if (!isSecret(x)) return undefined;
    const { ciphertext, plaintext } = x as { readonly ciphertext?: Value; readonly plaintext?: Value };
    const text = typeof plaintext === "string" ? plaintext : typeof ciphertext === "string" ? c.decrypt(ciphertext) : null;
    if (text === null) throw new Error("a secret without ciphertext");
    return { [SIGNATURE]: SECRET, value: outside(JSON.parse(text) as Value) };
  }) as Props;
}
const keep = (v: unknown): boolean => v !== undefined && v !== false && v !== "" && !(Array.isArray(v) && v.length === 0) && !(typeof v === "object" && v !== null && !Array.isArray(v) && Object.values(v).every((e) => e === undefined || e === 0));

function rowOf(r: State, seal: (p: Props) => Props): Row {
  const { urn, custom, type, inputs, outputs, ...rest } = r;
  const row: Row = { urn, custom };
  if (r.delete) row["delete"] = true;
  if (r.id) row["id"] = r.id;
  row["type"] = type;
  if (Object.keys(inputs).length) row["inputs"] = seal(inputs);
  if (Object.keys(outputs).length) row["outputs"] = seal(outputs);
  for (const [k, v] of Object.entries(rest)) if (!(k in row) && k !== "aliases" && keep(v)) row[k] = v; // URN references are normalised instead of aliases
  return row;
}
/** The rows of a checkpoint with secrets shown and without times: for comparing what two engines left. */
export const snapshotRows = (resources: readonly State[]): Row[] =>
  normalise(resources).map((r) => rowOf({ ...r, created: undefined, modified: undefined, sourcePosition: undefined }, (p) => sealProps(p, (text) => ({ plaintext: text }))));

/** Rewrites references to a resource's old URN to its new one, as the CLI does before it drops `aliases`; what lies below a renamed one and wasn't registered is renamed with it. */
function normalise(resources: readonly State[]): readonly State[] {
  if (!resources.some((r) => r.aliases?.length)) return resources;
  const now = new Map(resources.flatMap((r) => (r.aliases ?? []).map((a) => [a, r.urn] as const)));
  for (const r of resources) {
    const parent = now.get(r.parent ?? ""), { stack, project, name } = parseUrn(r.urn);
    if (parent !== undefined && !isRoot(parent)) now.set(r.urn, makeUrn(stack, project, parent, r.type, name));
  }
  const to = (urn: string): string => now.get(urn) ?? urn;
  const moved = (deps: Record<string, string[]>): Record<string, string[]> =>
    Object.values(deps).flat().some((u) => to(u) !== u) ? Object.fromEntries(Object.entries(deps).filter(([, urns]) => urns.length > 0).map(([k, urns]) => [k, urns.map(to)])) : deps;
  return resources.map((r) => ({
    ...r, urn: to(r.urn), ...(r.parent && { parent: to(r.parent) }), ...(r.deletedWith && { deletedWith: to(r.deletedWith) }), ...(r.replaceWith && { replaceWith: r.replaceWith.map(to) }),
    ...(r.dependencies && { dependencies: r.dependencies.map(to) }), ...(r.provider && { provider: `${to(parseRef(r.provider).urn)}::${parseRef(r.provider).id}` }),
    ...(r.propertyDependencies && { propertyDependencies: moved(r.propertyDependencies) }),
  }));
}

/** Whether a resource's fields are these very objects; asked of every resource at every write, so nothing is made for it. */
function holds(r: State, of: readonly unknown[]): boolean {
  let i = 0;
  for (const k in r) if (r[k as keyof State] !== of[i++]) return false;
  return i === of.length;
}
/** Turns resources into a deployment; keeps what a resource's ciphertexts were while its values are the same objects. */
export class DeploymentWriter {
  private readonly sealed = new WeakMap<object, Props>();
  private readonly texts = new WeakMap<State, { readonly of: readonly unknown[]; readonly text: string }>();
  private readonly provider: NonNullable<Deployment["secrets_providers"]>;
  private readonly crypter: Crypter;
  private readonly shown: boolean;
  constructor(provider: NonNullable<Deployment["secrets_providers"]>, crypter: Crypter, shown = false) {
    this.provider = provider;
    this.crypter = crypter;
    this.shown = shown;
  }
  write(resources: readonly State[], operations: readonly Operation[], time: Date): { version: 3; deployment: Deployment } {
    return { version: 3, deployment: this.deployment(normalise(resources).map((r) => this.row(r)), operations, time) };
  }
  /** The resources' parts of a checkpoint's text. One is kept while its resource's fields are the same objects: each step changes one or two. */
  rows(resources: readonly State[]): { readonly states: readonly State[]; readonly texts: readonly string[] } {
    const states = normalise(resources);
    return { states, texts: states.map((r) => this.rowText(r)) };
  }
  /** A checkpoint's text, of parts that `rows` made. */
  text(rows: readonly string[], operations: readonly Operation[], time: Date): string {
    const frame = JSON.stringify({ version: 3, deployment: this.deployment([], operations, time) }, null, 4);
    const at = frame.indexOf('        "resources": []');
    return rows.length === 0 ? `${frame}\n` : `${frame.slice(0, at)}        "resources": [\n${rows.join(",\n")}\n        ]${frame.slice(at + '        "resources": []'.length)}\n`;
  }
  pending(operations: readonly Operation[]): NonNullable<Deployment["pending_operations"]> {
    return operations.map((o) => ({ resource: this.row(o.resource), type: o.type }));
  }
  private deployment(rows: readonly Row[], operations: readonly Operation[], time: Date): Deployment {
    return {
      manifest: { time: time.toISOString(), magic: magicOf(WRITER), version: WRITER }, secrets_providers: this.provider,
      resources: [...rows], ...(operations.length && { pending_operations: this.pending(operations) }), metadata: {},
    };
  }
  row(r: State): Row {
    return rowOf(r, (p) => this.seal(p));
  }
  private rowText(r: State): string {
    const known = this.texts.get(r);
    if (known && holds(r, known.of)) return known.text;
    const of = Object.values(r) as unknown[], text = JSON.stringify(this.row(r), null, 4).replace(/^/gm, "            ");
    this.texts.set(r, { of, text });
    return text;
  }
  private seal(props: Props): Props {
    const known = this.sealed.get(props);
    if (known) return known;
    const sealed = sealProps(props, (text) => (this.shown ? { plaintext: text } : { ciphertext: this.crypter.encrypt(text) }));
    this.sealed.set(props, sealed);
    return sealed;
  }
}
/** Reads a deployment's rows. Throws an Error that says what is wrong with them. */
export function readDeployment(d: Deployment, c: Crypter): { resources: State[]; operations: Operation[] } {
  const open = (row: Row): State => {
    const strange = Object.keys(row).filter((k) => !FIELDS.has(k) && keep(row[k]));
    if (strange.length) throw new Error(`resources with ${strange.join(", ")}`);
    const r = Object.fromEntries(Object.entries(row).filter(([k]) => k !== "stackTrace" && k !== "hideDiff"));
    return { ...(r as unknown as State), inputs: openProps(row["inputs"] === undefined ? {} : (row["inputs"] as Props), c), outputs: openProps(row["outputs"] === undefined ? {} : (row["outputs"] as Props), c) };
  };
  const resources = (d.resources ?? []).map(open);
  verify(resources);
  return { resources, operations: (d.pending_operations ?? []).map((o) => ({ resource: open(o.resource), type: o.type as Operation["type"] })) };
}
/** What must hold of every checkpoint: providers, parents and dependencies stand before their users, and one URN lives once. */
export function verify(resources: readonly State[]): void {
  const seen = new Set<string>(), refs = new Set<string>(), live = new Set<string>();
  for (const r of resources) {
    const needs = [...(r.parent ? [r.parent] : []), ...(r.dependencies ?? [])];
    const missing = needs.find((u) => !seen.has(u));
    if (missing !== undefined) throw new Error(`${r.urn} refers to ${missing}, which doesn't stand before it`);
    if (r.provider && !refs.has(r.provider)) throw new Error(`${r.urn} refers to the provider ${r.provider}, which doesn't stand before it`);
    if (!r.delete && live.has(r.urn)) throw new Error(`${r.urn} stands there twice`);
    if (!r.custom && r.id) throw new Error(`the component ${r.urn} has an id`);
    if (!r.delete) live.add(r.urn);
    seen.add(r.urn);
    refs.add(`${r.urn}::${r.id ?? ""}`);
  }
}
