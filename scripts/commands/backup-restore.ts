import { resolve } from "node:path";
import { restoreInto } from "../../backup/restore.ts";
import { recipientOf } from "../../seal/age.ts";
import { defineCommand } from "../command.ts";
import { archiveIdentities, BUCKET_OPTION, openNamed } from "../backup-io.ts";

export default defineCommand({
  name: "backup restore",
  summary: "Open an archive with two people's identities and put it into an empty folder; values stay sealed, to those who restore",
  wants: "none",
  args: [{ name: "<archive>", description: "ID.age; its ID.key.sops.yaml stands beside it" }],
  options: [
    { flags: "--into <dir>", description: "a folder that isn't there, or is empty" },
    BUCKET_OPTION,
    { flags: "--identity <file>", description: "an age identity file; two people's are needed (else SOPS_AGE_KEY_FILE)", many: true },
    { flags: "--recipient <age1…>", description: "seal the values to these instead of the identities' own recipients", many: true },
  ],
  examples: ["stackseal backup restore /mnt/vault/2026-11-24-0badcafe.age --identity one.age --identity other.age --into restored"],
  run: async (context, [archive = ""], options) => {
    if (typeof options["into"] !== "string") return { exit: 2, findings: [{ code: "USAGE", severity: "error", message: "--into is missing: an empty folder", hint: `stackseal backup restore ${archive} --into DIR` }] };
    const identities = archiveIdentities(context, options["identity"]);
    context.progress("opening the archive");
    const { archive: a, findings } = await openNamed(context, archive, identities, options["fromBucket"]);
    const given = options["recipient"];
    const recipients = Array.isArray(given) ? (given as string[]) : await Promise.all(identities.map(recipientOf));
    const r = await restoreInto(a, resolve(context.root, options["into"]), recipients, context.clock.now(), context.env["PATH"]);
    return {
      exit: 0, findings, json: { id: a.manifest.id, at: a.manifest.at, head: a.manifest.head, tool: a.manifest.tool, sealed: r.sealed, files: r.files, stacks: a.manifest.stacks },
      text: `Restored ${a.manifest.id} (stackseal ${a.manifest.tool}, ${a.manifest.at}) into ${options["into"]}:\n  project/    git history${a.manifest.head === null ? ": none in the archive" : ` at ${a.manifest.head.slice(0, 12)}`}\n  sealed/     ${r.sealed} sealed files, sealed to ${recipients.length} recipients; secret verify reads them\n  state/      ${a.manifest.stacks.length} stacks\n  lineage.json, inventory.json, tool/\nNext: copy sealed files over project/ where its own can't be opened, then stackseal secret sign, check, preview\n`,
    };
  },
});
