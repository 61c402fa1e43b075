const globs = new Map<string, RegExp>();
/** `*` stands for anything within a part, `**` for anything. */
function glob(text: string): RegExp {
  const known = globs.get(text);
  if (known) return known;
  const re = new RegExp(`^${text.split(/(\*\*|\*)/).map((p) => (p === "**" ? ".*" : p === "*" ? "[^:]*" : p.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))).join("")}$`);
  globs.set(text, re);
  return re;
}
/** Whether a URN is among the targets: named itself, or by a pattern. */
export const isTargetOf = (targets: readonly string[], urn: string): boolean => targets.some((t) => (t === urn ? true : t.includes("*") && glob(t).test(urn)));
