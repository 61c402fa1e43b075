/**
 * `current` is in force; `previous` is what was in force before it, for a rollback or an overlap; `pending` is delivered and not in force yet.
 * Secrets Manager's AWSCURRENT, AWSPREVIOUS and AWSPENDING; elsewhere a slot of its own.
 */
export const LABELS = ["current", "previous", "pending"] as const;
export type Label = (typeof LABELS)[number];
/** What a delivery may be for: in force at once, or kept beside what is in force until `promote`. */
export type Stage = Exclude<Label, "previous">;

export interface StoreVersion {
  readonly id: string;
  readonly label: Label | null;
  readonly createdAt: string;
  /** Public facts about the version, such as issue ids; empty where the store keeps none. Never a value. */
  readonly notes: Readonly<Record<string, string>>;
}
export interface StoreSecret {
  readonly name: string;
  /** Whether it carries our ownership tag. */
  readonly ours: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** Newest first; versions without a label too, where the store knows them. */
  readonly versions: readonly StoreVersion[];
  /** Set where the secret is on its way out: its name stays taken until then. */
  readonly deletedAt?: string;
}
export interface Put {
  readonly name: string;
  readonly versionId: string;
  readonly values: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly notes: Readonly<Record<string, string>>;
  /** `current` where absent. One version at most is pending: another one takes its place. */
  readonly stage?: Stage;
}

/** Where values are delivered. Only `read` answers values; describing and listing need no right to read them. Everything throws FindingError. */
export interface Store {
  readonly kind: "aws" | "vault" | "file";
  /** Null where there is no such secret. */
  describe(name: string): Promise<StoreSecret | null>;
  /** The secrets whose names begin so, sorted by name; those on their way out too. */
  list(prefix: string): Promise<StoreSecret[]>;
  /**
   * Makes a version current and what was current previous. The same version id again moves the label, and changes nothing else.
   * With `stage: "pending"` what is in force stays so; a version that is in force already isn't made pending.
   */
  put(put: Put): Promise<void>;
  /** Puts a version that the store still holds (pending, previous) in force; what was current becomes previous. Fine where it is in force. Throws STORE_VERSION_MISSING. */
  promote(name: string, versionId: string): Promise<void>;
  /** A labelled version's values; null where there is none. */
  read(name: string, label?: Label): Promise<Readonly<Record<string, string>> | null>;
  /** Takes the label `previous` or `pending` from a version; fine where it has none. What is in force can't be withdrawn. */
  withdraw(name: string, versionId: string): Promise<void>;
  /** Removes the secret where the store is ours to clear; fine where there is none. */
  remove(name: string): Promise<void>;
}
export const OWNER_TAG = "managed-by";
export const OWNER = "stackseal";

export const versionWith = (s: StoreSecret | null, label: Label): StoreVersion | null => s?.versions.find((v) => v.label === label) ?? null;
export const versionOf = (s: StoreSecret | null, id: string): StoreVersion | null => s?.versions.find((v) => v.id === id) ?? null;
