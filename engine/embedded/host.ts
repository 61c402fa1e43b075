import type { CheckFailure, CheckResult, DiffResult, Provider, ProviderFeatures, ReadResult, Written } from "../../lib/provider.ts";
import type { Props, Value } from "../../lib/pulumi-value.ts";
import { annotateSecrets, hasUnknown, lowerReferences, plainProps } from "./values.ts";

export const UNKNOWN_DIFF: DiffResult = { changes: "unknown", replaces: [], diffs: [], deleteBeforeReplace: false };
const lowered = (p: Props): Props => lowerReferences(p) as Props;

/** A provider as the engine uses it: what an unconfigured one answers, what one that takes no secrets or previews is given. */
export class ProviderHost {
  private features: ProviderFeatures | null = null;
  private readonly provider: Provider;
  constructor(provider: Provider) {
    this.provider = provider;
  }
  async checkConfig(urn: string, olds: Props, news: Props): Promise<CheckResult> {
    const r = await this.provider.checkConfig(urn, plainProps(olds), plainProps(news));
    const inputs = { ...r.inputs };
    annotateSecrets(inputs, news);
    return { inputs, failures: r.failures };
  }
  diffConfig(urn: string, oldIn: Props, oldOut: Props, newIn: Props): Promise<DiffResult> {
    return this.provider.diffConfig(urn, plainProps(oldIn), plainProps(oldOut), plainProps(newIn));
  }
  /** Where an input is unknown the provider stays unconfigured, and every later call answers conservatively. */
  async configure(urn: string, id: string, inputs: Props): Promise<void> {
    if (!hasUnknown(inputs)) this.features = await this.provider.configure(urn, id, inputs);
  }
  async check(urn: string, olds: Props, news: Props, preview: boolean): Promise<CheckResult> {
    if (!this.features) return { inputs: news, failures: [] };
    const r = await this.provider.check(urn, this.lower(olds), this.lower(news));
    const inputs = { ...r.inputs };
    if (!preview && hasUnknown(inputs)) throw new Error(`${urn}: the provider returned unknown inputs during an update`);
    if (!this.features.acceptSecrets) annotateSecrets(inputs, news);
    return { inputs, failures: r.failures };
  }
  async diff(urn: string, id: string, oldIn: Props, oldOut: Props, newIn: Props, ignore: readonly string[]): Promise<DiffResult> {
    return this.features ? this.provider.diff(urn, id, this.lower(oldIn), this.lower(oldOut), this.lower(newIn), ignore) : UNKNOWN_DIFF;
  }
  async create(urn: string, inputs: Props, preview: boolean, timeout?: number): Promise<Written> {
    if (preview && !this.features) return { id: "", outputs: {} };
    if (preview && !this.features?.supportsPreview) return { id: "", outputs: inputs };
    const r = await this.provider.create(urn, this.lower(inputs), { preview, ...(timeout !== undefined && { timeout }) });
    if (!preview && !r.id) throw new Error(`${urn}: the provider returned no id`);
    return this.finish(r, inputs);
  }
  async update(urn: string, id: string, oldIn: Props, oldOut: Props, newIn: Props, ignoreChanges: readonly string[], preview: boolean): Promise<Written> {
    if (preview && !this.features?.supportsPreview) return { id, outputs: newIn };
    return this.finish({ ...(await this.provider.update(urn, id, this.lower(oldIn), this.lower(oldOut), this.lower(newIn), { preview, ignoreChanges })), id }, newIn);
  }
  read(urn: string, id: string, inputs: Props, outputs: Props): Promise<ReadResult> {
    return this.provider.read(urn, id, this.lower(inputs), this.lower(outputs));
  }
  delete(urn: string, id: string, inputs: Props, outputs: Props): Promise<void> {
    return this.provider.delete(urn, id, this.lower(inputs), this.lower(outputs));
  }
  invoke(token: string, args: Props): Promise<{ readonly result: Props; readonly failures: readonly CheckFailure[] }> {
    return this.provider.invoke(token, this.lower(args));
  }
  close(): Promise<void> {
    return this.provider.close();
  }
  private lower(p: Props): Props {
    return this.features?.acceptSecrets ? lowered(p) : plainProps(lowered(p));
  }
  private finish(r: Written, inputs: Props): Written {
    const outputs = { ...r.outputs };
    if (!this.features?.acceptSecrets) annotateSecrets(outputs, inputs);
    return { ...r, outputs };
  }
}
