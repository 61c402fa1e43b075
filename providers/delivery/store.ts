/** A version of a store secret: its id, and the values under their variables' names. */
export interface StoreSecret {
  readonly name: string;
  /** Version id → labels; `current` is the one in force, `previous` the one before. */
  readonly current: string | null;
  readonly previous: string | null;
}
/** Where values are delivered. Nothing here prints or returns a value save `read`, which the providers use for a signing secret's slots alone. */
export interface SecretStore {
  /** Null where there is no such secret. */
  describe(name: string): Promise<StoreSecret | null>;
  /** Puts a version and makes it current; the same version id again changes nothing, unless `slots` says that its slots are rewritten. */
  put(name: string, versionId: string, values: Readonly<Record<string, string>>, slots?: boolean): Promise<void>;
  /** The current version's values; null where there is none. */
  read(name: string): Promise<Readonly<Record<string, string>> | null>;
  remove(name: string): Promise<void>;
}
