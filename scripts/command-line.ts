import { Command, Option, type OutputConfiguration } from "commander";
import { commands, type CommandEntry } from "./commands/index.ts";
import { usageOutput, type UsageStreams } from "./render/usage.ts";
import { toolVersion } from "./tool-version.ts";

// What may stand on the command line: the tree of commands, of which only the one that is called is loaded.

/** What every command understands. */
export interface Common {
  readonly env?: string[];
  readonly json?: boolean;
  readonly color?: boolean;
  readonly now?: string;
  readonly directory?: string;
  readonly yes?: boolean;
}

type Act = (entry: CommandEntry, args: readonly string[], options: Common & Record<string, unknown>) => Promise<void>;

/** Adds the flags that every command understands, wherever they stand on the line. */
function addCommon(c: Command): Command {
  return c
    .addOption(new Option("--env <env>", "the environment; may be repeated").argParser((v: string, all: string[] | undefined) => [...(all ?? []), v]))
    .option("--json", "one JSON document on standard output")
    .option("--no-color", "no colours")
    .option("--now <date>", "judge ages and due dates on this day (YYYY-MM-DD)")
    .option("-C, --directory <dir>", "run as if started there")
    .option("--yes", "answer yes where a question would be asked");
}

/** Groups `secret set` under `secret`: commander wants a tree. */
export function commandTree(streams: UsageStreams, act: Act): Command {
  const output = usageOutput(streams);
  const program = new Command("stackseal")
    .description("Integration credentials of a SaaS platform as code: sealed in git, previewed under policy, deployed by Pulumi.")
    .version(toolVersion())
    .showHelpAfterError("(add --help for the flags and examples)")
    .enablePositionalOptions()
    .configureOutput(output)
    .exitOverride();
  const groups = new Map<string, Command>();
  for (const entry of commands) {
    const words = entry.name.split(" ");
    const parent = words.length === 1 ? program : groupOf(program, groups, words[0] as string, output);
    const name = words[words.length - 1] as string;
    const existing = words.length === 1 ? groups.get(name) : undefined;
    const c = existing ?? new Command(name).configureOutput(output);
    if (!existing) parent.addCommand(c);
    if (words.length === 1) groups.set(name, c);
    c.summary(entry.summary).description(entry.summary).exitOverride();
    lazy(c, entry, act);
  }
  return program;
}
function groupOf(program: Command, groups: Map<string, Command>, word: string, output: OutputConfiguration): Command {
  const found = groups.get(word);
  if (found) return found;
  const c = new Command(word).configureOutput(output).exitOverride().summary(commands.filter((e) => e.name.startsWith(`${word} `)).map((e) => e.name.slice(word.length + 1)).join(", "));
  program.addCommand(c);
  groups.set(word, c);
  return c;
}
const prepared = new WeakSet<Command>();
function lazy(c: Command, entry: CommandEntry, act: Act): void {
  (c as unknown as { stackseal: CommandEntry }).stackseal = entry;
  addCommon(c);
  c.action(async (...given: unknown[]) => {
    const command = given[given.length - 1] as Command;
    await act(entry, command.args, command.opts());
  });
}
/** Options and arguments of the one command that is called, loaded just before the line is parsed. */
export async function prepare(program: Command, argv: readonly string[]): Promise<void> {
  const words = argv.filter((a) => !a.startsWith("-"));
  let c: Command | undefined = program.commands.find((x) => words.includes(x.name()) && words[0] !== undefined && firstWord(argv) === x.name());
  if (!c) return;
  const at = argv.indexOf(c.name());
  const next = argv.slice(at + 1).find((a) => !a.startsWith("-"));
  c = c.commands.find((x) => x.name() === next) ?? c;
  const entry = (c as unknown as { stackseal?: CommandEntry }).stackseal;
  if (!entry || prepared.has(c)) return;
  const spec = await entry.load();
  for (const a of spec.args ?? []) c.argument(a.name, a.description);
  for (const o of spec.options ?? []) {
    const option = new Option(o.flags, o.description);
    if (o.choices) option.choices([...o.choices]);
    if (o.many) option.argParser((v: string, all: string[] | undefined) => [...(all ?? []), v]);
    if (o.default !== undefined) option.default(o.default);
    c.addOption(option);
  }
  if (spec.passThrough) c.passThroughOptions().allowUnknownOption();
  c.addHelpText("after", `\nExamples:\n${spec.examples.map((e) => `  $ ${e}`).join("\n")}\n`);
  prepared.add(c);
}
/** The command word: the first one that is no flag and no flag's value (`-C DIR check`). */
export function firstWord(argv: readonly string[]): string | undefined {
  const takesValue = new Set(["--env", "--now", "-C", "--directory"]);
  for (let i = 0; i < argv.length; i++) {
    const a = argv[i] as string;
    if (takesValue.has(a)) i++;
    else if (!a.startsWith("-")) return a;
  }
  return undefined;
}
/** Common flags may stand before the command too: `stackseal -C dir check`. */
export function commonLast(argv: readonly string[]): string[] {
  const word = firstWord(argv);
  if (word === undefined) return [...argv];
  const at = argv.indexOf(word);
  const before = argv.slice(0, at);
  const rest = argv.slice(at + 1);
  const sub = rest[0] !== undefined && !rest[0].startsWith("-") && commands.some((c) => c.name === `${word} ${rest[0] ?? ""}`) ? 1 : 0;
  return [word, ...rest.slice(0, sub), ...before, ...rest.slice(sub)];
}
