import { readdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { sealedFile } from "../../schemas/layout.ts";
import { readClear } from "../../seal/clear.ts";
import { identitiesFor } from "../../seal/identity.ts";
import { openSealed } from "../../seal/open.ts";
import { readProject } from "../../stacks/read.ts";
import type { Marker } from "./search.ts";

/** Every declared value of a project's environments, opened with what `identity` gives for each. */
export async function sealedMarkers(root: string, identity: (environment: string) => Readonly<Record<string, string | undefined>>): Promise<Marker[]> {
  const out: Marker[] = [];
  for (const d of readProject(root, { clock: systemClock }).environments) for (const cls of ["standard", "payments"] as const) {
    const { sealed } = readClear(root, sealedFile(d.name, cls));
    if (!sealed) continue;
    const { values } = await openSealed(sealed, identitiesFor(root, d.name, identity(d.name)));
    for (const e of d.expected.filter((x) => x.spec.class === cls)) {
      const value = values.get(e.path);
      if (value !== undefined) out.push({ name: `${d.name}:${e.path}`, value, fixed: fixedPart(e.sample, value) });
    }
  }
  return out;
}
/** Characters that every value of this template shares. */
function fixedPart(template: string, value: string): number {
  const literal = template.split("{")[0] ?? "";
  return value.startsWith(literal) ? literal.length : 0;
}
/** Every plain file below. */
export function* files(dir: string): Generator<string> {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, e.name);
    if (e.isDirectory()) yield* files(path);
    else if (e.isFile()) yield path;
  }
}
