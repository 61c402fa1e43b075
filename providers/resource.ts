import type { CheckFailure, CheckResult, DiffResult, Provider, ProviderFeatures, ReadResult, Written } from "../lib/provider.ts";
import type { Props } from "../lib/pulumi-value.ts";
import { fail } from "./input.ts";
import { siteOf, type Site } from "./urn.ts";
import { plainProps } from "./values.ts";

/** One resource type: values arrive without wrappers, and its place is read from the URN. */
export interface Resource {
  /** `stripe:index:WebhookEndpoint`. */
  readonly type: string;
  check(site: Site, news: Props, raw: Props): readonly CheckFailure[];
  diff(oldInputs: Props, oldOutputs: Props, newInputs: Props, ignoreChanges: readonly string[]): DiffResult;
  create(site: Site, inputs: Props, preview: boolean): Promise<Written>;
  update(site: Site, id: string, oldInputs: Props, oldOutputs: Props, newInputs: Props, preview: boolean): Promise<Written>;
  read(site: Site, id: string, inputs: Props, outputs: Props): Promise<ReadResult>;
  delete(site: Site, id: string, inputs: Props, outputs: Props): Promise<void>;
}
export interface ProviderParts {
  readonly schema: unknown;
  readonly resources: readonly Resource[];
  readonly checkConfig?: (news: Props) => readonly CheckFailure[];
  readonly configure?: (inputs: Props) => void;
  readonly cancel?: () => void;
  readonly close?: () => void;
}

/** A provider made of its resources. */
export function providerOf(parts: ProviderParts): Provider {
  const resource = (urn: string): { site: Site; of: Resource } => {
    const site = siteOf(urn);
    const of = parts.resources.find((r) => r.type === site.type);
    if (!of) throw fail("RESOURCE_UNKNOWN", `no resource ${site.type} here`, urn);
    return { site, of };
  };
  // Secrets are taken as such so that Check can refuse them by name: no property of ours is one.
  const features: ProviderFeatures = { acceptSecrets: true, supportsPreview: true };
  return {
    checkConfig: (_urn, _olds, news): Promise<CheckResult> => Promise.resolve({ inputs: news, failures: parts.checkConfig?.(plainProps(news)) ?? [] }),
    // Where a provider talks to says nothing of the resources: a changed setting never replaces them.
    diffConfig: () => Promise.resolve({ changes: "none", replaces: [], diffs: [], deleteBeforeReplace: false }),
    configure: (_urn, _id, inputs) => {
      parts.configure?.(plainProps(inputs));
      return Promise.resolve(features);
    },
    check: async (urn, _olds, news) => {
      await Promise.resolve();
      const { site, of } = resource(urn);
      return { inputs: news, failures: of.check(site, plainProps(news), news) };
    },
    diff: async (urn, _id, oldInputs, oldOutputs, newInputs, ignoreChanges) => {
      await Promise.resolve();
      // Engines before 3.74 send no old inputs; the outputs repeat them.
      const olds = Object.keys(oldInputs).length ? oldInputs : oldOutputs;
      return resource(urn).of.diff(plainProps(olds), plainProps(oldOutputs), plainProps(newInputs), ignoreChanges);
    },
    create: async (urn, inputs, { preview }) => {
      await Promise.resolve();
      const { site, of } = resource(urn);
      return of.create(site, plainProps(inputs), preview);
    },
    update: async (urn, id, oldInputs, oldOutputs, newInputs, { preview }) => {
      await Promise.resolve();
      const { site, of } = resource(urn);
      return of.update(site, id, plainProps(oldInputs), plainProps(oldOutputs), plainProps(newInputs), preview);
    },
    read: async (urn, id, inputs, outputs) => {
      await Promise.resolve();
      const { site, of } = resource(urn);
      return of.read(site, id, plainProps(inputs), plainProps(outputs));
    },
    delete: async (urn, id, inputs, outputs) => {
      await Promise.resolve();
      const { site, of } = resource(urn);
      return of.delete(site, id, plainProps(inputs), plainProps(outputs));
    },
    invoke: (token) => Promise.reject(fail("RESOURCE_UNKNOWN", `no function ${token} here`)),
    getSchema: () => Promise.resolve(JSON.stringify(parts.schema)),
    cancel: () => {
      parts.cancel?.();
      return Promise.resolve();
    },
    close: () => {
      parts.close?.();
      return Promise.resolve();
    },
  };
}
