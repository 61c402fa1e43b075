import { existsSync } from "node:fs";
import { join } from "node:path";
import { FindingError, hasErrors, type Finding } from "../lib/finding.ts";
import { allows, type Role, type SecretClass } from "../schemas/access.ts";
import { LOCAL, sealedFile, signingSecretName } from "../schemas/layout.ts";
import { variables } from "../schemas/variables.ts";
import { readClear } from "../seal/clear.ts";
import { identitiesFor } from "../seal/identity.ts";
import { openSealed } from "../seal/open.ts";
import { readProject, type Declared } from "../stacks/read.ts";
import type { Context } from "./command.ts";
import { knownEnvironments } from "./commands/check.ts";

/** Roles that processes run under; each reads one class of credentials. */
export const PROCESS_ROLES = ["app", "payments-app"] as const satisfies readonly Role[];

export interface EnvironmentVariables {
  readonly declared: Declared;
  /** Name → value: settings in clear, credentials decrypted in memory. */
  readonly values: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
  /** Classes that no identity at hand opens, or that the role doesn't read. */
  readonly left: readonly SecretClass[];
}

/**
 * The variables of the one environment of a command. With a role: what the access matrix lets it read, and it must open; without one:
 * every class that the identities at hand open. Throws FindingError where the declaration is wrong or nothing opens.
 */
export async function environmentVariables(context: Context, role: Role | null): Promise<EnvironmentVariables> {
  const [env = ""] = knownEnvironments(context);
  const project = readProject(context.root, { only: [env], clock: context.clock });
  const declared = project.environments[0];
  const errors = project.findings.filter((f) => f.severity === "error");
  if (!declared || hasErrors(errors)) throw new FindingError(errors, 1);
  const settings = { ...declared.environment.integrations, ...(declared.payments && { stripe: declared.payments.stripe }) };
  const sealed = new Map<string, string>();
  const left: SecretClass[] = [];
  let refused: FindingError | null = null;
  for (const cls of ["standard", "payments"] as const) {
    const file = sealedFile(env, cls);
    if (!existsSync(join(context.root, file))) continue;
    if (role !== null && !allows(role, cls, declared.tier, "read")) {
      left.push(cls);
      continue;
    }
    try {
      const clear = readClear(context.root, file);
      if (!clear.sealed) throw new FindingError(clear.findings);
      for (const [path, value] of (await openSealed(clear.sealed, identitiesFor(context.root, env, context.env))).values) sealed.set(path, value);
    } catch (e) {
      const mine = e instanceof FindingError && e.findings.every((f) => f.code === "SEAL_NOT_RECIPIENT");
      if (!mine || role !== null) throw e;
      refused ??= e;
      left.push(cls);
    }
  }
  if (refused && sealed.size === 0) throw refused;
  const values = new Map<string, string>();
  const minted = left.includes("payments") ? new Map<string, string>() : await signingSecrets(context, declared);
  for (const v of variables(settings, declared.expected)) {
    const value = v.from === "setting" ? v.value : v.from === "minted" ? minted.get(v.endpoint) : sealed.get(v.path);
    if (value !== undefined) values.set(v.name, value);
  }
  return { declared, values, findings: project.findings, left };
}

/** Endpoint → signing secret. What Stripe minted stands in the store alone, which an application reads at run time; `local`'s is on this machine. */
async function signingSecrets(context: Context, d: Declared): Promise<Map<string, string>> {
  if (d.name !== LOCAL || !d.payments) return new Map();
  const { fileStore } = await import("../providers/stores/file.ts");
  const store = fileStore(context.root, LOCAL, context.env);
  const found = await Promise.all(Object.keys(d.payments.stripe.webhooks).map(async (n) => [n, (await store.read(signingSecretName(LOCAL, n)))?.["current"]] as const));
  return new Map(found.filter((e): e is readonly [string, string] => e[1] !== undefined));
}
