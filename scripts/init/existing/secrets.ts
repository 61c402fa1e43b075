import { awsSettings, requireAccount } from "../../../providers/aws/connect.ts";
import { awsFailure } from "../../../providers/aws/errors.ts";
import { FindingError } from "../../../lib/finding.ts";
import type { Context, Result } from "../../command.ts";
import secretImport from "../../commands/secret-import.ts";
import { declarationOf } from "../../identity/declaration.ts";
import { printable } from "../../render/paint.ts";
import { initCodes } from "../codes.ts";

export interface FoundSecret {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly changed: string;
  /** Ours, and delivered from here: nothing to import. */
  readonly ours: boolean;
}
/** Lists the secrets of an environment's account by name and tags, never a value; seals the values of those that were chosen as `secret import` does. */
export async function importSecrets(context: Context, options: Readonly<Record<string, unknown>>): Promise<Result> {
  const d = declarationOf(context);
  const s = d.environment.store;
  if (s.kind !== "aws") throw new FindingError(initCodes.finding("INIT_OPTION", { message: `${d.name} has no AWS account`, hint: "--existing aws wants an environment whose store is aws" }), 2);
  const found = await list(context, s);
  const selected = (options["select"] as string[] | undefined) ?? [];
  const unknown = selected.filter((n) => !found.some((f) => f.name === n));
  if (unknown.length) throw new FindingError(unknown.map((n) => initCodes.finding("INIT_OPTION", { message: `--select ${n}: account ${s.accountId} has no such secret in ${s.region}`, hint: "without --select all are listed" })), 2);
  const width = Math.max(4, ...found.map((f) => f.name.length));
  const table = found.map((f) => `  ${selected.includes(f.name) ? "→" : f.ours ? "=" : " "} ${printable(f.name).padEnd(width)}  ${f.changed || "never  "}  ${printable(Object.entries(f.tags).map(([k, v]) => `${k}=${v}`).join(" "))}${f.ours ? " (stackseal's own)" : ""}\n`).join("");
  const json = { environment: d.name, dryRun: options["dryRun"] === true, secrets: found };
  if (selected.length === 0) return { exit: 0, json, text: `${table || "The account has no secret there.\n"}${found.some((f) => !f.ours) ? `Choose with --select NAME; --dry-run shows first what maps to what.\n` : ""}` };
  // The reader is secret import's own: AWS's variables name where it asks.
  const env = { ...context.env, AWS_REGION: s.region, ...(s.endpoint !== undefined && { AWS_ENDPOINT_URL: s.endpoint }) };
  const r = await secretImport.run({ ...context, env }, selected, { from: "aws", partial: true, reason: "initial", region: s.region, dryRun: options["dryRun"] });
  return { ...r, json: { ...json, ...r.json }, text: `${table}\n${r.text ?? ""}` };
}
async function list(context: Context, s: { readonly accountId: string; readonly region: string; readonly endpoint?: string | undefined }): Promise<FoundSecret[]> {
  const { SecretsManagerClient, paginateListSecrets } = await import("@aws-sdk/client-secrets-manager");
  const settings = awsSettings(s, context.env);
  const client = new SecretsManagerClient(settings);
  const out: FoundSecret[] = [];
  try {
    await requireAccount(settings, s.accountId);
    for await (const page of paginateListSecrets({ client }, { MaxResults: 100 }))
      for (const x of page.SecretList ?? []) {
        const tags = Object.fromEntries((x.Tags ?? []).map((t) => [t.Key ?? "", t.Value ?? ""]));
        out.push({ name: x.Name ?? "", tags, changed: (x.LastChangedDate ?? x.CreatedDate)?.toISOString().slice(0, 10) ?? "", ours: (x.Name ?? "").startsWith("stackseal/") });
      }
  } catch (e) {
    throw awsFailure(e, "secretsmanager:ListSecrets");
  } finally {
    client.destroy();
  }
  return out.sort((a, b) => (a.name < b.name ? -1 : 1));
}
