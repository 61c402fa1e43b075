import { existsSync } from "node:fs";
import { join } from "node:path";
import { isoDate } from "../../lib/clock.ts";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { allows } from "../../schemas/access.ts";
import { LOCAL } from "../../schemas/layout.ts";
import { members } from "../../schemas/people.ts";
import { readClear } from "../../seal/clear.ts";
import { recipientsFor } from "../../seal/recipients.ts";
import { resealFile, type Target } from "../../seal/reseal.ts";
import { credentialFiles } from "../../seal/sealed-files.ts";
import { targets } from "../../seal/sops-config.ts";
import { defineCommand } from "../command.ts";
import { sealingOf } from "../sealing.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "secret reseal",
  summary: "Seal an environment's files anew, under a fresh data key, to whom the access matrix says; issue ids stay",
  wants: "one",
  examples: ["stackseal secret reseal --env dev"],
  run: async (context) => {
    const [env = ""] = knownEnvironments(context);
    const s = sealingOf(context, env);
    const on = isoDate(s.now);
    const role = members(s.people).find((m) => m.name === s.signer.name)?.entry;
    const findings: Finding[] = [];
    const own: { target: Target; recipients: readonly { recipient: string }[] }[] = credentialFiles(context.root, env, s.declared.tier).map((target) => ({ target, recipients: recipientsFor(s.people, s.declared.tier, target.class, on) }));
    // Peppers only where their recipients aren't right: their values outlive the seals.
    const peppers = env === LOCAL ? [] : targets(context.root, s.people, s.project.environments.map((e) => ({ name: e.name, tier: e.tier })), on).filter((t) => t.target.kind === "peppers" && stale(context.root, t.target.file, t.recipients.map((r) => r.recipient)));
    const files: { file: string; values: number }[] = [];
    for (const { target, recipients } of [...own, ...peppers]) {
      if (context.signal.aborted) return { exit: 130 };
      if (!existsSync(join(context.root, target.file))) continue;
      if (target.kind === "credentials" && !(role && role.tiers.includes(target.tier) && allows(role.role, target.class, target.tier, "seal"))) {
        findings.push({ code: "SEAL_WRITER_NOT_ALLOWED", severity: "warning", message: `${s.signer.name} (${role?.role ?? "unknown"}) may not seal ${target.class} credentials of ${target.tier}: left as it is`, at: { file: target.file, line: 1, column: 1 } });
        continue;
      }
      context.progress(`sealing ${target.file}`);
      files.push({ file: target.file, values: await resealFile({ root: context.root, target, recipients: recipients.map((r) => r.recipient), identities: s.identities, people: [s.people], signer: s.signer, now: s.now }) });
    }
    if (files.length === 0) throw new FindingError(findings);
    return { exit: 0, findings, json: { files }, text: files.map((f) => `sealed ${f.file} anew: ${f.values} values`).join("\n") };
  },
});
const stale = (root: string, file: string, wanted: readonly string[]): boolean => {
  if (!existsSync(join(root, file))) return false;
  const have = new Set(readClear(root, file).sealed?.sops.recipients.map((r) => r.recipient) ?? []);
  return have.size !== new Set(wanted).size || wanted.some((r) => !have.has(r));
};
