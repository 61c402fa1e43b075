/** A copy of the shipped example whose people's keys are at hand, for the samples of rules that judge declarations. */
export interface SampleProject {
  /** Throws where `from` isn't in the file. */
  replace(file: string, from: string | RegExp, to: string): void;
  write(file: string, text: string): void;
  remove(file: string): void;
  /** Adds an attestation, signed by `by` unless another signs it or nobody does. */
  attest(kind: "second-factor" | "review" | "valid-in-staging", subject: string, by: string, options?: { readonly at?: string; readonly signer?: string | null; readonly digest?: string }): void;
  /** Drops the attestations of a kind and subject. */
  forget(kind: string, subject: string): void;
  /** Makes the folder a git checkout and commits all of it under that name. */
  commit(author: string): void;
}
