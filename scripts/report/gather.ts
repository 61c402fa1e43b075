import { existsSync } from "node:fs";
import { join } from "node:path";
import { concerns, openLog, type Change } from "../../audit/log.ts";
import { readExposures } from "../../history/exposure-file.ts";
import { Git } from "../../lib/git.ts";
import { readDocument } from "../../lib/document.ts";
import type { Finding } from "../../lib/finding.ts";
import { environmentOf } from "../../policies/kit/exceptions.ts";
import { readRecords } from "../../rotation/record.ts";
import { EXCEPTIONS_FILE, exceptionsSchema, type Exception } from "../../schemas/exceptions.ts";
import { parseWith } from "../../schemas/parse.ts";
import { readProject } from "../../stacks/read.ts";
import type { Context } from "../command.ts";
import type { Signers } from "../../rotation/signers.ts";
import { signersOf } from "../rotation-signers.ts";
import { deploymentsKnown, type GivenDeployments } from "../evidence.ts";
import type { Material } from "./data.ts";
import { heldOver } from "../../audit/held.ts";

/** Of which environments and days; instants that sort as text. */
export interface Period {
  readonly environments: readonly string[];
  readonly since: string;
  readonly until: string;
}
/** Everything that the page shows, read from git and the files at hand, without a key. Findings are what couldn't be read. Throws what openLog throws. */
export async function gather(context: Context, period: Period, given: GivenDeployments = { states: [], updates: [] }): Promise<{ readonly material: Material; readonly findings: readonly Finding[] }> {
  const { environments, since, until } = period;
  const log = openLog({ root: context.root, deployments: await deploymentsKnown(context, given), env: context.env, signal: context.signal, onProgress: (done, total) => { context.progress(`reading history: ${done} of at most ${total} commits`); } });
  const changes: Change[] = [];
  const lastUse = new Map<string, string>();
  for await (const page of log.changes) for (const c of page) {
    for (const name of [c.who, c.sealedBy, c.signature.state === "valid" ? c.signature.by : null, c.author.replace(/ <.*$/, ""), c.review.mergedBy?.replace(/ <.*$/, "")]) if (name && c.at > (lastUse.get(name) ?? "")) lastUse.set(name, c.at);
    if (c.at >= since && c.at <= until && concerns(c, context.envs)) changes.push(c);
  }
  const { held, findings: unseen } = await heldOver(new Git(context.root, context.env), log.head, (t) => { context.progress(t); });
  context.progress(null);
  const project = readProject(context.root, { only: environments, clock: context.clock });
  const signers = (name: string): Signers | null => {
    const tier = project.environments.find((e) => e.name === name)?.tier;
    return project.people && tier !== undefined ? signersOf(context, name, tier, project.people) : null;
  };
  const rotations = environments.map((e) => readRecords(context.root, e, signers(e)));
  const exposures = readExposures(context.root);
  const exceptions = readExceptions(context.root);
  const within = (from: string, to: string | null): boolean => from <= until && (to ?? "9999") >= since;
  const findings = [...log.findings, ...unseen.filter((f) => f.code !== "HISTORY_SHALLOW"), ...rotations.flatMap((r) => r.findings), ...exposures.findings, ...exceptions.findings];
  return {
    findings,
    material: {
      now: context.clock.now(), head: log.head, since: since || null, until: until === "9999" ? null : until, environments, project, changes, lastUse,
      records: rotations.flatMap((r) => r.records).filter(({ record: r }) => within(r.steps[0]?.at ?? "", r.steps.at(-1)?.at ?? null)),
      exposures: exposures.files, held: held.filter((h) => environments.includes(h.environment) && within(h.from, h.until)),
      exceptions: exceptions.list.filter((e) => context.envs.length === 0 || environments.includes(environmentOf(e) ?? "")),
      gaps: [...new Set(findings.map((f) => `${f.at ? `${f.at.file}:${f.at.line}: ` : ""}${f.message}`))],
    },
  };
}
function readExceptions(root: string): { readonly list: readonly Exception[]; readonly findings: readonly Finding[] } {
  if (!existsSync(join(root, EXCEPTIONS_FILE))) return { list: [], findings: [] };
  const r = readDocument(root, EXCEPTIONS_FILE);
  const parsed = r.document && parseWith(exceptionsSchema, r.document);
  return { list: parsed?.value?.exceptions ?? [], findings: [...r.findings, ...(parsed?.findings ?? [])] };
}
