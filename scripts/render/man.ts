import type { CommandSpec } from "../command.ts";
import { modelOf } from "./completion.ts";

/** Text for troff: a backslash and a leading dot or quote have a meaning there. */
const roff = (text: string): string => text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^([.'])/gm, "\\&$1").replace(/[^\x00-\x7f]/gu, (c) => `\\[u${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`);

/** stackseal(1): every command with its flags and examples, from the same table as --help. */
export function manPage(specs: readonly CommandSpec[], version: string): string {
  const commands = specs.flatMap((s) => {
    const m = modelOf(s);
    const args = (s.args ?? []).map((a) => ` ${a.name}`).join("");
    return [
      `.SS "stackseal ${roff(s.name + args)}"`, roff(`${s.summary}.`),
      ...m.flags.filter((f) => (s.options ?? []).some((o) => o.flags.includes(f.names[0] ?? "")))
        .flatMap((f) => [".TP", `.B ${roff(f.names.join(", "))}`, roff(`${f.description}${f.choices.length ? ` (${f.choices.join(", ")})` : ""}`)]),
      ".PP", ...(s.examples.length ? ["Examples:", ".nf", ...s.examples.map((e) => roff(`    ${e}`)), ".fi"] : []),
    ];
  });
  return [
    `.TH STACKSEAL 1 "" "stackseal ${roff(version)}" "User Commands"`,
    ".SH NAME", "stackseal \\- integration credentials of a SaaS platform as code: sealed in git, previewed under policy, deployed by Pulumi",
    ".SH SYNOPSIS", ".B stackseal", roff("COMMAND [--env E]... [--json] [--no-color] [--now DATE] [-C DIR] [--yes] [--help]"),
    ".SH COMMANDS", ...commands,
    ".SH EXIT STATUS", "0 fine; 1 findings, violations, something invalid; 2 unusable input or usage; 3 a needed service did not answer; 130 interrupted.",
    ".SH ENVIRONMENT",
    ".TP", ".B SOPS_AGE_KEY_FILE, SOPS_AGE_KEY", "Your age identity, as sops reads it.",
    ".TP", ".B STACKSEAL_SIGNING_KEY", roff("The SSH key that signs what you seal; else git's user.signingkey."),
    ".TP", ".B STACKSEAL_SECRETS_PROVIDER", roff("Secrets provider of a stack that up makes in the Pulumi CLI's backend, where stacks/Pulumi.<stack>.yaml names none."),
    ".TP", ".B PULUMI_CONFIG_PASSPHRASE", "Passphrase of a stack's secrets provider.",
    ".TP", ".B NO_COLOR", "No colours.", "",
  ].join("\n");
}
