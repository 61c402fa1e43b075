import { hasErrors } from "../../lib/finding.ts";
import type { Context, Result } from "../command.ts";
import { painter } from "../render/paint.ts";
import type { Declared } from "./declarations.ts";
import type { Entry, Ledger } from "./ledger.ts";
import type { Missing } from "./missing.ts";
import type { Made } from "./people.ts";
import type { Plan } from "./plan.ts";

export interface Shown {
  readonly plan: Plan;
  readonly ledger: Ledger;
  readonly made: Made;
  readonly declared: readonly Declared[];
  readonly imported: readonly Result[];
  readonly missing: readonly Missing[];
  readonly placeholders: readonly string[];
  readonly unsealed: { readonly environment: string; readonly path: string } | null;
  readonly dry: boolean;
}
const SIGN = { made: "+", extended: "~", kept: "=", "as-is": "=" } as const;
const SAYS = { made: "", extended: "", kept: ", kept as it was", "as-is": ", there already" } as const;

const quoted = (path: string): string => (/^[\w./~+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/** What init did, what is missing and what comes next. */
export function renderInit(context: Context, s: Shown): string {
  const p = painter(context.color);
  const home = context.env["HOME"];
  const short = (f: string): string => (home !== undefined && f.startsWith(`${home}/`) ? `~${f.slice(home.length)}` : f);
  const width = Math.min(48, Math.max(4, ...grouped(s).map((e) => short(e.file).length)));
  const head = s.dry ? "Dry run: nothing was written. init would make:" : s.ledger.entries.some((e) => e.did === "made" || e.did === "extended") ? `Made in ${s.plan.root}:` : "Nothing to do: everything is there.";
  const files = grouped(s).map((e) => `  ${SIGN[e.did]} ${short(e.file).padEnd(width)}  ${p.dim(`${e.what}${SAYS[e.did]}`)}\n`).join("");
  const declared = s.declared.flatMap((d) => (d.added.length ? [`  ${d.name}: ${d.added.join(", ")}\n`] : [])).join("");
  const imported = s.imported.map((r) => r.text ?? "").join("");
  if (s.dry) return `${head}\n${files}  + people, peppers, .sops.yaml, hooks and git's drivers\n${declared ? `\nDeclared from what exists:\n${declared}` : ""}${imported ? `\nWould be sealed:\n${imported}` : ""}`;
  const exported = Object.entries(s.made.exports);
  const shell = exported.length ? `\n${p.bold("For your shell's profile")}\n${exported.map(([k, v]) => `  export ${k}=${quoted(v)}\n`).join("")}` : "";
  const machines = s.made.machines.length ? `\n${p.bold("Machines")}  ${s.made.machines.length} identities are in ${short(s.plan.keys)}. A Super Admin puts them where their jobs fetch them; then delete the files:\n  npx stackseal init --foundation --env ${s.made.machines[0]?.environment ?? "dev"}\n` : "";
  const missing = s.missing.length ? `\n${p.bold("Not declared or not sealed yet")}  declare what the platform uses in stacks/ENV/environment.yaml (Stripe: payments.yaml)\n${s.missing.map((m) => `  ${m.title}  ${p.dim(m.environments.join(", "))}\n${m.find.map((f) => `      ${f.what}: ${f.where}  ${p.dim(f.url)}\n`).join("")}`).join("")}` : "";
  const placeholders = s.placeholders.length ? `\n${p.bold("Placeholders")}  fine for a preview, not for a deployment\n${s.placeholders.map((x) => `  ${x}\n`).join("")}` : "";
  const ok = !s.imported.some((r) => hasErrors(r.findings ?? []));
  const steps: readonly (readonly [string, string])[] = [
    ["npm install", "the package that the hooks and workflows run"],
    ["npx stackseal check", "everything that can be judged without a key"],
    ["npx stackseal start", "seal samples, preview all, deploy local on the loopback sandbox"],
    ["git add -A && git commit", ok ? "the hooks look first" : "after what is said below is mended"],
    ...(s.unsealed ? [[`npx stackseal secret set ${s.unsealed.path} --env ${s.unsealed.environment} --reason initial`, "asks for the value, without echo"] as const] : []),
  ];
  const next = `\n${p.bold("Next")}\n${steps.map(([command, why]) => `  ${command.padEnd(24)}  ${p.dim(why)}\n`).join("")}`;
  return `${head}\n${files}${declared ? `\n${p.bold("Declared from what exists")}\n${declared}` : ""}${imported ? `\n${p.bold("Imported")}\n${imported}` : ""}${missing}${placeholders}${machines}${shell}${next}`;
}
/** The machines' keys as one line: nobody needs nine. */
function grouped(s: Shown): Entry[] {
  const own = `${s.plan.keys}/`;
  const machine = (e: Entry): boolean => e.file.startsWith(own) && !e.file.startsWith(`${own}${s.plan.person}.`);
  const keys = s.ledger.entries.filter(machine);
  const [first] = keys;
  const one: Entry | null = first ? { file: own, did: keys.some((k) => k.did === "made") ? "made" : "kept", what: `${keys.length} identities and keys of machines, outside the repository` } : null;
  return s.ledger.entries.flatMap((e) => (!machine(e) ? [e] : e === first && one ? [one] : []));
}
