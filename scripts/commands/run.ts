import { spawn } from "node:child_process";
import { constants } from "node:os";
import { FindingError } from "../../lib/finding.ts";
import { isOurVariable } from "../../schemas/variables.ts";
import { defineCommand } from "../command.ts";
import { environmentVariables, PROCESS_ROLES } from "../variables.ts";

/** What opens more than this environment: never handed on. */
const OURS = /^(SOPS_AGE_|STACKSEAL_|PULUMI_CONFIG_PASSPHRASE)/;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

export default defineCommand({
  name: "run",
  summary: "Run a process with its environment's variables; nothing is written to disk",
  wants: "one",
  passThrough: true,
  args: [{ name: "<command...>", description: "the command and its arguments, after --" }],
  options: [{ flags: "--role <role>", description: "only what this role may read (default: what your identity opens)", choices: PROCESS_ROLES }],
  examples: ["stackseal run --env local -- php artisan queue:work", "stackseal run --env dev --role app -- node server.js"],
  run: async (context, [command = "", ...args], options) => {
    const { values, findings, left } = await environmentVariables(context, (options["role"] as (typeof PROCESS_ROLES)[number] | undefined) ?? null);
    if (left.length) context.say(`${left.join(" and ")} credentials are left out: ${options["role"] === undefined ? "your identity doesn't open them" : "the role doesn't read them"}\n`);
    // Variables of another environment, set in the calling shell, must not shine through.
    const inherited = Object.entries(context.env).filter(([k]) => !isOurVariable(k) && !OURS.test(k));
    const env = { ...Object.fromEntries(inherited), ...Object.fromEntries(values) };
    const exit = await new Promise<number>((done, fail) => {
      const child = spawn(command, args, { cwd: process.cwd(), env, stdio: "inherit" });
      const forward = SIGNALS.map((s) => {
        // A terminal sends its signals to the whole group: the child has it already. One sent to us alone is handed on.
        const handler = (): void => { if (!(context.interactive && s === "SIGINT")) child.kill(s); };
        process.on(s, handler);
        return () => { process.off(s, handler); };
      });
      child.on("error", (e: NodeJS.ErrnoException) => {
        for (const off of forward) off();
        fail(new FindingError({ code: "COMMAND_NOT_STARTED", severity: "error", message: `${command}: ${e.code === "ENOENT" ? "no such command" : e.code === "EACCES" ? "may not be executed" : "could not be started"}`, hint: "give the command after --: stackseal run --env dev -- CMD" }, 2));
      });
      child.on("close", (code, signal) => {
        for (const off of forward) off();
        done(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
      });
    });
    return { exit, findings: findings.filter((f) => f.severity === "error") };
  },
});
