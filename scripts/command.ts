import type { Clock } from "../lib/clock.ts";
import type { Finding } from "../lib/finding.ts";

/** Everything a command may know of the outside; made once in cli.ts, faked in tests. */
export interface Context {
  /** The project's root (`-C DIR`), absolute. */
  readonly root: string;
  readonly clock: Clock;
  /** The only copy of the process's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
  /** Colours and progress are wanted on standard error or output. */
  readonly color: boolean;
  readonly interactive: boolean;
  readonly yes: boolean;
  /** Environments named by `--env`, in order, without repeats. */
  readonly envs: readonly string[];
  readonly stdin: NodeJS.ReadStream;
  /** Result text; in `--json` mode nothing may be written here but the one document. */
  readonly out: (text: string) => void;
  /** Talk and progress, on standard error. */
  readonly say: (text: string) => void;
  /** Aborted by Ctrl-C; a command stops at the next safe point. */
  readonly signal: AbortSignal;
  /** A progress line that replaces itself on a terminal and is quiet elsewhere. */
  readonly progress: (text: string | null) => void;
}

export type Exit = 0 | 1 | 2 | 3 | 130 | (number & {});

export interface Result {
  readonly exit: Exit;
  readonly findings?: readonly Finding[];
  /** Fields of the JSON document beside command, ok and findings. */
  readonly json?: Readonly<Record<string, unknown>>;
  /** A list too long to hold: written as the JSON document's last field, item by item; exit and findings may be refined when it ends. */
  readonly stream?: { readonly field: string; readonly items: AsyncIterable<unknown>; readonly after?: () => Pick<Result, "exit" | "findings"> };
  /** What a person reads on standard output; findings are printed by cli.ts after it. */
  readonly text?: string;
}

export interface OptionSpec {
  /** commander's flags: `--base <ref>`. */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  readonly default?: string | boolean | number;
  /** May be given several times. */
  readonly many?: boolean;
}

export interface CommandSpec {
  /** `secret set`: words of the command line. */
  readonly name: string;
  readonly summary: string;
  /** commander's arguments: `<path>`, `[paths...]`. */
  readonly args?: readonly { readonly name: string; readonly description: string }[];
  readonly options?: readonly OptionSpec[];
  readonly examples: readonly string[];
  /** How many environments it wants: `any` (none means all), `one`, or `none`. */
  readonly wants: "any" | "one" | "none";
  /** Everything after `--` goes to the command untouched. */
  readonly passThrough?: boolean;
  run(context: Context, args: readonly string[], options: Readonly<Record<string, unknown>>): Promise<Result>;
}

/** Declares a command; one a file, listed in commands/index.ts and loaded when it is called. */
export const defineCommand = (spec: CommandSpec): CommandSpec => spec;
