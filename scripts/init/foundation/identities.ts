import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FindingError, type Finding } from "../../../lib/finding.ts";
import type { Declared } from "../../../stacks/read.ts";
import type { Context } from "../../command.ts";
import { machineIdentity } from "../../identity/machine-identity.ts";
import { MACHINE_ROLES, type MachineRole } from "../../identity/roles.ts";
import type { FoundationStep } from "./render.ts";

export interface HandedOver {
  readonly role: MachineRole;
  readonly state: FoundationStep["state"];
  readonly says: string;
  readonly findings: readonly Finding[];
}
/** Puts each machine's identity, which init wrote outside the repository, where its jobs fetch it; what is there already stays. */
export async function handOver(context: Context, d: Declared, keys: string, dry: boolean): Promise<HandedOver[]> {
  const out: HandedOver[] = [];
  for (const role of MACHINE_ROLES) {
    try {
      const m = await machineIdentity(context, d, role);
      try {
        out.push({ role, findings: [], ...(await one(m, keys, dry)) });
      } finally {
        m.close();
      }
    } catch (e) {
      if (!(e instanceof FindingError)) throw e;
      const machineless = e.findings.every((f) => f.code === "IDENTITY_MACHINE");
      // Not every environment has every machine.
      out.push({ role, state: machineless ? "skipped" : "todo", says: e.findings[0]?.message ?? "", findings: machineless || dry ? [] : e.findings });
    }
  }
  return out;
}
async function one(m: Awaited<ReturnType<typeof machineIdentity>>, keys: string, dry: boolean): Promise<Pick<HandedOver, "state" | "says">> {
  const found = m.machines.map((x) => ({ file: join(keys, `${x.name}.age`), age: keyFile(join(keys, `${x.name}.age`)), signing: keyFile(join(keys, `${x.name}.ssh`)) })).find((x) => x.age !== null);
  const given = found ? { age: (found.age ?? "").trim(), signing: found.signing } : null;
  if (await m.holds(given)) return { state: "done", says: `${m.secretId} holds it${found ? `; delete ${found.file}` : ""}` };
  if (given === null || dry) return { state: "todo", says: given ? `${found?.file ?? ""} would be put into ${m.secretId}` : `${m.secretId} holds nothing, and ${keys} has no key of ${m.machines.map((x) => x.name).join(", ")}: stackseal identity put` };
  await m.put(given);
  return { state: "done", says: `put into ${m.secretId}; delete ${found?.file ?? ""}` };
}
const keyFile = (file: string): string | null => (existsSync(file) ? readFileSync(file, "utf8") : null);
