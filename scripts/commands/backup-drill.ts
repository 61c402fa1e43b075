import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { writeAtomic } from "../../lib/atomic.ts";
import { isoDate } from "../../lib/clock.ts";
import { ownFolder } from "../../lib/own-folder.ts";
import type { Finding } from "../../lib/finding.ts";
import { backupCodes } from "../../backup/codes.ts";
import { cloneBundle, openValues, proveValues } from "../../backup/restore.ts";
import { drillRecordFile, type DrillRecord } from "../../schemas/backup.ts";
import { defineCommand, type Context } from "../command.ts";
import { archiveIdentities, BUCKET_OPTION, byOf, openNamed } from "../backup-io.ts";
import { toolVersion } from "../tool-version.ts";

/** Builds `local` from the archive's project onto a sandbox of its own, by this very program. Answers what went wrong, or null. */
async function buildSandbox(context: Context, project: string): Promise<string | null> {
  if (!existsSync(join(project, "stacks/local/environment.yaml"))) return "the archive's project declares no local environment";
  const program = process.argv[1] ?? "";
  const env = { PATH: context.env["PATH"], HOME: project, NO_COLOR: "1" };
  const { code, said } = await new Promise<{ code: number; said: string }>((done) => {
    const child = spawn(process.execPath, [program, "-C", project, "start"], { env, stdio: ["ignore", "ignore", "pipe"], signal: context.signal });
    let text = "";
    child.stderr.on("data", (d: Buffer) => { text = (text + d.toString("utf8")).slice(-600); });
    child.on("error", () => { done({ code: -1, said: "" }); });
    child.on("close", (c) => { done({ code: c ?? -1, said: text }); });
  });
  return code === 0 ? null : `stackseal start ended with ${code} there: ${said.split("\n").find((l) => l.includes("error")) ?? "no word"}`;
}

export default defineCommand({
  name: "backup drill",
  summary: "Prove without touching anything real that an archive restores, opens, matches its fingerprints and builds the sandbox",
  wants: "none",
  args: [{ name: "<archive>", description: "ID.age; its ID.key.sops.yaml stands beside it" }],
  options: [
    BUCKET_OPTION,
    { flags: "--identity <file>", description: "an age identity file; two people's are needed (else SOPS_AGE_KEY_FILE)", many: true },
    { flags: "--no-record", description: "write no result in stacks/backups" },
  ],
  examples: ["stackseal backup drill /mnt/vault/2026-11-24-0badcafe.age --identity one.age --identity other.age"],
  run: async (context, [archive = ""], options) => {
    const identities = archiveIdentities(context, options["identity"]);
    context.progress("opening the archive");
    const { archive: a, recorded: ours, findings: unknown } = await openNamed(context, archive, identities, options["fromBucket"]);
    const files = await openValues(a);
    context.progress("holding values against their fingerprints");
    const proof = await proveValues(a, files);
    const sealedAway = a.manifest.notOpened.map((file) => backupCodes.finding("BACKUP_NOT_OPENED", { message: `${file} wasn't opened when the archive was made: nothing shows that its values open`, path: file, hint: "somebody who may open it makes the backup" }));
    const findings: Finding[] = [...unknown, ...sealedAway, ...proof.findings];
    const temp = ownFolder(tmpdir(), "stackseal-drill-");
    let sandbox = false;
    try {
      if (a.files.has("repository.bundle")) {
        context.progress("cloning, and building the sandbox");
        const project = join(temp, "project");
        cloneBundle(a, project, context.env["PATH"]);
        const wrong = await buildSandbox(context, project);
        sandbox = wrong === null;
        if (wrong !== null) findings.push(backupCodes.finding("BACKUP_SANDBOX", { message: wrong, hint: "stackseal backup restore, then stackseal start there" }));
      } else findings.push(backupCodes.finding("BACKUP_SANDBOX", { message: "the archive has no git bundle: nothing to build from" }));
    } finally {
      rmSync(temp, { recursive: true, force: true });
    }
    if (context.signal.aborted) return { exit: 130 };
    const now = context.clock.now();
    const record: DrillRecord = { id: `${isoDate(now)}-${randomBytes(4).toString("hex")}`, backup: a.manifest.id, at: `${now.toISOString().slice(0, 19)}Z`, by: byOf(context.env), opened: proof.opened, fingerprints: proof.proven, sandbox, tool: toolVersion() };
    const ok = findings.every((f) => f.severity !== "error");
    // Only a drill that proved everything, of an archive that is ours, counts.
    const why = !ok ? "the drill failed" : !ours ? "no record says that the archive is ours" : sealedAway.length > 0 ? "not every sealed file was opened" : null;
    const recorded = why !== null || options["record"] === false ? null : drillRecordFile(record.id);
    if (recorded !== null) writeAtomic(join(context.root, recorded), `# yaml-language-server: $schema=../../schemas/json/drill-record.schema.json\n${stringify(record, { indent: 4, lineWidth: 0, defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" })}`);
    return {
      exit: ok ? 0 : 1, findings, json: { drill: record, record: recorded },
      text: `${a.manifest.id}: ${proof.opened} values open, ${proof.proven} match their fingerprints; sandbox ${sandbox ? "built" : "not built"}${a.manifest.notOpened.length ? `; ${a.manifest.notOpened.length} sealed files are in the git bundle alone` : ""}\n${recorded === null ? (why === null ? "" : `Not recorded: ${why}.\n`) : `Recorded in ${recorded}: commit it.\n`}`,
    };
  },
});
