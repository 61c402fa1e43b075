import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { stringify } from "yaml";
import { writeAtomic } from "../../lib/atomic.ts";
import { FindingError } from "../../lib/finding.ts";
import { sha256 } from "../../lib/sha256.ts";
import { createBackup } from "../../backup/archive.ts";
import { backupCodes } from "../../backup/codes.ts";
import { backupRecordFile, type BackupRecord } from "../../schemas/backup.ts";
import { readPeople } from "../../seal/deploy.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { byOf, putBackup } from "../backup-io.ts";
import { toolVersion } from "../tool-version.ts";
import { knownEnvironments } from "./check.ts";

const list = (v: unknown): string[] => (Array.isArray(v) ? (v as string[]) : []);

export default defineCommand({
  name: "backup create",
  summary: "Make one encrypted archive that any two of three people open: history, sealed values, states, lineage, inventory",
  wants: "any",
  options: [
    { flags: "--out <dir>", description: "where the archive and its key go" },
    { flags: "--lock-in <env>", description: "or the locked bucket of this environment's account, straight from memory" },
    { flags: "--state <file>", description: "an exported deployment (STACK=FILE, or FILE named STACK.json)", many: true },
    { flags: "--online", description: "ask the stores of the environments named by --env for their versions too" },
    { flags: "--no-record", description: "write no record in stacks/backups" },
  ],
  examples: ["stackseal backup create --out /mnt/vault", "stackseal backup create --out DIR --state prod=prod.json --state prod-payments=pay.json", "stackseal backup create --lock-in prod --state prod=prod.json"],
  run: async (context, _args, options) => {
    const out = options["out"];
    const lockIn = options["lockIn"] as string | undefined;
    if (typeof out !== "string" && lockIn === undefined) return { exit: 2, findings: [{ code: "USAGE", severity: "error", message: "--out is missing (or --lock-in): where the archive goes", hint: "stackseal backup create --out DIR" }] };
    knownEnvironments(context);
    const project = readProject(context.root, { clock: context.clock });
    const states = new Map(list(options["state"]).map((s): [string, string] => {
      const m = /^([a-z][a-z0-9-]*)=(.+)$/.exec(s);
      const file = resolve(context.root, m?.[2] ?? s);
      if (!existsSync(file)) throw new FindingError(backupCodes.finding("BACKUP_STATE", { message: `${m?.[2] ?? s} isn't there`, hint: "pulumi stack export --file F" }), 2);
      return [m?.[1] ?? basename(file, ".json"), readFileSync(file, "utf8")];
    }));
    const tool = toolVersion();
    const b = await createBackup({
      root: context.root, env: context.env, clock: context.clock, people: readPeople(context.root, ""), environments: project.environments, states, tool,
      online: options["online"] === true ? context.envs : [], onProgress: (text) => { context.progress(text); },
    });
    const { id } = b.manifest;
    const names = { archive: `${id}.age`, key: `${id}.key.sops.yaml` };
    // The key last: an archive without one is a run that was cut off, and opens for nobody.
    const both = [[names.archive, b.archive], [names.key, Buffer.from(b.key)]] as const;
    if (typeof out === "string") {
      const dir = resolve(context.root, out);
      for (const [n] of both) if (existsSync(join(dir, n))) throw new FindingError(backupCodes.finding("BACKUP_EXISTS", { message: `${n} is there already`, path: n }), 2);
      for (const [n, bytes] of both) writeAtomic(join(dir, n), bytes, 0o600);
    }
    if (lockIn !== undefined) for (const [n, bytes] of both) await putBackup(context, lockIn, n, bytes);
    const record: BackupRecord = {
      id, at: b.manifest.at, by: byOf(context.env), head: b.manifest.head,
      archive: { file: names.archive, sha256: sha256(b.archive), bytes: b.archive.length }, key: { file: names.key, sha256: sha256(b.key) },
      breakGlass: [...b.breakGlass], credentials: b.credentials, notOpened: [...b.manifest.notOpened], stacks: [...b.manifest.stacks], tool,
    };
    const recorded = options["record"] === false ? null : backupRecordFile(id);
    if (recorded !== null) writeAtomic(join(context.root, recorded), `# yaml-language-server: $schema=../../schemas/json/backup-record.schema.json\n${stringify(record, { indent: 4, lineWidth: 0, defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" })}`);
    return {
      exit: 0, findings: b.findings, json: { backup: record, record: recorded },
      text: `${names.archive}  ${record.archive.bytes} bytes: ${b.credentials} values, ${record.stacks.length} states${record.head === null ? "" : `, history up to ${record.head.slice(0, 12)}`}\n${names.key}  opens it for any two of ${b.breakGlass.join(", ")}\n${recorded === null ? "" : `Recorded in ${recorded}: commit it. `}Next: stackseal backup drill ${typeof out === "string" ? join(out, names.archive) : `${names.archive} --from-bucket ${lockIn ?? ""}`} --identity ONE --identity OTHER\n`,
    };
  },
});
