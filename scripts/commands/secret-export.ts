import { defineCommand } from "../command.ts";
import { environmentVariables, PROCESS_ROLES } from "../variables.ts";

type Entries = readonly (readonly [string, string])[];
const FORMATS = ["dotenv", "json", "docker", "k8s"] as const;

/** Double quotes with escapes: what dotenv, Laravel and docker compose read back as it was. */
const quoted = (v: string): string => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(v) ? v : `"${v.replace(/[\\"$]/g, "\\$&").replaceAll("\n", "\\n")}"`);

const WRITE: Readonly<Record<(typeof FORMATS)[number], (entries: Entries, environment: string) => string>> = {
  dotenv: (entries) => entries.map(([k, v]) => `${k}=${quoted(v)}\n`).join(""),
  json: (entries) => `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`,
  // docker run --env-file takes the rest of the line as it stands: no quotes, no escapes.
  docker: (entries) => entries.map(([k, v]) => `${k}=${v}\n`).join(""),
  k8s: (entries, environment) => ["apiVersion: v1", "kind: Secret", "metadata:", `    name: stackseal-${environment}`, "type: Opaque", "data:", ...entries.map(([k, v]) => `    ${k}: ${Buffer.from(v).toString("base64")}`), ""].join("\n"),
};

export default defineCommand({
  name: "secret export",
  summary: "Print an environment's variables in clear, for those who must; prefer stackseal run",
  wants: "one",
  options: [
    { flags: "--format <format>", description: "how they are written", choices: FORMATS, default: "dotenv" },
    { flags: "--role <role>", description: "only what this role may read", choices: PROCESS_ROLES },
    { flags: "--reveal", description: "print the values to a terminal" },
  ],
  examples: ["stackseal secret export --env dev --format docker > /dev/shm/dev.env", "stackseal secret export --env dev --format k8s | kubectl apply -f -"],
  run: async (context, _args, options) => {
    if (context.json) return { exit: 2, findings: [{ code: "USAGE_JSON", severity: "error", message: "secret export has no --json report: a value doesn't belong into one", hint: "--format json prints the variables themselves" }] };
    if (process.stdout.isTTY && options["reveal"] !== true) return { exit: 2, findings: [{ code: "REVEAL_NEEDED", severity: "error", message: "values are printed to a terminal only with --reveal", hint: "send them to a pipe, or use: stackseal run --env … -- CMD" }] };
    const format = options["format"] as (typeof FORMATS)[number];
    const { declared, values, left } = await environmentVariables(context, (options["role"] as (typeof PROCESS_ROLES)[number] | undefined) ?? null);
    const entries = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
    const broken = format === "docker" ? entries.filter(([, v]) => /[\r\n]/.test(v)) : [];
    if (broken.length) return { exit: 1, findings: broken.map(([k]) => ({ code: "EXPORT_MULTILINE", severity: "error" as const, message: `${k} has more than one line: docker's env-file can't say it`, path: k, hint: "use --format json or dotenv" })) };
    context.say(`warning: ${entries.length} variables of ${declared.name} leave in clear; whoever reads them holds them. Prefer: stackseal run --env ${declared.name} -- CMD\n`);
    if (left.length) context.say(`${left.join(" and ")} credentials are left out\n`);
    const text = WRITE[format](entries, declared.name);
    await new Promise<void>((done) => { process.stdout.write(text, () => { done(); }); });
    return { exit: 0 };
  },
});
