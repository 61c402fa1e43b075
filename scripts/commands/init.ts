import { join, relative } from "node:path";
import { FindingError, hasErrors, type Finding } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { HOSTS } from "../../schemas/init.ts";
import { PEOPLE_FILE } from "../../schemas/layout.ts";
import { withLock } from "../../seal/lock.ts";
import { CANARY_OPTION } from "../canary/first.ts";
import { defineCommand, type Context, type Result } from "../command.ts";
import { adoptSettings, namesOf } from "../init/adopt.ts";
import { initCodes } from "../init/codes.ts";
import { ask } from "../confirm.ts";
import { declare, declareLocal, type Declaration, type Declared } from "../init/declarations.ts";
import { makeEditors } from "../init/editors.ts";
import { makeHooks } from "../init/hooks.ts";
import { Ledger } from "../init/ledger.ts";
import { firstUnsealed, missingOf, placeholdersOf } from "../init/missing.ts";
import { makePeople, type Made } from "../init/people.ts";
import { planOf, type Plan } from "../init/plan.ts";
import { makeHostFiles } from "../init/workflows.ts";
import { makeRepository } from "../init/repository.ts";
import { renderInit } from "../init/render.ts";
import { judgeProject } from "../judged.ts";

/** True where a person said yes, or `--yes` did. Throws INIT_NOT_CONFIRMED where nobody can. */
async function confirmed(context: Context, plan: Plan): Promise<boolean> {
  if (context.yes) return true;
  const what = `${Object.keys(plan.environments).join(", ")} and local in ${plan.root}, with you as ${plan.person}`;
  if (!context.interactive) throw new FindingError(initCodes.finding("INIT_NOT_CONFIRMED", { message: `init would make ${what}`, hint: "add --yes; --dry-run lists every file" }), 2);
  return /^(y|yes)?$/i.test(await ask(context, `Make ${what}? Nothing that is there is overwritten. [Y/n] `));
}
function declarationsOf(plan: Plan): { declarations: Declaration[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const declarations = Object.entries(plan.environments).map(([name, e]) => {
    let d: Declaration = { ...e, name };
    for (const i of plan.imports.filter((x) => x.environment === name)) {
      const r = adoptSettings(plan.root, i.file, d);
      d = r.declaration;
      findings.push(...r.findings);
    }
    return d;
  });
  return { declarations, findings };
}
/** In a folder of a larger repository the code host sees neither workflows nor code owners. */
function belowTop(context: Context, plan: Plan): Finding[] {
  const below = new Git(plan.root, context.env).text(["rev-parse", "--show-prefix"]) ?? "";
  return below === "" ? [] : [initCodes.finding("INIT_BELOW_TOP", { message: `this is ${below.slice(0, 200)} of a larger repository: its code host runs no workflow and asks no code owner of this folder`, hint: "a repository of its own; or copy the workflows to the top, each job with defaults.run.working-directory" })];
}
/** What names of the files to import would be sealed as, for a dry run. */
const wouldSeal = (plan: Plan, declarations: readonly Declaration[], declared: readonly Declared[]): Result[] => plan.imports.map((i): Result => {
  const tier = declarations.find((d) => d.name === i.environment)?.tier ?? "development";
  const names = namesOf(plan.root, i.file, declared.find((d) => d.name === i.environment)?.settings ?? {}, tier);
  const width = Math.max(4, ...names.map((n) => n.name.length));
  return { exit: 0, text: names.map((n) => `  ${n.name.padEnd(width)}  → ${n.path}\n`).join("") };
});
/** Seals what the files to import hold; a file of an environment that was declared before is imported too. */
async function importAll(context: Context, plan: Plan, made: Made): Promise<Result[]> {
  const out: Result[] = [];
  const { default: secretImport } = await import("./secret-import.ts");
  for (const i of plan.imports)
    out.push(await secretImport.run({ ...context, envs: [i.environment], env: { ...context.env, ...made.exports } }, [i.file], { from: "auto", partial: true, reason: "initial" }));
  return out;
}

export default defineCommand({
  name: "init",
  summary: "Make a project here: people, keys, environments, hooks, workflows, editor settings; nothing is overwritten",
  wants: "any",
  options: [
    { flags: "--config <file>", description: "answers for everything, in YAML (schemas/json/init.schema.json); flags win" },
    { flags: "--project <name>", description: "the project's name; the folder's where absent" },
    { flags: "--person <name>", description: "you, in people.yaml", },
    { flags: "--handle <name>", description: "you, on the code host" },
    { flags: "--signing-key <file>", description: "your SSH key; else STACKSEAL_SIGNING_KEY, git's user.signingkey, ~/.ssh/id_ed25519, or a new one" },
    { flags: "--identity <file>", description: "your age identity; else SOPS_AGE_KEY_FILE, or a new one outside the repository" },
    { flags: "--domain <domain>", description: "of the platform: prod is https://DOMAIN, dev https://dev.DOMAIN" },
    { flags: "--account <env=id>", description: "an environment's AWS account; may be repeated", many: true },
    { flags: "--region <region>", description: "of AWS (default: eu-west-1)" },
    { flags: "--vault <url>", description: "keep the values in this HashiCorp Vault, not in AWS" },
    { flags: "--email <address>", description: "whom to alert" },
    { flags: "--host <host>", description: "whose workflows to write; may be repeated", choices: HOSTS, many: true },
    { flags: "--import <file:env>", description: "declare and seal what a .env, JSON or YAML file holds; a sops file's values are sealed where declared; may be repeated", many: true },
    { flags: "--dry-run", description: "say what would be made and imported; write nothing" },
    { flags: "--existing <what>", description: "instead: list what is at Stripe (its key sealed, piped or typed) or in the account's Secrets Manager, and take it into one environment (--env)", choices: ["stripe", "aws"] },
    { flags: "--select <name>", description: "with --existing aws: seal this secret's values; may be repeated", many: true },
    { flags: "--publishable-key <key>", description: "with --existing stripe, where payments.yaml isn't there yet" },
    { flags: "--sandbox", description: "with --existing stripe: ask the loopback sandbox" },
    { flags: "--foundation", description: "instead: prepare one environment's account (--env), step by step, as Super Admin with a second factor" },
    { flags: "--mfa-serial <arn>", description: "with --foundation: your second factor's serial; its code is read from the terminal or standard input" },
    CANARY_OPTION,
  ],
  examples: ["stackseal init", "stackseal init --yes --domain acme.example --account dev=111111111111", "stackseal init --yes --import .env:dev --dry-run", "stackseal init --yes --config init.yaml --json", "stackseal init --existing stripe --env dev --dry-run", "stackseal init --existing aws --env dev --select acme/dev --dry-run", "stackseal init --foundation --env dev --dry-run", "stackseal init --foundation --env dev"],
  run: async (context, _args, options): Promise<Result> => {
    if (options["foundation"] === true) {
      if (context.envs.length !== 1) throw new FindingError(initCodes.finding("INIT_OPTION", { message: "--foundation wants exactly one environment", hint: "stackseal init --foundation --env dev" }), 2);
      return (await import("../init/foundation/guide.ts")).guideFoundation(context, options);
    }
    if (options["existing"] !== undefined) {
      if (context.envs.length !== 1) throw new FindingError(initCodes.finding("INIT_OPTION", { message: "--existing wants exactly one environment", hint: "stackseal init --existing stripe --env dev --dry-run" }), 2);
      return options["existing"] === "stripe" ? (await import("../init/existing/stripe.ts")).importEndpoints(context, options) : (await import("../init/existing/secrets.ts")).importSecrets(context, options);
    }
    if (context.envs.length) throw new FindingError(initCodes.finding("INIT_OPTION", { message: "init takes --env with --foundation and --existing alone", hint: "--config FILE names the environments to make" }), 2);
    const plan = planOf(context, options);
    const { inside } = new Git(plan.root, context.env).state; // throws where there is no git
    const dry = options["dryRun"] === true;
    const ledger = new Ledger(plan.root, dry);
    const { declarations, findings } = declarationsOf(plan);
    if (!dry && !(await confirmed(context, plan))) return { exit: 0, text: "Nothing was made." };
    const make = (): Promise<Result> => makeAll(context, plan, declarations, findings, ledger, inside);
    // Of two at once each would make keys, and the people of one would hold the keys of the other.
    return dry ? make() : withLock(join(plan.root, PEOPLE_FILE), PEOPLE_FILE, make);
  },
});

/** Everything that init makes, in an order in which a crash leaves what the next run takes up. */
async function makeAll(context: Context, plan: Plan, declarations: readonly Declaration[], findings: Finding[], ledger: Ledger, inside: boolean): Promise<Result> {
  const { dry } = ledger;
  if (!dry && !inside && new Git(context.root, context.env).try(["init", "-q"]) !== null) ledger.made(".git", "a git repository");
  findings.push(...makeRepository(plan, ledger));
  declareLocal(plan.project, ledger);
  const declared = declarations.map((d) => declare(d, ledger));
  const places = declarations.map((d) => ({ name: d.name, tier: d.tier }));
  const made: Made = dry ? { exports: {}, machines: [] } : await makePeople(context, plan, places, ledger);
  findings.push(...makeEditors(ledger));
  findings.push(...makeHostFiles(plan, context.clock, declarations, ledger), ...belowTop(context, plan));
  if (!dry) findings.push(...makeHooks(context, ledger));
  if (dry) return { exit: hasErrors(findings) ? 1 : 0, findings, json: { dryRun: true, files: ledger.entries, declared: Object.fromEntries(declared.map((d) => [d.name, d.added])) }, text: renderInit(context, { plan, ledger, made, declared, imported: wouldSeal(plan, declarations, declared), missing: [], placeholders: [], unsealed: null, dry: true }) };
  const imported = plan.imports.length ? await importAll(context, plan, made) : [];
  findings.push(...imported.flatMap((r) => r.findings ?? []));
  const { project, ...judged } = judgeProject(context);
  const checked = judged.findings();
  const missing = missingOf(project);
  const placeholders = placeholdersOf(project);
  const all = [...findings, ...checked.filter((f) => f.severity !== "info")];
  return {
    exit: hasErrors(all) ? 1 : 0, findings: all,
    json: { dryRun: false, files: ledger.entries.map((e) => ({ ...e, file: e.file.startsWith("/") ? e.file : relative("", e.file) })), exports: made.exports, machines: made.machines, missing, placeholders },
    text: renderInit(context, { plan, ledger, made, declared, imported, missing, placeholders, unsealed: firstUnsealed(project), dry: false }),
  };
}
