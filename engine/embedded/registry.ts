import { randomUUID } from "node:crypto";
import { FindingError } from "../../lib/finding.ts";
import type { CheckResult, DiffResult, Provider, Written } from "../../lib/provider.ts";
import { UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import { engineCodes } from "../codes.ts";
import { builtinProvider, type Builtins } from "./builtin.ts";
import type { Settings } from "./context.ts";
import { ProviderHost, type Handler } from "./host.ts";
import type { State } from "../state/deployment.ts";
import { packageOf, parseRef } from "../urn.ts";
import { equal, plainProps, secret } from "../values.ts";

export type Load = (pkg: string, version: string | undefined) => Provider | Promise<Provider>;
/** What a request for a default provider names. */
export interface ProviderRequest { readonly pkg: string; readonly version?: string | undefined; readonly url?: string | undefined }

/** A provider's inputs as its plugin sees them: without what the engine keeps for itself. */
export const visible = (p: Props): Props => Object.fromEntries(Object.entries(p).filter(([k]) => k !== "__internal"));

/** Provider plugins by reference. Provider resources are resources too: their check, diff, create and update are CheckConfig, DiffConfig and Configure. */
export class Registry implements Handler {
  readonly known = true;
  /** What is ready to be asked, by reference. */
  readonly configured = new Map<string, ProviderHost>();
  private readonly checked = new Map<string, ProviderHost>();
  private readonly all = new Set<ProviderHost>();
  private readonly starting = new Map<string, Promise<ProviderHost>>();
  private readonly load: Load;
  private readonly o: Settings;
  constructor(o: Settings, resource: Builtins["resource"]) {
    this.o = o;
    this.load = (pkg, version) => (pkg === "pulumi" ? builtinProvider({ stackOutputs: o.stackOutputs ?? (() => Promise.resolve(null)), resource }) : o.load(pkg, version));
  }
  private async start(urnType: string, inputs: Props): Promise<ProviderHost> {
    const pkg = packageOf(urnType), { version } = inputs;
    try {
      const host = new ProviderHost(pkg, await this.load(pkg, typeof version === "string" ? version : undefined), this.o);
      this.all.add(host);
      return host;
    } catch (e) {
      if (e instanceof FindingError) throw e;
      throw new FindingError(engineCodes.finding("PROVIDER_FAILED", { message: `the ${pkg} provider can't be started: ${(e as Error).message}` }), 3);
    }
  }
  async check(s: State, olds: Props, news: Props): Promise<CheckResult> {
    const host = await this.start(s.type, news), { version, __internal } = news;
    const r = await host.checkConfig(s.urn, visible(olds), visible(news));
    if (r.failures.length) return r;
    this.checked.set(s.urn, host);
    return { inputs: { ...r.inputs, ...(version !== undefined && { version }), ...(__internal !== undefined && { __internal }) }, failures: [] };
  }
  async diff(urn: string, old: State, inputs: Props): Promise<DiffResult> {
    const host = this.checked.get(urn) ?? (await this.same(old)), news = visible(inputs);
    const d = await host.diffConfig(urn, visible(old.inputs), old.outputs, news);
    return d.changes === "unknown" ? { ...d, changes: equal(plainProps(old.outputs), plainProps(news)) ? "none" : "some" } : d;
  }
  create(s: State): Promise<Written> {
    return this.update({ id: this.o.preview ? UNKNOWN : randomUUID() }, s);
  }
  async update({ id = "" }: Pick<State, "id">, s: State): Promise<Written> {
    await this.configure(s, id);
    return { id, outputs: visible(s.inputs) };
  }
  delete(): Promise<void> {
    return Promise.resolve();
  }
  /** Makes the provider of an old state ready to use: as it stands in the state, unless it's there already. */
  async same(s: State): Promise<ProviderHost> {
    const id = s.id ?? "", ref = `${s.urn}::${id}`, known = this.configured.get(ref);
    if (known) return known;
    const coming = this.starting.get(ref) ?? this.configure(s, id);
    this.starting.set(ref, coming);
    return coming;
  }
  private async configure({ urn, type, inputs }: State, id: string): Promise<ProviderHost> {
    const checked = this.checked.get(urn);
    this.checked.delete(urn);
    const host = checked ?? (await this.start(type, inputs));
    await host.configure(urn, id, visible(inputs));
    this.configured.set(`${urn}::${id}`, host);
    return host;
  }
  alias(oldUrn: string, urn: string): void {
    for (const [ref, host] of this.configured) if (parseRef(ref).urn === urn) this.configured.set(`${oldUrn}::${parseRef(ref).id}`, host);
  }
  cancel(): Promise<unknown> {
    return Promise.all([...this.all].map((h) => h.cancel()));
  }
  async close(): Promise<void> {
    await Promise.all([...this.all].map((h) => h.close()));
  }
}

/** `default`, with version and URL in the letters that a name may have. */
export function defaultName(r: ProviderRequest): string {
  const version = r.version ? `_${r.version.replace(/^v/, "").replace(/[.+-]/g, "_")}` : "";
  const url = r.url ? `_${r.url.replace(/[^A-Za-z0-9_.]+/g, "_")}` : "";
  return `default${version}${url}`;
}
export function defaultInputs(r: ProviderRequest, config: Readonly<Record<string, string>>, secretKeys: readonly string[]): Props {
  const inputs: Props = {};
  for (const [k, v] of Object.entries(config)) if (k.startsWith(`${r.pkg}:`)) inputs[k.slice(r.pkg.length + 1)] = secretKeys.includes(k) ? secret(v) : v;
  const internal: Props = { ...(r.url && { pluginDownloadURL: r.url }) };
  return { ...inputs, ...(r.version && { version: r.version.replace(/^v/, "") }), ...((r.version ?? r.url) && { __internal: internal }) };
}
/** Whether `pulumi:disable-default-providers` names the package. */
export function defaultsDenied(pkg: string, config: Readonly<Record<string, string>>): boolean {
  const list = config["pulumi:disable-default-providers"];
  return pkg !== "pulumi" && list !== undefined && list !== "" && (JSON.parse(list) as string[]).some((p) => p.trim() === "*" || p.trim() === pkg);
}
