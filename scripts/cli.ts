#!/usr/bin/env node
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { parseDate, fixedClock, systemClock, type Clock } from "../lib/clock.ts";
import { FindingError, hasErrors, sortFindings, type Finding } from "../lib/finding.ts";
import type { CommandSpec, Context, Result } from "./command.ts";
import { commands, type CommandEntry } from "./commands/index.ts";
import { renderFindings } from "./render/findings.ts";
import { painter } from "./render/paint.ts";
import { progressLine } from "./render/progress.ts";
import { usageOutput } from "./render/usage.ts";
import { fit } from "./render/wrap.ts";
import { toolVersion } from "./tool-version.ts";

// The one place that reads process.env, prints and exits.

// The AWS SDK would say at every command which Node it will want next year; the README says which ones are supported.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

interface Common {
  readonly env?: string[];
  readonly json?: boolean;
  readonly color?: boolean;
  readonly now?: string;
  readonly directory?: string;
  readonly yes?: boolean;
}

class UsageError extends Error {}

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

function clockOf(now: string | undefined): Clock {
  if (now === undefined) return systemClock;
  const at = parseDate(now);
  if (!at) throw new UsageError(`--now wants a date as YYYY-MM-DD, not "${now}"`);
  return fixedClock(at);
}

function contextOf(spec: CommandSpec, o: Common, signal: AbortSignal): Context {
  const root = resolve(o.directory ?? ".");
  if (!existsSync(root) || !statSync(root).isDirectory()) throw new UsageError(`-C ${o.directory ?? "."}: no such folder`);
  const envs = [...new Set(o.env ?? [])];
  if (spec.wants === "one" && envs.length !== 1) throw new UsageError(`${spec.name} wants exactly one environment: add --env NAME`);
  if (spec.wants === "none" && envs.length > 0) throw new UsageError(`${spec.name} takes no --env`);
  const json = o.json === true;
  const env = process.env;
  const terminal = process.stderr.isTTY;
  const color = o.color !== false && !env["NO_COLOR"] && (process.stdout.isTTY || env["FORCE_COLOR"] !== undefined) && !json;
  return {
    root, clock: clockOf(o.now), env, json, color, envs, signal,
    yes: o.yes === true,
    interactive: terminal && process.stdin.isTTY && !json,
    stdin: process.stdin,
    out: (text) => { if (!json) process.stdout.write(text); },
    say: (text) => { process.stderr.write(text); },
    progress: progressLine(terminal && !json && env["CI"] === undefined, (text) => process.stderr.write(text), () => process.stderr.columns),
  };
}

const fitted = (text: string, stream: NodeJS.WriteStream): string => fit(text, stream, process.env["COLUMNS"]);
const OUTPUT = usageOutput((text) => { process.stderr.write(text); });

/** A command that runs a child hands signals on to it and ends when it ends. */
let signalsAreTheChilds = false;

async function run(entry: CommandEntry, args: readonly string[], options: Common & Record<string, unknown>, aborter: AbortController): Promise<number> {
  const spec = await entry.load();
  signalsAreTheChilds = spec.passThrough === true;
  const context = contextOf(spec, options, aborter.signal);
  let result: Result;
  try {
    result = await spec.run(context, args, options);
  } catch (e) {
    if (aborter.signal.aborted) return 130;
    result = { exit: e instanceof FindingError ? e.exit : 2, findings: e instanceof FindingError ? e.findings : [unexpected(e, context)] };
  } finally {
    context.progress(null);
  }
  if (context.json && result.stream) return writeStream(spec.name, result.stream, result, aborter.signal);
  const findings = sortFindings(result.findings ?? []);
  const exit = aborter.signal.aborted && spec.passThrough !== true ? 130 : result.exit;
  if (context.json) await write(`${JSON.stringify({ command: spec.name, ok: exit === 0 && !hasErrors(findings), findings, ...result.json }, null, 2)}\n`);
  else {
    if (result.text) await write(fitted(result.text.endsWith("\n") ? result.text : `${result.text}\n`, process.stdout));
    if (findings.length) process.stderr.write(fitted(renderFindings(findings, painter(context.color)), process.stderr));
  }
  return exit;
}

/** The same document, its list written as it comes: what is known only at the end stands behind it. */
async function writeStream(command: string, stream: NonNullable<Result["stream"]>, result: Result, signal: AbortSignal): Promise<number> {
  await write(`{\n  "command": ${JSON.stringify(command)},\n  ${JSON.stringify(stream.field)}: [`);
  let n = 0;
  for await (const item of stream.items) await write(`${n++ === 0 ? "" : ","}\n    ${JSON.stringify(item)}`);
  const last = stream.after?.() ?? result;
  const findings = sortFindings(last.findings ?? []);
  const exit = signal.aborted ? 130 : last.exit;
  const rest = Object.entries(result.json ?? {}).map(([k, v]) => `  ${JSON.stringify(k)}: ${JSON.stringify(v)},\n`).join("");
  await write(`${n === 0 ? "" : "\n  "}],\n${rest}  "ok": ${String(exit === 0 && !hasErrors(findings))},\n  "findings": ${JSON.stringify(findings)}\n}\n`);
  return exit;
}

/** An error that nobody foresaw: its message without a stack (a stack or a cause could quote a value); `STACKSEAL_DEBUG=1` adds where it was thrown. */
function unexpected(e: unknown, context: Context): Finding {
  if (context.env["STACKSEAL_DEBUG"] === "1" && e instanceof Error) context.say(`${(e.stack ?? "").split("\n").filter((l) => /^\s+at /.test(l)).join("\n")}\n`);
  const code = (e as { code?: unknown }).code;
  const system = typeof code === "string" && /^E[A-Z]+$/.test(code);
  return {
    code: system ? "SYSTEM_ERROR" : "INTERNAL_ERROR",
    severity: "error",
    message: e instanceof Error ? e.message : "unknown failure",
    hint: system ? "the operating system refused; nothing was half-written" : "this is a fault of stackseal: run again with STACKSEAL_DEBUG=1 and report it",
  };
}

const write = (text: string): Promise<void> =>
  new Promise((done) => {
    process.stdout.write(text, () => { done(); });
  });

/** Groups `secret set` under `secret`: commander wants a tree. */
function build(aborter: AbortController, done: (exit: number) => void): Command {
  const program = new Command("stackseal")
    .description("Integration credentials of a SaaS platform as code: sealed in git, previewed under policy, deployed by Pulumi.")
    .version(toolVersion())
    .showHelpAfterError("(add --help for the flags and examples)")
    .enablePositionalOptions()
    .configureOutput(OUTPUT)
    .exitOverride();
  const groups = new Map<string, Command>();
  for (const entry of commands) {
    const words = entry.name.split(" ");
    const parent = words.length === 1 ? program : groupOf(program, groups, words[0] as string);
    const name = words[words.length - 1] as string;
    const existing = words.length === 1 ? groups.get(name) : undefined;
    const c = existing ?? new Command(name).configureOutput(OUTPUT);
    if (!existing) parent.addCommand(c);
    if (words.length === 1) groups.set(name, c);
    c.summary(entry.summary).description(entry.summary).exitOverride();
    lazy(c, entry, aborter, done);
  }
  return program;
}
function groupOf(program: Command, groups: Map<string, Command>, word: string): Command {
  const found = groups.get(word);
  if (found) return found;
  const c = new Command(word).configureOutput(OUTPUT).exitOverride().summary(commands.filter((e) => e.name.startsWith(`${word} `)).map((e) => e.name.slice(word.length + 1)).join(", "));
  program.addCommand(c);
  groups.set(word, c);
  return c;
}
const prepared = new Map<Command, Promise<void>>();
function lazy(c: Command, entry: CommandEntry, aborter: AbortController, done: (exit: number) => void): void {
  (c as unknown as { stackseal: CommandEntry }).stackseal = entry;
  addCommon(c);
  c.action(async (...given: unknown[]) => {
    const command = given[given.length - 1] as Command;
    done(await run(entry, command.args, command.opts(), aborter));
  });
}
/** Options and arguments of the one command that is called, loaded just before the line is parsed. */
async function prepare(program: Command, argv: readonly string[]): Promise<void> {
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
  prepared.set(c, Promise.resolve());
}
/** The command word: the first one that is no flag and no flag's value (`-C DIR check`). */
function firstWord(argv: readonly string[]): string | undefined {
  const takesValue = new Set(["--env", "--now", "-C", "--directory"]);
  for (let i = 0; i < argv.length; i++) {
    const a = argv[i] as string;
    if (takesValue.has(a)) i++;
    else if (!a.startsWith("-")) return a;
  }
  return undefined;
}
/** Common flags may stand before the command too: `stackseal -C dir check`. */
function commonLast(argv: readonly string[]): string[] {
  const word = firstWord(argv);
  if (word === undefined) return [...argv];
  const at = argv.indexOf(word);
  const before = argv.slice(0, at);
  const rest = argv.slice(at + 1);
  const sub = rest[0] !== undefined && !rest[0].startsWith("-") && commands.some((c) => c.name === `${word} ${rest[0] ?? ""}`) ? 1 : 0;
  return [word, ...rest.slice(0, sub), ...before, ...rest.slice(sub)];
}

async function main(): Promise<number> {
  const aborter = new AbortController();
  let interrupts = 0;
  const interrupt = (): void => {
    aborter.abort();
    if (++interrupts > 1 && !signalsAreTheChilds) process.exit(130);
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  process.stdout.on("error", (e: NodeJS.ErrnoException) => { if (e.code === "EPIPE") process.exit(0); });
  let exit = 0;
  const program = build(aborter, (code) => { exit = code; });
  const argv = commonLast(process.argv.slice(2));
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return 0;
    }
    await prepare(program, argv);
    await program.parseAsync(argv, { from: "user" });
    return exit;
  } catch (e) {
    if (e instanceof CommanderError && e.exitCode === 0) return 0;
    if (e instanceof CommanderError || e instanceof UsageError) {
      const message = e.message.replace(/^error: /, "");
      if (e instanceof UsageError) process.stderr.write(`error: ${message}\n`);
      // A program that asked for JSON gets JSON, whatever else it got wrong.
      if (argv.includes("--json")) await write(`${JSON.stringify({ command: firstWord(argv) ?? "", ok: false, findings: [{ code: "USAGE", severity: "error", message, hint: "stackseal --help" }] }, null, 2)}\n`);
      return 2;
    }
    process.stderr.write(`error INTERNAL_ERROR ${e instanceof Error ? e.message : "unknown failure"}\n  this is a fault of stackseal: run again with STACKSEAL_DEBUG=1 and report it\n`);
    if (process.env["STACKSEAL_DEBUG"] === "1" && e instanceof Error) process.stderr.write(`${e.stack ?? ""}\n`);
    return 2;
  }
}

process.exitCode = await main();
