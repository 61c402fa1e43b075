import { join, resolve } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { addDays } from "../../lib/clock.ts";
import { FindingError } from "../../lib/finding.ts";
import { auditCodes } from "../../audit/codes.ts";
import { evidenceKey, type Receipt } from "../../audit/bundle/locked.ts";
import { LOCK } from "../../audit/bundle/timestamp.ts";
import { intact, readBundle } from "../../audit/bundle/read.ts";
import { tarOfFolder } from "../../audit/bundle/write.ts";
import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { lockedBucket } from "../evidence-bucket.ts";

export default defineCommand({
  name: "audit lock",
  summary: "Put an evidence bundle into an environment's locked bucket, and keep the bucket's own time beside its manifest",
  args: [{ name: "<dir>", description: "the bundle's folder" }],
  wants: "one",
  options: [{ flags: "--days <n>", description: "how long nobody may change or remove it (default 365)" }],
  examples: ["stackseal audit lock evidence/2026Q4 --env prod", "stackseal audit lock evidence/2026Q4 --env prod --days 730 --yes"],
  run: async (context, [dir = ""], options) => {
    const days = Number(options["days"] ?? 365);
    if (!Number.isInteger(days) || days < 1 || days > 3650) return { exit: 2, findings: [{ code: "USAGE", severity: "error", message: "--days is a number of days, 1 to 3650", hint: "stackseal audit lock DIR --env prod --days 730" }] };
    const environment = context.envs[0] ?? "";
    const folder = resolve(context.root, dir);
    const b = readBundle(folder, dir);
    const { manifest } = b;
    if (!manifest) throw new FindingError(auditCodes.finding("BUNDLE_UNREADABLE", { message: `the manifest of ${dir} can't be read`, hint: `stackseal audit verify ${dir}` }), 2);
    const changed = intact({ ...b, manifest });
    if (changed.length > 0) throw new FindingError(changed, 1);
    const { at, bucket } = lockedBucket(context, environment);
    const until = addDays(context.clock.now(), days);
    const no = await confirm(context, `Put ${dir} into s3://${bucket}, locked until ${until.toISOString().slice(0, 10)}? Nobody can take that back.`, `stackseal audit lock ${dir} --env ${environment}`);
    if (no) return { exit: 2, findings: [no] };
    const { putLocked } = await import("../../providers/aws/locked-object.ts");
    // The manifest last: where it stands, the whole bundle does.
    const put = async (name: string, bytes: Buffer): ReturnType<typeof putLocked> => putLocked(at, context.env, { bucket, key: evidenceKey(manifest, b.sha256, name), bytes, retain: until });
    await put("bundle.tar", await tarOfFolder(folder, manifest));
    const kept = await put("manifest.json", Buffer.from(b.text));
    const receipt: Receipt = { stackseal: "lock-1", environment, bucket, key: evidenceKey(manifest, b.sha256, "manifest.json"), versionId: kept.versionId, at: kept.at, mode: kept.mode, retainUntil: kept.retainUntil, manifestSha256: b.sha256 };
    writeAtomic(join(folder, LOCK), `${JSON.stringify(receipt, null, 2)}\n`);
    const findings = kept.mode === null ? [auditCodes.finding("BUNDLE_LOCK", { message: "the bucket keeps it, but no lock is on it (or this role may not see one)", path: `s3://${bucket}`, hint: `stackseal drift --env ${environment}` })] : [];
    return {
      exit: findings.length ? 1 : 0, findings, json: { bundle: dir, receipt },
      text: `s3://${bucket}/${receipt.key} and bundle.tar beside it: taken ${kept.at}${kept.retainUntil === null ? "" : `, ${kept.mode ?? ""} until ${kept.retainUntil}`}\nKept as ${dir}/${LOCK}. Check it: stackseal audit verify ${dir} --ask-store\n`,
    };
  },
});
