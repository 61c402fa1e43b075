const SHAPES = /\b(?:[sr]k_(?:test|live)|whsec|pk_(?:test|live))_[A-Za-z0-9+/=*]+|AGE-SECRET-KEY-1[A-Z0-9]+|\b(?:hvs|hvb|s)\.[A-Za-z0-9_-]{20,}|\bBearer\s+\S+/g;

/** Text that others wrote, made fit to show: without the given values and without anything of a credential's shape. */
export function redact(text: string, values: Iterable<string> = []): string {
  let out = text;
  for (const v of values) if (v.length >= 4) out = out.replaceAll(v, "[redacted]");
  return out.replace(SHAPES, "[redacted]").slice(0, 500);
}
