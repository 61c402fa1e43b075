export type Variables = Readonly<Record<string, unknown>>;

/** A URL that begins with a declared base keeps it as it is; all else is percent-encoded. Throws RangeError as `fill` does. */
export const fillUrl = (template: string, vars: Variables): string => {
  const base = /^\{[A-Za-z]+\}(?=\/)/.exec(template)?.[0] ?? "";
  return fill(base, vars) + fill(template.slice(base.length), vars, encodeURIComponent);
};
/** Fills `{name}`; throws RangeError on a name that isn't there: a strategy is code, not input. */
export function fill(template: string, vars: Variables, encode: (text: string) => string = (t) => t): string {
  return template.replace(/\{([A-Za-z]+)\}/g, (_all, name: string) => {
    const v = vars[name];
    if (v === undefined || v === null) throw new RangeError(`nothing tells {${name}}`);
    return encode(typeof v === "string" ? v : typeof v === "number" || typeof v === "boolean" ? String(v) : JSON.stringify(v));
  });
}
/** The same in a JSON body; a string that is one name alone keeps the thing's own type. */
export function fillJson(body: unknown, vars: Variables): unknown {
  if (typeof body === "string") {
    const only = /^\{([A-Za-z]+)\}$/.exec(body)?.[1];
    return only !== undefined && vars[only] !== undefined ? vars[only] : fill(body, vars);
  }
  if (Array.isArray(body)) return body.map((x) => fillJson(x, vars));
  if (typeof body === "object" && body !== null) return Object.fromEntries(Object.entries(body).map(([k, v]) => [k, fillJson(v, vars)]));
  return body;
}
/** What stands at a dotted path; undefined where nothing does. The empty path is the thing itself. */
export const at = (thing: unknown, path: string): unknown =>
  path === "" ? thing : path.split(".").reduce<unknown>((x, k) => (typeof x === "object" && x !== null ? (x as Record<string, unknown>)[k] : undefined), thing);
