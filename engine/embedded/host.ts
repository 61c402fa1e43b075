import { diffOf, type CheckFailure, type CheckResult, type DiffResult, type Provider, type ProviderFeatures, type ReadResult, type Written } from "../../lib/provider.ts";
import type { Props } from "../../lib/pulumi-value.ts";
import { FindingError } from "../../lib/finding.ts";
import { engineCodes } from "../codes.ts";
import type { Settings } from "./context.ts";
import { UNAVAILABLE, type RpcError } from "./rpc.ts";
import { refuseUnsupported } from "./step.ts";
import type { State } from "../state/deployment.ts";
import { parseUrn } from "../urn.ts";
import { annotateSecrets, hasUnknown, lowerReferences, plainProps } from "../values.ts";

export const UNKNOWN_CONFIG = "The provider for this resource has inputs that are not known during preview.\nThis preview may not correctly represent the changes that will be applied during an update.";

/** What answers for a resource: its provider, or the registry for a provider that is a resource itself. */
export type Handler = Pick<ProviderHost, "known" | "check" | "diff" | "create" | "update" | "delete">;

/** A provider's own settings reach it without secrets and references. */
const bare = (p: Props): Props => plainProps(lowerReferences(p) as Props);
/** A provider as the engine uses it: what an unconfigured one answers, what one that takes no secrets or previews is given, and how long a call may take. */
export class ProviderHost {
  private features: ProviderFeatures | null = null;
  readonly pkg: string;
  private readonly provider: Provider;
  private readonly o: Settings;
  constructor(pkg: string, provider: Provider, o: Settings) {
    this.pkg = pkg;
    this.provider = provider;
    this.o = o;
  }
  /** False while an input of the provider itself is unknown: it can't be asked. */
  get known(): boolean {
    return this.features !== null;
  }
  async checkConfig(urn: string, olds: Props, news: Props): Promise<CheckResult> {
    const r = await this.ask("CheckConfig", urn, this.provider.checkConfig(urn, bare(olds), bare(news)));
    const inputs = { ...r.inputs };
    annotateSecrets(inputs, news);
    return { inputs, failures: r.failures };
  }
  diffConfig(urn: string, oldIn: Props, oldOut: Props, newIn: Props): Promise<DiffResult> {
    return this.ask("DiffConfig", urn, this.provider.diffConfig(urn, bare(oldIn), bare(oldOut), bare(newIn)));
  }
  async configure(urn: string, id: string, inputs: Props): Promise<void> {
    if (hasUnknown(inputs)) this.features = null;
    else this.features = await this.ask("Configure", urn, this.provider.configure(urn, id, inputs));
  }
  async check({ urn }: State, olds: Props, news: Props): Promise<CheckResult> {
    if (!this.features) return { inputs: news, failures: [] };
    const r = await this.ask("Check", urn, this.provider.check(urn, this.lower(olds), this.lower(news)));
    const inputs = { ...r.inputs };
    if (!this.o.preview && hasUnknown(inputs)) throw new Error(`${urn}: the provider returned unknown inputs during an update`);
    return { inputs: this.marked(inputs, news), failures: r.failures };
  }
  diff(urn: string, old: State, inputs: Props, ignoreChanges: readonly string[]): Promise<DiffResult> {
    if (!this.features) return Promise.resolve(diffOf("some"));
    return this.ask("Diff", urn, this.provider.diff(urn, old.id ?? "", this.lower(old.inputs), this.lower(old.outputs), this.lower(inputs), ignoreChanges));
  }
  async create({ urn, inputs, customTimeouts }: State): Promise<Written> {
    const { preview } = this.o, timeout = customTimeouts?.create;
    if (preview && !this.features?.supportsPreview) return { id: "", outputs: this.features ? inputs : {} };
    const r = await this.ask("Create", urn, this.provider.create(urn, this.lower(inputs), { preview, ...(timeout !== undefined && { timeout }) }), timeout);
    if (!preview && !r.id) throw new Error("the provider returned no id from Create");
    return this.finish(r, inputs);
  }
  async update(old: State, { urn, inputs, customTimeouts, ignoreChanges = [] }: State): Promise<Written> {
    const { preview } = this.o, id = old.id ?? "", timeout = customTimeouts?.update;
    if (preview && !this.features?.supportsPreview) return { id, outputs: this.features ? inputs : {} };
    const r = await this.ask("Update", urn, this.provider.update(urn, id, this.lower(old.inputs), this.lower(old.outputs), this.lower(inputs), { preview, ignoreChanges, ...(timeout !== undefined && { timeout }) }), timeout);
    return this.finish({ ...r, id }, inputs);
  }
  async read({ urn, id = "", customTimeouts }: State, inputs: Props, outputs: Props): Promise<ReadResult> {
    if (!this.features) return { id, inputs: {}, outputs: {} };
    const r = await this.ask("Read", urn, this.provider.read(urn, id, this.lower(inputs), this.lower(outputs)), customTimeouts?.read);
    return { ...r, inputs: r.inputs && this.marked(r.inputs, inputs), outputs: this.marked(r.outputs, outputs) };
  }
  delete({ urn, id = "", inputs, outputs, customTimeouts }: State): Promise<void> {
    const timeout = customTimeouts?.delete;
    return this.ask("Delete", urn, this.provider.delete(urn, id, this.lower(inputs), this.lower(outputs), { ...(timeout !== undefined && { timeout }) }), timeout);
  }
  invoke(token: string, args: Props): Promise<{ readonly result: Props; readonly failures: readonly CheckFailure[] }> {
    if (!this.features) return Promise.resolve({ result: {}, failures: [] });
    return this.ask("Invoke", token, this.provider.invoke(token, this.lower(args)));
  }
  cancel(): Promise<void> {
    return this.provider.cancel().catch(() => undefined);
  }
  close(): Promise<void> {
    return this.provider.close().catch(() => undefined);
  }
  private lower(p: Props): Props {
    refuseUnsupported(p);
    const lowered = lowerReferences(p) as Props;
    return this.features?.acceptSecrets ? lowered : plainProps(lowered);
  }
  /** What a provider without secrets answers, with those of what it was given. */
  private marked(props: Props, given: Props): Props {
    const out = { ...props };
    if (!this.features?.acceptSecrets) annotateSecrets(out, given);
    return out;
  }
  private finish(r: Written, inputs: Props): Written {
    if (!this.o.preview && hasUnknown(r.outputs)) throw new Error("the provider returned unknown outputs during an update");
    return { ...r, outputs: this.marked(r.outputs, inputs) };
  }
  /** A call that hangs or whose plugin ends is a finding, not a wait for ever. `timeout` (seconds) is the resource's own. */
  private async ask<T>(what: string, on: string, call: Promise<T>, timeout?: number): Promise<T> {
    const limit = timeout ? timeout * 1000 + 10_000 : this.o.callTimeoutMs;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(() => { fail(this.failed(`the ${this.pkg} provider didn't answer ${what} within ${String(Math.round(limit / 1000))} s`)); }, limit);
    });
    try {
      return await Promise.race([call, late]);
    } catch (e) {
      if ((e as RpcError).code === UNAVAILABLE) throw this.failed(`the ${this.pkg} provider ended during ${what}`);
      if (e instanceof FindingError) throw e;
      const text = (e as { details?: string }).details ?? (e instanceof Error ? e.message : String(e));
      throw new Error(text === "" ? `the ${this.pkg} provider failed in ${what} of ${on.startsWith("urn:") ? parseUrn(on).name : on}` : text, { cause: "provider" });
    } finally {
      clearTimeout(timer);
    }
  }
  private failed(message: string): FindingError {
    return new FindingError(engineCodes.finding("PROVIDER_FAILED", { message, hint: "what was done is kept; run again, then stackseal refresh shows what is there" }), 3);
  }
}
