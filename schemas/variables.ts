import { integrations, variablesOf, type ExpectedSecret } from "./integrations/index.ts";

/** A run-time variable of an environment: a plain setting with its value, a credential by its path, or a signing secret that Stripe mints, by its endpoint. */
export type Variable =
  | { readonly name: string; readonly integration: string; readonly from: "setting"; readonly value: string }
  | { readonly name: string; readonly integration: string; readonly from: "credential"; readonly path: string; readonly class: "standard" | "payments" }
  | { readonly name: string; readonly integration: "stripe"; readonly from: "minted"; readonly endpoint: string };

/** Plain settings as run-time variables: integration → variable → text. Absent settings are left out; null is the word null, as Laravel spells it. */
export function plainVariables(settings: Readonly<Record<string, unknown>>): Record<string, Record<string, string>> {
  const out: Record<string, Record<string, string>> = {};
  for (const i of integrations) {
    const own = settings[i.id];
    if (typeof own !== "object" || own === null) continue;
    const vars = Object.entries(i.env).flatMap(([variable, from]) => {
      const v = typeof from === "function" ? from(own as Readonly<Record<string, unknown>>) : at(own, from);
      return v === undefined ? [] : [[variable, v === null ? "null" : typeof v === "string" ? v : JSON.stringify(v)] as const];
    });
    if (vars.length) out[i.id] = Object.fromEntries(vars);
  }
  return out;
}
const at = (own: unknown, path: string): unknown => path.split(".").reduce<unknown>((x, k) => (typeof x === "object" && x !== null ? (x as Record<string, unknown>)[k] : undefined), own);

/** Every variable that an environment with these settings and expected credentials gives its processes, sorted by name. */
export function variables(settings: Readonly<Record<string, unknown>>, expected: readonly ExpectedSecret[]): Variable[] {
  return [
    ...Object.entries(plainVariables(settings)).flatMap(([integration, vars]) => Object.entries(vars).map(([name, value]): Variable => ({ name, integration, from: "setting", value }))),
    ...mintedVariables(Object.keys((settings["stripe"] as { webhooks?: object } | undefined)?.webhooks ?? {})),
    ...expected.flatMap((e) => variablesOf(e.spec, e.entry).map((name): Variable => ({ name, integration: e.integration, from: "credential", path: e.path, class: e.spec.class }))),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `STRIPE_WEBHOOK_{NAME}_SECRET` of each endpoint; a lone endpoint's is also STRIPE_WEBHOOK_SECRET, as Laravel Cashier reads it. */
const mintedVariables = (endpoints: readonly string[]): Variable[] =>
  endpoints.flatMap((endpoint) => [`STRIPE_WEBHOOK_${endpoint.toUpperCase().replaceAll("-", "_")}_SECRET`, ...(endpoints.length === 1 ? ["STRIPE_WEBHOOK_SECRET"] : [])].map((name) => ({ name, integration: "stripe", from: "minted", endpoint })));

/** Whether a variable's name is one that some integration could give: what a child process must not inherit from elsewhere. */
export function isOurVariable(name: string): boolean {
  return FIXED.has(name) || /^STRIPE_WEBHOOK_([A-Z0-9_]+_)?SECRET$/.test(name) || PATTERNS.some((p) => p.test(name));
}
const FIXED = new Set(integrations.flatMap((i) => [...Object.keys(i.env), ...Object.values(i.secrets).flatMap((s) => s.env.filter((v) => !v.includes("{NAME}")))]));
const PATTERNS = integrations.flatMap((i) => Object.values(i.secrets).flatMap((s) => s.env.filter((v) => v.includes("{NAME}")).map((v) => new RegExp(`^${v.replace("{NAME}", "[A-Z0-9_]+")}$`))));
