// The SDK exports UnknownValueError and says nothing of its type; it isn't loaded for it here, so that judging declarations alone stays fast.

/** What the SDK throws when a rule reads a value that a preview can't know. */
export interface UnknownValueError extends Error {
  readonly props: readonly PropertyKey[];
  readonly unknownTypeSentinel: unknown;
}
export const isUnknown = (e: unknown): e is UnknownValueError => e instanceof Error && "unknownTypeSentinel" in e && "props" in e;

/** Runs `read`; what a preview can't know goes to `said` instead of being thrown. */
export function known(read: () => void, said: (e: UnknownValueError) => void): void {
  try {
    read();
  } catch (e) {
    if (!isUnknown(e)) throw e;
    said(e);
  }
}

/**
 * Runs judgements of which each may meet a value that a preview can't know. All that can be told is told; then the first unknown is
 * thrown on, so that nothing passes silently: the SDK reports it as an advice, and the update judges again.
 */
export class Unknowns {
  private first: UnknownValueError | null = null;
  try(judge: () => void): void {
    known(judge, (e) => { this.first ??= e; });
  }
  end(): void {
    if (this.first) throw this.first;
  }
}
/** The same over a list. */
export function each<T>(items: readonly T[], judge: (item: T) => void): void {
  const u = new Unknowns();
  for (const i of items) u.try(() => { judge(i); });
  u.end();
}

const TOLD = "can't be told yet: ", LATER = " is known only when it is deployed; the update judges it";
/** The words of an unknown value: which property, and who judges it then. */
export function sayUnknown(e: UnknownValueError): UnknownValueError {
  if (!e.message.startsWith(TOLD)) e.message = `${TOLD}${e.props.map(String).join(".")}${LATER}`;
  return e;
}
/** The same of a stack export, in which what isn't known is a secret that stands there sealed; null where the message isn't of an unknown. */
export const sealedIn = (message: string): string | null => unknownIn(message)?.replace(TOLD, "can't be told: ").replace(LATER, " is sealed in this export; one made with --show-secrets, kept for this alone, tells") ?? null;
/** The SDK's sentence around it ("can't run policy … during preview: …") without the wrapping; null where the message isn't of an unknown. */
export const unknownIn = (message: string): string | null => (message.includes(TOLD) ? message.slice(message.indexOf(TOLD)) : null);
