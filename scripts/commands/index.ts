import type { CommandSpec } from "../command.ts";

export interface CommandEntry {
  readonly name: string;
  /** Repeated here so that `--help` and completion load no command. A test holds it against the command's own. */
  readonly summary: string;
  readonly load: () => Promise<CommandSpec>;
}

/** Every command, in the order in which `--help` shows them. */
export const commands: readonly CommandEntry[] = [
  { name: "check", summary: "Judge everything that can be judged without a key", load: async () => (await import("./check.ts")).default },
  { name: "preview", summary: "Show what would change, under the policies, without a key", load: async () => (await import("./preview.ts")).default },
];
