import type { CommandSpec } from "../command.ts";

// Shell completion, rendered from the same command table that the parser uses. Environments are read from the folder at completion time.

export interface Flag {
  readonly names: readonly string[];
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  readonly description: string;
}
export interface CommandModel {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** What its arguments are: paths of credentials, files, or nothing. */
  readonly operands: "credential" | "file" | "none";
}
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

const COMMON: readonly Flag[] = [
  { names: ["--env"], takesValue: true, choices: [], description: "the environment" },
  { names: ["--json"], takesValue: false, choices: [], description: "one JSON document on standard output" },
  { names: ["--no-color"], takesValue: false, choices: [], description: "no colours" },
  { names: ["--now"], takesValue: true, choices: [], description: "judge ages on this day" },
  { names: ["-C", "--directory"], takesValue: true, choices: [], description: "run as if started there" },
  { names: ["--yes"], takesValue: false, choices: [], description: "answer yes where a question would be asked" },
  { names: ["--help"], takesValue: false, choices: [], description: "flags and examples" },
];
export function modelOf(spec: CommandSpec): CommandModel {
  const own = (spec.options ?? []).map((o): Flag => ({ names: o.flags.split(/[ ,|]+/).filter((w) => w.startsWith("-")), takesValue: /[<[]/.test(o.flags), choices: o.choices ?? [], description: o.description }));
  const first = spec.args?.[0]?.name ?? "";
  return { name: spec.name, summary: spec.summary, flags: [...own, ...COMMON.filter((c) => spec.wants !== "none" || c.names[0] !== "--env")], operands: /credential|^<path>$/i.test(first) ? "credential" : first === "" ? "none" : "file" };
}

const ENVIRONMENTS = `ls -d stacks/*/environment.yaml 2>/dev/null | cut -d/ -f2`;
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export function completionScript(shell: Shell, commands: readonly CommandModel[], kinds: readonly string[]): string {
  switch (shell) {
    case "bash": return bash(commands, kinds);
    case "zsh": return zsh(commands, kinds);
    case "fish": return fish(commands, kinds);
  }
}
const firstWords = (commands: readonly CommandModel[]): string[] => [...new Set(commands.map((c) => c.name.split(" ")[0] as string))];
const secondWords = (commands: readonly CommandModel[], word: string): CommandModel[] => commands.filter((c) => c.name.startsWith(`${word} `));

function bash(commands: readonly CommandModel[], kinds: readonly string[]): string {
  const groups = firstWords(commands).filter((w) => secondWords(commands, w).length > 0);
  const values = new Map<string, string[]>();
  for (const c of commands) for (const f of c.flags) if (f.choices.length) for (const n of f.names) values.set(`${c.name}:${n}`, [...f.choices]);
  return `# bash completion of stackseal: eval "$(stackseal completion bash)"
_stackseal() {
    local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} word command="" i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=\${COMP_WORDS[i]}
        case $word in
            --env|--now|-C|--directory) ((i++)) ;;
            -*) ;;
            *)
                if [[ -z $command ]]; then command=$word
                elif [[ " ${groups.join(" ")} " == *" $command "* ]]; then command="$command $word"; break
                fi ;;
        esac
    done
    case $prev in
        --env) COMPREPLY=($(compgen -W "$(${ENVIRONMENTS})" -- "$cur")); return ;;
        -C|--directory) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    esac
    case "$command:$prev" in
${[...values].map(([at, words]) => `        ${quote(at)}) COMPREPLY=($(compgen -W ${quote(words.join(" "))} -- "$cur")); return ;;`).join("\n")}
        *) ;;
    esac
    if [[ $cur == -* ]]; then
        case $command in
${commands.map((c) => `            ${quote(c.name)}) COMPREPLY=($(compgen -W ${quote(c.flags.flatMap((f) => f.names).join(" "))} -- "$cur")) ;;`).join("\n")}
            *) COMPREPLY=($(compgen -W '--help --version --env --json -C' -- "$cur")) ;;
        esac
        return
    fi
    case $command in
        '') COMPREPLY=($(compgen -W ${quote(firstWords(commands).join(" "))} -- "$cur")) ;;
${groups.map((g) => `        ${quote(g)}) COMPREPLY=($(compgen -W ${quote(secondWords(commands, g).map((c) => c.name.split(" ")[1] ?? "").join(" "))} -- "$cur")) ;;`).join("\n")}
${commands.filter((c) => c.operands === "credential").map((c) => `        ${quote(c.name)}) COMPREPLY=($(compgen -W ${quote(kinds.join(" "))} -- "$cur")) ;;`).join("\n")}
        *) COMPREPLY=($(compgen -f -- "$cur")) ;;
    esac
}
complete -o bashdefault -F _stackseal stackseal
`;
}

function zsh(commands: readonly CommandModel[], kinds: readonly string[]): string {
  const groups = firstWords(commands).filter((w) => secondWords(commands, w).length > 0);
  const text = (t: string): string => t.replace(/[[\]:\\]/g, "\\$&").replaceAll("'", "'\\''");
  const flag = (f: Flag): string[] => f.names.map((n) => `'${n}[${text(f.description)}]${f.takesValue ? `:value:${n === "--env" ? "_stackseal_environments" : n === "-C" || n === "--directory" ? "_directories" : f.choices.length ? `(${f.choices.join(" ")})` : "_files"}` : ""}'`);
  const operands = (c: CommandModel): string => (c.operands === "credential" ? `'*:credential:(${kinds.join(" ")})'` : c.operands === "file" ? "'*:file:_files'" : "");
  const described = (list: readonly CommandModel[], at: number): string => list.map((c) => `'${c.name.split(" ")[at] ?? ""}:${text(c.summary)}'`).join(" ");
  const top = firstWords(commands).map((w) => commands.find((c) => c.name === w) ?? { name: w, summary: `${w} …`, flags: [], operands: "none" as const });
  return `#compdef stackseal
# zsh completion of stackseal: stackseal completion zsh > "\${fpath[1]}/_stackseal"
_stackseal_environments() { local -a found; found=(\${(f)"$(${ENVIRONMENTS})"}); compadd -a found }
_stackseal() {
    local -a words_seen; local command="" w i
    for ((i = 2; i < CURRENT; i++)); do
        w=\${words[i]}
        case $w in
            --env|--now|-C|--directory) ((i++)) ;;
            -*) ;;
            *) if [[ -z $command ]]; then command=$w; elif [[ " ${groups.join(" ")} " == *" $command "* ]]; then command="$command $w"; break; fi ;;
        esac
    done
    case $command in
        '') local -a c; c=(${described(top, 0)}); _describe command c ;;
${groups.filter((g) => !commands.some((c) => c.name === g)).map((g) => `        '${g}') local -a c; c=(${described(secondWords(commands, g), 1)}); _describe command c ;;`).join("\n")}
${commands.map((c) => `        '${c.name}') _arguments ${[...c.flags.flatMap(flag), operands(c)].filter((x) => x !== "").join(" ")} ;;`).join("\n")}
    esac
}
_stackseal "$@"
`;
}

function fish(commands: readonly CommandModel[], kinds: readonly string[]): string {
  const lines = ["# fish completion of stackseal: stackseal completion fish > ~/.config/fish/completions/stackseal.fish", "complete -c stackseal -f"];
  const groups = firstWords(commands).filter((w) => secondWords(commands, w).length > 0);
  for (const w of firstWords(commands)) lines.push(`complete -c stackseal -n __fish_use_subcommand -a ${w} -d ${quote(commands.find((c) => c.name === w)?.summary ?? `${w} …`)}`);
  for (const g of groups) {
    const seconds = secondWords(commands, g).map((c) => c.name.split(" ")[1] ?? "");
    for (const c of secondWords(commands, g)) lines.push(`complete -c stackseal -n '__fish_seen_subcommand_from ${g}; and not __fish_seen_subcommand_from ${seconds.join(" ")}' -a ${c.name.split(" ")[1] ?? ""} -d ${quote(c.summary)}`);
  }
  for (const c of commands) {
    const at = c.name.split(" ").map((w) => `__fish_seen_subcommand_from ${w}`).join("; and ");
    for (const f of c.flags) {
      const names = f.names.map((n) => (n.startsWith("--") ? `-l ${n.slice(2)}` : `-s ${n.slice(1)}`)).join(" ");
      const value = !f.takesValue ? "" : f.names.includes("--env") ? ` -x -a '(${ENVIRONMENTS})'` : f.choices.length ? ` -x -a ${quote(f.choices.join(" "))}` : " -r -F";
      lines.push(`complete -c stackseal -n '${at}' ${names}${value} -d ${quote(f.description)}`);
    }
    if (c.operands !== "none") lines.push(`complete -c stackseal -n '${at}' ${c.operands === "credential" ? `-a ${quote(kinds.join(" "))}` : "-F"}`);
  }
  return `${lines.join("\n")}\n`;
}
