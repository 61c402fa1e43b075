import type { Declared } from "../../stacks/read.ts";
import type { Context, OptionSpec, Result } from "../command.ts";
import { declarationOf } from "./declaration.ts";
import type { MachineIdentity } from "./machine-identity.ts";
import { MACHINE_ROLES, type MachineRole } from "./roles.ts";

/** Whose identity a command is about. */
export const ROLE_OPTION: OptionSpec = { flags: "--role <role>", description: "which machine's", choices: MACHINE_ROLES, default: "deployer" };

export interface Chosen {
  readonly d: Declared;
  readonly role: MachineRole;
  readonly m: MachineIdentity;
  /** The machines' names, for a sentence. */
  readonly names: string;
}
/** Runs with the identity of the environment's machine of `--role`; what was opened is closed again. What `run` gives is told with the secret and its machines. Throws FindingError. */
export async function withMachine(context: Context, options: Readonly<Record<string, unknown>>, run: (c: Chosen) => Promise<Result>): Promise<Result> {
  const d = declarationOf(context), role = options["role"] as MachineRole;
  const { machineIdentity } = await import("./machine-identity.ts");
  const m = await machineIdentity(context, d, role);
  const machines = m.machines.map((x) => x.name);
  try {
    const r = await run({ d, role, m, names: machines.join(", ") });
    return r.exit === 0 ? { ...r, json: { environment: d.name, role, secret: m.secretId, machines, ...r.json } } : r;
  } finally {
    m.close();
  }
}
