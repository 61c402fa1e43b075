import { allows, type Role, type SecretClass, type Verb } from "../access.ts";
import { jwtPath, vaultPolicyName, type VaultSite } from "./site.ts";

type Rules = Map<string, Set<string>>;
const CLASSES = ["standard", "payments"] as const satisfies readonly SecretClass[];

/** KV v2's paths and capabilities of one right on one secret. `name` may end in `/*`. */
function pathsOf(mount: string, name: string, verb: Verb): readonly (readonly [path: string, capabilities: readonly string[]])[] {
  const at = (what: string, n = name): string => `${mount}/${what}/${n}`;
  // What is delivered and not in force yet lies on a path of its own. Who has put it there may read it back, or it couldn't be put in force.
  const pending = name.endsWith("*") ? [] : [`${name}/pending`];
  switch (verb) {
    case "read": return [[at("data"), ["read"]]];
    case "write": return [
      [at("data"), ["create", "update"]], [at("metadata"), ["create", "read", "update"]], [at("delete"), ["create", "update"]],
      ...pending.flatMap((p): [string, string[]][] => [[at("data", p), ["create", "read", "update"]], [at("metadata", p), ["create", "read", "update"]], [at("delete", p), ["create", "update"]]]),
    ];
    case "list": return [[at("metadata"), ["read"]], ...pending.map((p): [string, string[]] => [at("metadata", p), ["read"]])];
    case "delete": return [[at("metadata"), ["delete"]], ...["delete", "undelete", "destroy"].map((w): [string, string[]] => [at(w), ["create", "update"]])];
    // `open` and `seal` are git's; `permit` is Vault's own system and stands below.
    case "open":
    case "seal":
    case "permit": return [];
  }
}
/** What a role may do in an environment's Vault: the access matrix as paths and capabilities, sorted by path. Empty where it gives nothing there. */
export function vaultRules(role: Role, s: VaultSite): { readonly path: string; readonly capabilities: readonly string[] }[] {
  const rules: Rules = new Map();
  const add = (path: string, capabilities: readonly string[]): void => { rules.set(path, new Set([...(rules.get(path) ?? []), ...capabilities])); };
  const may = (verb: Verb): boolean => CLASSES.some((cls) => allows(role, cls, s.tier, verb));
  for (const cls of CLASSES) for (const verb of ["read", "write", "list", "delete"] as const) if (allows(role, cls, s.tier, verb)) {
    for (const name of s.secrets[cls]) for (const [path, capabilities] of pathsOf(s.mount, name, verb)) add(path, capabilities);
  }
  // Who may see both classes sees what nobody declared, too.
  const all = CLASSES.every((cls) => allows(role, cls, s.tier, "list"));
  if (may("list")) add(`${s.mount}/metadata/stackseal/${s.environment}/*`, all ? ["list", "read"] : ["list"]);
  // Nothing is delivered into a Vault that keeps no audit: who delivers, and who looks for drift, must see its devices. Vault asks for sudo there.
  if (may("write") || (may("list") && role === "auditor")) add("sys/audit", ["read", "sudo"]);
  if (may("permit")) superAdmin(s, add);
  if (role === "auditor") {
    add(`sys/policies/acl/${vaultPolicyName(s.environment, "app").replace(/app$/, "*")}`, ["read"]);
    add(`auth/${jwtPath(s.environment)}/role/*`, ["read"]);
  }
  return [...rules].map(([path, c]) => ({ path, capabilities: [...c].sort() })).sort((a, b) => (a.path < b.path ? -1 : 1));
}
function superAdmin(s: VaultSite, add: (path: string, capabilities: readonly string[]) => void): void {
  const own = `stackseal/${s.environment}/*`;
  for (const verb of ["read", "write", "list", "delete"] as const) for (const [path, capabilities] of pathsOf(s.mount, own, verb)) add(path, capabilities);
  add(`sys/policies/acl/stackseal-${s.environment}-*`, ["create", "delete", "read", "update"]);
  for (const p of [`sys/mounts/${s.mount}`, `sys/mounts/${s.mount}/tune`, `${s.mount}/config`]) add(p, ["create", "read", "update"]);
  for (const p of ["sys/audit/*", `sys/auth/${jwtPath(s.environment)}`]) add(p, ["create", "delete", "read", "sudo", "update"]);
  add("sys/audit", ["read", "sudo"]);
  add(`auth/${jwtPath(s.environment)}/*`, ["create", "delete", "list", "read", "update"]);
}
/** The policy's text, as Vault keeps it. */
export const vaultPolicy = (role: Role, s: VaultSite): string =>
  vaultRules(role, s).map((r) => `path "${r.path}" {\n  capabilities = [${r.capabilities.map((c) => `"${c}"`).join(", ")}]\n}\n`).join("\n");
