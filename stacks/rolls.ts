import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readDocument } from "../lib/document.ts";
import { rotationsDir } from "../schemas/layout.ts";
import { isAborted, reached, recordSchema } from "../schemas/rotation-record.ts";

/** Which rotation replaced each Stripe endpoint last: endpoint → rotation's id. Records that can't be read are another check's findings. */
export function rolledEndpoints(root: string, environment: string): Record<string, string> {
  const dir = rotationsDir(environment);
  const names = existsSync(join(root, dir)) ? readdirSync(join(root, dir)).filter((n) => n.endsWith(".yaml") && !n.endsWith(".sops.yaml")) : [];
  const rolls = names.flatMap((n): { endpoint: string; rotation: string; at: string }[] => {
    const parsed = recordSchema.safeParse(readDocument(root, `${dir}/${n}`).document?.value);
    const endpoint = parsed.success ? /^stripe\.webhooks\.([a-z0-9-]+)\.signingSecret$/.exec(parsed.data.path)?.[1] : undefined;
    if (!parsed.success || endpoint === undefined || isAborted(parsed.data) || !reached(parsed.data, "revoked")) return [];
    return [{ endpoint, rotation: parsed.data.rotation, at: parsed.data.steps[0]?.at ?? "" }];
  });
  return Object.fromEntries(rolls.sort((a, b) => (a.at < b.at ? -1 : 1)).map((r) => [r.endpoint, r.rotation]));
}
