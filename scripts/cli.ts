#!/usr/bin/env node
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { CommanderError } from "commander";
import { parseDate, fixedClock, systemClock, type Clock } from "../lib/clock.ts";
import { FindingError, hasErrors, sortFindings, type Finding } from "../lib/finding.ts";
import { asCalled } from "./called-as.ts";
import type { CommandSpec, Context, Result } from "./command.ts";
import { commandTree, commonLast, firstWord, prepare, type Common } from "./command-line.ts";
import type { CommandEntry } from "./commands/index.ts";
import { renderFindings } from "./render/findings.ts";
import { painter } from "./render/paint.ts";
import { progressLine } from "./render/progress.ts";
import { fit } from "./render/wrap.ts";

// The one place that reads process.env, prints and exits.

// The AWS SDK would say at every command which Node it will want next year; the README says which ones are supported.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

// A command is over before most of what V8 would make fast is worth that: four times its own budget saves a fifth of a preview's processor time, and costs long runs nothing. Other
// versions' flags are their own.
if (process.version.startsWith("v20.")) setFlagsFromString("--interrupt-budget=270000");

class UsageError extends Error {}

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
    out: (text) => { if (!json) process.stdout.write(fitted(text, process.stdout)); },
    say: (text) => { process.stderr.write(text); },
    progress: progressLine(terminal && !json && env["CI"] === undefined, (text) => process.stderr.write(text), () => process.stderr.columns),
  };
}

const columnsOf = (stream: NodeJS.WriteStream): number | undefined => (stream.isTTY ? Number(process.env["COLUMNS"] ?? "") || stream.columns : undefined);
const fitted = (text: string, stream: NodeJS.WriteStream): string => fit(text, stream, process.env["COLUMNS"]);

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
    result = failed(e, context);
  } finally {
    context.progress(null);
  }
  if (context.json && result.stream) return writeStream(context, spec.name, result.stream, result, aborter.signal);
  const findings = sortFindings(result.findings ?? []);
  const exit = aborter.signal.aborted && spec.passThrough !== true ? 130 : result.exit;
  if (context.json) await write(`${JSON.stringify({ command: spec.name, ok: exit === 0 && !hasErrors(findings), findings, ...result.json }, null, 2)}\n`);
  else {
    if (result.text) await write(fitted(result.text.endsWith("\n") ? result.text : `${result.text}\n`, process.stdout));
    const copied = findings.map((f) => (f.hint === undefined ? f : { ...f, hint: asCalled(f.hint, context.env) }));
    if (findings.length) process.stderr.write(fitted(renderFindings(copied, painter(context.color)), process.stderr));
  }
  return exit;
}

/** The same document, its list written as it comes: what is known only at the end stands behind it. */
async function writeStream(context: Context, command: string, stream: NonNullable<Result["stream"]>, result: Result, signal: AbortSignal): Promise<number> {
  await write(`{\n  "command": ${JSON.stringify(command)},\n  ${JSON.stringify(stream.field)}: [`);
  let n = 0;
  let text = "";
  let broken: Result | null = null;
  try {
    for await (const item of stream.items) {
      text += `${n++ === 0 ? "" : ","}\n    ${JSON.stringify(item)}`;
      if (text.length < 1 << 16) continue;
      await write(text);
      text = "";
    }
  } catch (e) {
    if (!signal.aborted) broken = failed(e, context);
  }
  await write(text);
  const last = broken ?? stream.after?.() ?? result;
  const findings = sortFindings(last.findings ?? []);
  const exit = signal.aborted ? 130 : last.exit;
  const rest = Object.entries(result.json ?? {}).map(([k, v]) => `  ${JSON.stringify(k)}: ${JSON.stringify(v)},\n`).join("");
  await write(`${n === 0 ? "" : "\n  "}],\n${rest}  "ok": ${String(exit === 0 && !hasErrors(findings))},\n  "findings": ${JSON.stringify(findings)}\n}\n`);
  return exit;
}

const failed = (e: unknown, context: Context): Result => (e instanceof FindingError ? { exit: e.exit, findings: e.findings } : { exit: 2, findings: [unexpected(e, context)] });
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

async function main(): Promise<number> {
  const aborter = new AbortController();
  let interrupts = 0;
  const interrupt = (): void => {
    aborter.abort();
    if (++interrupts > 1 && !signalsAreTheChilds) process.exit(130);
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  process.stdout.on("error", (e: NodeJS.ErrnoException) => {
    if (e.code === "EPIPE") process.exit(0);
    // A full disk: what was said is lost, and whoever waits for it must know.
    process.stderr.write(`error SYSTEM_ERROR standard output can't be written (${e.code ?? "unknown"})\n`);
    process.exit(2);
  });
  let exit = 0;
  const program = commandTree({ out: (text) => { process.stdout.write(fitted(text, process.stdout)); }, err: (text) => { process.stderr.write(fitted(text, process.stderr)); }, columns: columnsOf(process.stdout) }, async (entry, args, options) => { exit = await run(entry, args, options, aborter); });
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
