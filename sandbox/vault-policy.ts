// Vault's ACL policies, as far as ours use them: paths with * at the end and + for a segment, and their capabilities.

export interface VaultRule {
  readonly path: string;
  readonly capabilities: readonly string[];
}
const KNOWN = new Set(["create", "read", "update", "patch", "delete", "list", "sudo", "deny"]);

/** The rules of a policy's text (HCL); null where it isn't one. */
export function parsePolicy(text: string): readonly VaultRule[] | null {
  const bare = text.replace(/^\s*#.*$/gm, "");
  const rules = [...bare.matchAll(/path\s+"([^"]+)"\s*\{\s*capabilities\s*=\s*\[([^\]]*)\]\s*\}/g)].map((m) => ({ path: m[1] ?? "", capabilities: [...(m[2] ?? "").matchAll(/"([^"]*)"/g)].map((c) => c[1] ?? "") }));
  const rest = bare.replace(/path\s+"[^"]+"\s*\{\s*capabilities\s*=\s*\[[^\]]*\]\s*\}/g, "").trim();
  return rest !== "" || rules.some((r) => r.capabilities.some((c) => !KNOWN.has(c))) ? null : rules;
}
const matches = (pattern: string, path: string): boolean =>
  new RegExp(`^${pattern.replace(/\*$/, "\u0000").split("/").map((s) => (s === "+" ? "[^/]+" : s.replace(/[.*?^${}()|[\]\\]/g, "\\$&"))).join("/").replace("\u0000", ".*")}$`).test(path);
/** What the most specific matching path gives: the one whose first wildcard comes latest, then the longest, as Vault ranks them. */
export function capabilitiesOn(rules: readonly VaultRule[], path: string): readonly string[] {
  const hits = rules.filter((r) => matches(r.path, path));
  const wild = (p: string): number => { const at = p.search(/[+*]/); return at < 0 ? Number.MAX_SAFE_INTEGER : at; };
  const best = hits.reduce<VaultRule | null>((a, b) => (a === null || wild(b.path) > wild(a.path) || (wild(b.path) === wild(a.path) && b.path.length > a.path.length) ? b : a), null);
  return best === null ? [] : hits.filter((r) => r.path === best.path).flatMap((r) => r.capabilities);
}
