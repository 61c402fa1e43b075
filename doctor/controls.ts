/** Remembers which negative controls were refused not long ago, so that a provider isn't sent a wrong credential at every run. */
export interface Controls {
  /** Whether a corrupted copy of this credential was refused within the window. */
  refusedBefore(key: string): boolean;
  refused(key: string): void;
}
/** Controls every credential at every call. */
export const alwaysControl: Controls = { refusedBefore: () => false, refused: () => undefined };
