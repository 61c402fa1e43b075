import type { Props } from "./pulumi-value.ts";

// Pulumi's ResourceProvider service in plain values: what our providers implement, what the gRPC host serves, and what the embedded
// engine calls, in process or over a plugin's socket. Values are in Pulumi's wire shape (lib/pulumi-value).

export interface CheckFailure {
  readonly property: string;
  /** Starts with a stable code: `STRIPE_EVENT_UNKNOWN: …`. */
  readonly reason: string;
}
export type DiffKind = "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";
export interface DiffResult {
  readonly changes: "none" | "some" | "unknown";
  readonly replaces: readonly string[];
  readonly diffs: readonly string[];
  readonly detailed?: Readonly<Record<string, { readonly kind: DiffKind; readonly inputDiff: boolean }>>;
  readonly deleteBeforeReplace: boolean;
}
/** A diff that names top-level keys alone. */
export const diffOf = (changes: DiffResult["changes"], diffs: readonly string[] = [], replaces: readonly string[] = []): DiffResult => ({ changes, diffs, replaces, deleteBeforeReplace: false });
export interface CheckResult {
  readonly inputs: Props;
  readonly failures: readonly CheckFailure[];
}
/** `initErrors` means partial failure: the resource exists, with these outputs, but isn't as wanted. */
export interface Written {
  readonly id: string;
  readonly outputs: Props;
  readonly initErrors?: readonly string[];
}
/** `id` is empty where the resource doesn't exist any more; `inputs` null where the provider doesn't tell (then nothing can be imported). */
export interface ReadResult {
  readonly id: string;
  readonly inputs: Props | null;
  readonly outputs: Props;
  /** It exists and is unwell. */
  readonly initErrors?: readonly string[];
}
export interface ProviderFeatures {
  /** Secrets arrive wrapped in the secret signature; otherwise they are unwrapped first and results are marked by name. */
  readonly acceptSecrets: boolean;
  /** Create and Update are called in previews too, with `preview: true`. */
  readonly supportsPreview: boolean;
}

export interface Provider {
  checkConfig(urn: string, olds: Props, news: Props): Promise<CheckResult>;
  diffConfig(urn: string, oldInputs: Props, oldOutputs: Props, newInputs: Props): Promise<DiffResult>;
  configure(urn: string, id: string, inputs: Props): Promise<ProviderFeatures>;
  check(urn: string, olds: Props, news: Props): Promise<CheckResult>;
  diff(urn: string, id: string, oldInputs: Props, oldOutputs: Props, newInputs: Props, ignoreChanges: readonly string[]): Promise<DiffResult>;
  create(urn: string, inputs: Props, options: { readonly preview: boolean; readonly timeout?: number }): Promise<Written>;
  update(urn: string, id: string, oldInputs: Props, oldOutputs: Props, newInputs: Props, options: { readonly preview: boolean; readonly ignoreChanges: readonly string[]; readonly timeout?: number }): Promise<Written>;
  read(urn: string, id: string, inputs: Props, outputs: Props): Promise<ReadResult>;
  delete(urn: string, id: string, inputs: Props, outputs: Props, options?: { readonly timeout?: number }): Promise<void>;
  invoke(token: string, args: Props): Promise<{ readonly result: Props; readonly failures: readonly CheckFailure[] }>;
  getSchema(): Promise<string>;
  /** Asks running calls to end soon. */
  cancel(): Promise<void>;
  /** Frees what the provider holds; the last call. */
  close(): Promise<void>;
}
