import * as pulumi from "@pulumi/pulumi";

/** A program as data, so that the same one can be given to two engines and kept as a fixture. Values: `{ $ref, prop }` is another's output, `{ $secret }`, `{ $join: [] }` text of parts, `{ $res }` a resource itself. */
export type Expr = null | boolean | number | string | Expr[] | { [key: string]: Expr };
export interface Alias { readonly name?: string; readonly type?: string; readonly parent?: string; readonly noParent?: boolean; readonly urn?: string }
export interface Declared {
  readonly kind: "custom" | "component" | "provider" | "get" | "invoke" | "stack";
  /** `fz:Res`, short for `fz:index:Res`; a provider's package. */
  readonly type: string;
  readonly name: string;
  readonly in?: Record<string, Expr>;
  readonly id?: Expr;
  readonly outputs?: Record<string, Expr>;
  readonly parent?: string; readonly provider?: string; readonly providers?: readonly string[]; readonly dependsOn?: readonly string[];
  readonly protect?: boolean; readonly retainOnDelete?: boolean; readonly deletedWith?: string; readonly replaceWith?: readonly string[]; readonly deleteBeforeReplace?: boolean;
  readonly ignoreChanges?: string[]; readonly replaceOnChanges?: string[]; readonly additionalSecretOutputs?: string[]; readonly import?: string; readonly version?: string;
  readonly aliases?: readonly Alias[]; readonly customTimeouts?: pulumi.CustomTimeouts;
}
export interface ProgramData { readonly resources: readonly Declared[]; readonly outputs?: Record<string, Expr>; readonly throws?: string }

const full = (type: string): string => (type.split(":").length === 2 ? type.replace(":", ":index:") : type);
class Custom extends pulumi.CustomResource {
  constructor(d: Declared, inputs: pulumi.Inputs, opts: pulumi.CustomResourceOptions) { super(full(d.type), d.name, { out: undefined, gen: undefined, token: undefined, ...inputs }, opts); }
}
class Group extends pulumi.ComponentResource {
  constructor(d: Declared, inputs: pulumi.Inputs, opts: pulumi.ComponentResourceOptions) { super(full(d.type), d.name, inputs, opts); }
  done(outputs: pulumi.Inputs): void { this.registerOutputs(outputs); }
}
class Source extends pulumi.ProviderResource {
  constructor(d: Declared, inputs: pulumi.Inputs, opts: pulumi.ResourceOptions) { super(d.type, d.name, inputs, opts); }
}

/** Declares what the data says; the stack's outputs are the result. */
export function declare(p: ProgramData): pulumi.Inputs {
  const made = new Map<string, pulumi.Resource>(), answers = new Map<string, pulumi.Output<unknown>>();
  const known = (name: string | undefined): pulumi.Resource | undefined => (name === undefined ? undefined : made.get(name));
  const value = (e: Expr): pulumi.Input<unknown> => {
    if (Array.isArray(e)) return e.map(value);
    if (typeof e !== "object" || e === null) return e;
    if (typeof e["$ref"] === "string") {
      const answer = answers.get(e["$ref"]), r = made.get(e["$ref"]) as unknown as Record<string, pulumi.Output<unknown>> | undefined, prop = e["prop"] as string;
      if (answer) return answer.apply((v) => (v as Record<string, unknown> | undefined)?.[prop]);
      return r?.[prop] ?? `no ${e["$ref"]}.${prop}`;
    }
    if (e["$secret"] !== undefined) return pulumi.secret(value(e["$secret"]));
    if (Array.isArray(e["$join"])) return pulumi.all(e["$join"].map(value)).apply((parts) => parts.map(String).join("/"));
    if (typeof e["$res"] === "string") return made.get(e["$res"]);
    return Object.fromEntries(Object.entries(e).map(([k, v]) => [k, value(v)]));
  };
  const props = (o: Record<string, Expr> | undefined): pulumi.Inputs => Object.fromEntries(Object.entries(o ?? {}).map(([k, v]) => [k, value(v)]));
  for (const d of p.resources) {
    const list = (names: readonly string[] | undefined): pulumi.Resource[] => (names ?? []).flatMap((n) => made.get(n) ?? []);
    const { protect, retainOnDelete, deleteBeforeReplace, ignoreChanges, replaceOnChanges, additionalSecretOutputs, customTimeouts, version } = d;
    const opts: Record<string, unknown> = {
      parent: known(d.parent), provider: known(d.provider), dependsOn: list(d.dependsOn), deletedWith: known(d.deletedWith), protect, retainOnDelete, deleteBeforeReplace, ignoreChanges, replaceOnChanges, additionalSecretOutputs, customTimeouts, version,
      ...(d.replaceWith && { replaceWith: list(d.replaceWith) }), ...(d.providers && { providers: list(d.providers) }), import: d.import,
      aliases: d.aliases?.map((a) => a.urn ?? (a.noParent ? { ...a, noParent: undefined, parent: pulumi.rootStackResource } : { ...a, ...(a.parent !== undefined && { parent: made.get(a.parent) ?? a.parent }), ...(a.type !== undefined && { type: full(a.type) }) })),
    };
    for (const k of Object.keys(opts)) if (opts[k] === undefined) Reflect.deleteProperty(opts, k);
    const inputs = props(d.in);
    if (d.kind === "invoke") { answers.set(d.name, pulumi.output(pulumi.runtime.invoke(full(d.type), inputs, { ...(d.parent !== undefined && { parent: made.get(d.parent) as pulumi.Resource }), ...(d.provider !== undefined && { provider: made.get(d.provider) as pulumi.ProviderResource }), ...(version !== undefined && { version }) }))); continue; }
    const r = d.kind === "component" ? new Group(d, inputs, opts) : d.kind === "provider" ? new Source(d, inputs, opts) : d.kind === "stack" ? new pulumi.StackReference(d.name, inputs, opts)
      : new Custom(d, inputs, d.kind === "get" ? { ...opts, id: value(d.id ?? "x") as pulumi.Input<string> } : opts);
    made.set(d.name, r);
  }
  for (const d of p.resources) if (d.kind === "component" && d.outputs) (made.get(d.name) as Group).done(props(d.outputs));
  if (p.throws !== undefined) throw new Error(p.throws);
  return props(p.outputs);
}
