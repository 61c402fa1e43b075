import { resolve } from "node:path";
import { isoDate } from "../../lib/clock.ts";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { auditCodes } from "../../audit/codes.ts";
import { periodOf } from "../../audit/bundle/period.ts";
import { withFolder } from "../../audit/bundle/open.ts";
import { intact, readBundle, signedBy } from "../../audit/bundle/read.ts";
import { signersInClone } from "../../audit/bundle/verify.ts";
import { tarPath, writeBundle } from "../../audit/bundle/write.ts";
import { superAdmins } from "../../seal/file-signature.ts";
import { readPeople } from "../../seal/deploy.ts";
import { defineCommand, type Context } from "../command.ts";
import { absentOf, fileGiven, recordedParts } from "../evidence.ts";
import { knownEnvironments } from "./check.ts";
import { signerOf } from "../signer.ts";
import { toolVersion } from "../tool-version.ts";

const text = (v: unknown): string | undefined => (typeof v === "string" ? v : undefined);

export default defineCommand({
  name: "audit bundle",
  summary: "Write a period's evidence into a folder and a tar: hashed, chained to the former bundle, signed with a Super Admin's SSH key",
  wants: "any",
  options: [
    { flags: "--quarter <quarter>", description: "the period: 2026Q4" }, { flags: "--since <date>", description: "or its first day" }, { flags: "--until <date>", description: "and its last day" },
    { flags: "--out <dir>", description: "the bundle's folder; must be new or empty; the tar is written beside it, DIR.tar" }, { flags: "--previous <dir>", description: "the former bundle, which this one follows on" },
    { flags: "--state <file>", description: "a stack export, for the store's lineage; may be repeated", many: true }, { flags: "--doctor <file>", description: "what stackseal doctor --json said; may be repeated", many: true },
    { flags: "--updates <file>", description: "what stackseal history --json printed, for the updates that carried the changes; may be repeated", many: true },
    { flags: "--policies <file>", description: "what stackseal policies --json said; may be repeated", many: true },
    { flags: "--timestamp-token <file>", description: "an RFC 3161 token over the bundle's git/commits.txt, or over the former manifest.json" },
  ],
  examples: ["stackseal audit bundle --quarter 2026Q4 --out evidence/2026Q4 --previous evidence/2026Q3", "stackseal audit bundle --since 2026-10-01 --until 2026-10-31 --out october --state prod.json --doctor doctor.json"],
  run: async (context, _args, options) => {
    const period = periodOf({ quarter: text(options["quarter"]), since: text(options["since"]), until: text(options["until"]) });
    const out = text(options["out"]);
    if (out === undefined) throw new FindingError(auditCodes.finding("BUNDLE_PLACE", { message: "where shall the bundle be written?", hint: "--out DIR" }), 2);
    const signer = superAdminSigner(context);
    const former = text(options["previous"]);
    const previous = former === undefined ? null : await readFormer(context, former);
    const token = text(options["timestampToken"]);
    const list = (name: string): string[] => (options[name] ?? []) as string[];
    const given = { states: list("state"), doctors: list("doctor"), updates: list("updates"), policies: list("policies") };
    const environments = context.envs.length > 0 ? knownEnvironments(context) : [];
    const { manifest, sha256 } = await writeBundle({
      root: context.root, env: context.env, signal: context.signal, out: resolve(context.root, out), period, environments, now: context.clock.now(), version: toolVersion(), signer, previous,
      recorded: await recordedParts(context, given, environments), absent: absentOf(given), token: token === undefined ? null : fileGiven(context, token),
      onProgress: (done, total) => { context.progress(`reading history: ${done} of at most ${total} commits`); },
    });
    context.progress(null);
    const open: Finding[] = period.until >= isoDate(context.clock.now()) ? [auditCodes.finding("BUNDLE_OPEN_PERIOD", { message: `${period.until} isn't over: what comes later in the period stands in the next bundle` })] : [];
    return {
      exit: 0, findings: open, json: { out, tar: tarPath(out), period, environments, manifestSha256: sha256, git: manifest.git, previous: manifest.previous, signer: manifest.signer.name, absent: manifest.absent, files: manifest.files },
      text: `${out} and ${tarPath(out)}: ${manifest.files.length} files, ${manifest.git.commits} commits of ${period.since} to ${period.until}, signed by ${signer.name}\n${manifest.previous ? `Follows on the bundle of ${manifest.previous.period.since} to ${manifest.previous.period.until}.\n` : "The first of its chain: no former bundle was given.\n"}${manifest.absent.map((a) => `Not in it: ${a}\n`).join("")}Check it: stackseal audit verify ${out} --allowed-signers FILE, or as its VERIFY.txt says\nFor an authority's time stamp over it: openssl ts -query -data ${out}/manifest.json -sha256 -cert -out request.tsq, send that to the authority,\nand keep its answer as ${out}/manifest.json.tsr\nInto a locked bucket, with its own time: stackseal audit lock ${out} --env E\n`,
    };
  },
});
function superAdminSigner(context: Context): ReturnType<typeof signerOf> {
  const people = readPeople(context.root, "");
  const signer = signerOf(context, "", people);
  const admins = superAdmins(people, isoDate(context.clock.now())).map((m) => m.name);
  if (!admins.includes(signer.name)) throw new FindingError(auditCodes.finding("BUNDLE_SIGNER", { message: `${signer.name} is no Super Admin`, hint: `evidence is signed by one of: ${admins.join(", ")}` }), 2);
  return signer;
}
async function readFormer(context: Context, dir: string): Promise<Parameters<typeof writeBundle>[0]["previous"]> {
  return withFolder(resolve(context.root, dir), dir, (at, found) => {
    const b = readBundle(at, dir);
    const { manifest } = b;
    if (!manifest) throw new FindingError(auditCodes.finding("BUNDLE_UNREADABLE", { message: `the manifest of ${dir} can't be read`, hint: `stackseal audit verify ${dir}` }), 2);
    // A chain hangs on no bundle that was changed.
    const wrong = [...found, ...signedBy(b, signersInClone(new Git(context.root, context.env), b), context.clock.now()).findings, ...intact({ ...b, manifest })];
    if (wrong.length > 0) throw new FindingError(wrong, 1);
    return Promise.resolve({ manifest, sha256: b.sha256, label: dir });
  });
}
