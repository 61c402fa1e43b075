import { integrations, variablesOf } from "../schemas/integrations/index.ts";

/** The README's table of integrations, from their declarations. */
export function integrationsTable(): string {
  const rows = integrations.map((i) => {
    const secrets = Object.entries(i.secrets);
    return `| ${i.title} | ${secrets.map(([n, s]) => `\`${i.id}.${s.each === undefined ? "" : "<name>."}${n}\``).join(", ")} | ${secrets.flatMap(([, s]) => variablesOf(s)).map((v) => `\`${v.replace("__", "_<NAME>_")}\``).join(", ")} | ${[...new Set(secrets.map(([, s]) => s.class))].join(", ")} | ${[...new Set(secrets.map(([, s]) => s.rotation.kind))].join(", ")} |`;
  });
  return ["| integration | credentials | variables | class | issued anew by |", "|---|---|---|---|---|", ...rows].join("\n");
}
