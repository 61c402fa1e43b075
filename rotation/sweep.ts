import { FindingError } from "../lib/finding.ts";
import type { SecretClass } from "../schemas/access.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import type { Unsealed } from "../seal/deploy.ts";
import { rotationCodes } from "./codes.ts";
import type { Rotator } from "./context.ts";
import { settingsOf, unsealed, type Settings } from "./deliver.ts";
import type { StepData } from "./strategy.ts";

/** Asks the doctor of every credential of the environment. Throws FindingError where one is refused; what can't be opened here is said to be skipped. */
export async function sweep(r: Rotator, rotated: (ExpectedSecret & { readonly settings: Settings }) | null): Promise<StepData> {
  const opened = new Map<SecretClass, Unsealed | null>();
  for (const cls of ["standard", "payments"] as const) {
    if (!r.declared.credentials.some((c) => c.spec.class === cls)) continue;
    opened.set(cls, await unsealed(r, cls).catch((e: unknown) => {
      if (e instanceof FindingError && e.findings.every((f) => f.code === "SEAL_NOT_RECIPIENT")) return null;
      throw e;
    }));
  }
  const results = await Promise.all(r.declared.credentials.map(async (c) => {
    const value = opened.get(c.spec.class)?.values.get(c.path);
    if (value === undefined) return { path: c.path, verdict: "skipped" as const, code: "NOT_RECIPIENT" };
    const settings = c.integration === rotated?.integration ? rotated.settings : settingsOf(r, c);
    const p = await r.probe({ path: c.path, kind: c.kind, integration: c.integration, value, settings });
    return { path: c.path, verdict: p.verdict, code: p.code };
  }));
  const refused = results.filter((x) => x.verdict === "invalid");
  if (refused.length) throw new FindingError(refused.map((x) => rotationCodes.finding("ROTATION_SWEEP_INVALID", { message: `${x.path} is refused (${x.code}): the rotation stays open until every integration works`, path: x.path, hint: `stackseal doctor --env ${r.declared.name}; when it is mended: stackseal rotate resume` })));
  return { results };
}
