import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { FindingError } from "../lib/finding.ts";
import { LOCAL, signingSecretName } from "../schemas/layout.ts";
import { SCHEME_IDS, schemeOf } from "../doctor/webhooks/index.ts";
import type { Scheme, WebhookRequest } from "../doctor/webhooks/scheme.ts";
import { readProject } from "../stacks/read.ts";
import type { Context, OptionSpec } from "./command.ts";
import { readableValues } from "./doctoring.ts";
import { knownEnvironments } from "./commands/check.ts";

// What the webhook commands have in common: scheme, secret (never an argument) and request.

const usage = (code: string, message: string, hint?: string): FindingError => new FindingError({ code, severity: "error", message, hint }, 2);
export const SECRET_VARIABLE = "STACKSEAL_WEBHOOK_SECRET";
export const schemeOptions: readonly OptionSpec[] = [
  { flags: "--scheme <scheme>", description: "whose signature", choices: SCHEME_IDS, default: "standard" },
  { flags: "--credential <path>", description: "the sealed credential that signs, with --env: outbound-webhooks.crm-sync.signingSecret, twilio.authToken; stripe.<endpoint> is the one in the store" },
  { flags: "--secret-file <file>", description: `the secret from a file; else the variable ${SECRET_VARIABLE}` },
];
export const requestOptions: readonly OptionSpec[] = [
  { flags: "--url <url>", description: "the URL that is called (Twilio and HubSpot sign it)" },
  { flags: "--method <method>", description: "the HTTP method", default: "POST" },
  { flags: "--content-type <type>", description: "of the body", default: "application/json" },
];
export function schemeFrom(options: Readonly<Record<string, unknown>>): Scheme {
  return schemeOf(options["scheme"] as string) ?? (() => { throw usage("USAGE_SCHEME", `--scheme is one of ${SCHEME_IDS.join(", ")}`); })();
}
/** From a sealed credential, a file or the environment. Throws FindingError; no message carries it. */
export async function secretFrom(context: Context, options: Readonly<Record<string, unknown>>): Promise<string> {
  const path = options["credential"] as string | undefined;
  const file = options["secretFile"] as string | undefined;
  if (path !== undefined) return sealedSecret(context, path);
  if (file !== undefined) {
    const from = resolve(context.root, file);
    if (!existsSync(from)) throw usage("SECRET_FILE", "--secret-file names a file that isn't there");
    const secret = readFileSync(from, "utf8").replace(/\r?\n$/, "");
    if (secret === "") throw usage("SECRET_MISSING", "the file of --secret-file is empty");
    return secret;
  }
  const variable = context.env[SECRET_VARIABLE];
  if (variable === undefined || variable === "") throw usage("SECRET_MISSING", "no secret is given", `--credential PATH --env E, --secret-file F, or the variable ${SECRET_VARIABLE}; never an argument`);
  return variable;
}
async function sealedSecret(context: Context, path: string): Promise<string> {
  const [env] = context.envs;
  if (env === undefined || context.envs.length !== 1) throw usage("USAGE_ENV", "--credential wants exactly one --env");
  knownEnvironments(context);
  const d = readProject(context.root, { only: [env], clock: context.clock }).environments[0];
  if (!d) throw usage("ENVIRONMENT_UNREADABLE", `${env} can't be read`, "stackseal check");
  const endpoint = /^stripe\.([a-z][a-z0-9-]*)$/.exec(path)?.[1];
  if (endpoint !== undefined && d.payments?.stripe.webhooks[endpoint] !== undefined) {
    const { openStore } = await import("../providers/stores/index.ts");
    const secret = (await openStore({ root: context.root, env: context.env, clock: context.clock }, d.name, d.environment.store).read(signingSecretName(d.name, endpoint)))?.["current"];
    if (secret === undefined) throw usage("SECRET_MISSING", `the store holds no signing secret of ${endpoint}`, env === LOCAL ? "stackseal start" : `stackseal up --env ${env}`);
    return secret;
  }
  const got = (await readableValues(context, d))(path);
  if (got.value === null) throw usage("SECRET_MISSING", `${path} can't be read: ${got.why}`, `stackseal secret list --env ${env}`);
  return got.value;
}
const LIMIT = 1 << 20;
/** A body from a file, or from a pipe; empty where there is neither. */
export async function bodyFrom(context: Context, file: string | undefined): Promise<string> {
  if (file !== undefined && file !== "-") {
    const from = resolve(context.root, file);
    if (!existsSync(from)) throw usage("BODY_FILE", `${file} isn't there`);
    return readFileSync(from, "utf8");
  }
  if (context.stdin.isTTY) return "";
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const c of context.stdin) {
    if ((size += (c as Buffer).length) > LIMIT) throw usage("BODY_FILE", "the body is larger than 1 MiB");
    chunks.push(Buffer.from(c as Buffer));
  }
  return Buffer.concat(chunks).toString("utf8");
}
export function requestFrom(scheme: Scheme, options: Readonly<Record<string, unknown>>, body: string, headers: Readonly<Record<string, string>> = {}): WebhookRequest {
  const url = (options["url"] as string | undefined) ?? "";
  if (url === "" && scheme.covers === "url") throw usage("USAGE_URL", `${scheme.title} signs the URL: add --url`);
  if (url !== "" && !/^https?:\/\//.test(url)) throw usage("USAGE_URL", "--url wants an http or https URL");
  return { method: (options["method"] as string).toUpperCase(), url, headers: { "content-type": options["contentType"] as string, ...headers }, body };
}
