import { existsSync } from "node:fs";
import { join } from "node:path";
import { isoDate } from "../lib/clock.ts";
import { readText } from "../lib/document.ts";
import type { Finding } from "../lib/finding.ts";
import { historyCodes } from "../history/codes.ts";
import { judgeExposures, readExposures, type ExposureFile } from "../history/exposure-file.ts";
import { humanPepperFile, LOCAL, pepperFile } from "../schemas/layout.ts";
import { members, type People } from "../schemas/people.ts";
import { judgePeppers, type Peppered } from "../seal/pepper.ts";
import { allSealedFiles } from "../seal/sealed-files.ts";
import { SOPS_CONFIG, targets } from "../seal/sops-config.ts";
import type { Project } from "../stacks/read.ts";
import type { Context } from "./command.ts";
import { inForceOf } from "./exposure.ts";
import { peopleState } from "./people.ts";

/** What `check` says of people: recipients of the peppers, `.sops.yaml`, leavers in recipient lists, an unfinished change, open exposures. `all`: with every environment, where some were asked for. Needs no key. */
export function judgePeople(context: Pick<Context, "root" | "clock" | "envs">, project: Project, all = project): Finding[] {
  const { people } = project;
  const real = all.environments.filter((e) => e.name !== LOCAL).map((e) => ({ name: e.name, tier: e.tier }));
  if (!people || real.length === 0) return [];
  const on = isoDate(context.clock.now());
  const { files, findings } = readExposures(context.root);
  return [
    ...peopleState(context.root, people, real, on), ...peppers(context.root, people, all, real, on), ...leavers(context.root, people, files),
    ...findings, ...judgeExposures(files, inForceOf(context.root, all), context.envs, context.clock.now()),
  ];
}
function peppers(root: string, people: People, project: Project, environments: Parameters<typeof targets>[2], on: string): Finding[] {
  const uses = new Map<string, Peppered[]>();
  for (const e of project.environments) if (e.name !== LOCAL) for (const c of e.credentials) {
    const file = c.claims.fingerprint.startsWith("h") ? humanPepperFile(e.name, e.tier) : pepperFile(e.name);
    uses.set(file, [...(uses.get(file) ?? []), { fingerprint: c.claims.fingerprint, at: c.at, path: c.path }]);
  }
  return targets(root, people, environments, on).flatMap(({ target, recipients }) => (target.kind === "peppers" ? judgePeppers(root, target.file, recipients, people, uses.get(target.file) ?? []) : []));
}
/** Somebody of whom an exposure list says that they left, and whom a recipient list still has: in any sealed file, declared or not, and in `.sops.yaml`. */
function leavers(root: string, people: People, files: readonly ExposureFile[]): Finding[] {
  const here = new Set(members(people).flatMap((m) => m.entry.recipients));
  const left = new Map(files.flatMap((f) => f.exposure.recipients.filter((r) => !here.has(r)).map((r) => [r, f.exposure.subject] as const)));
  if (left.size === 0) return [];
  return [SOPS_CONFIG, ...allSealedFiles(root)].flatMap((file): Finding[] => {
    const text = existsSync(join(root, file)) ? readText(root, file, 8 << 20).text : null;
    if (text === null) return [];
    const who = new Map([...text.matchAll(/\bage1[02-9ac-hj-np-z]{58}\b/g)].flatMap((m) => { const name = left.get(m[0]); return name === undefined ? [] : [[name, m.index] as const]; }));
    return [...who].map(([name, at]) => historyCodes.finding("RECIPIENT_LEFT", { message: `${name} left, or their key was stolen, and is still a recipient here`, at: { file, line: text.slice(0, at).split("\n").length, column: 1 }, hint: "stackseal people sync" }));
  });
}
