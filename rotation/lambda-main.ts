import { createHttp } from "../lib/http.ts";
import { systemClock } from "../lib/clock.ts";
import type { Tier } from "../schemas/access.ts";
import { lambdaHandler, type RotationEvent } from "./lambda.ts";
import { awsSecretVersions } from "./lambda-secrets.ts";
import { providerPorts } from "./ports.ts";

// What Lambda runs: `index.handler`. Which credential, and its plain settings, stand in the function's variables, which hold no secret.

/** Made once a container; `env` is the function's. */
export function handlerOf(env: Readonly<Record<string, string | undefined>>, sandbox: Readonly<Record<string, string>> | null = null): (event: RotationEvent) => Promise<void> {
  const settings = JSON.parse(env["STACKSEAL_SETTINGS"] ?? "{}") as Readonly<Record<string, unknown>>;
  const [environment, tier, kind] = [env["STACKSEAL_ENVIRONMENT"] ?? "", (env["STACKSEAL_TIER"] ?? "production") as Tier, env["STACKSEAL_KIND"] ?? ""];
  const integration = kind.split(".")[0] ?? "";
  const ports = providerPorts({ http: createHttp({ env }), declared: { name: environment, tier, environment: { integrations: { [integration]: settings } } as never }, signal: new AbortController().signal, clock: systemClock, sandbox });
  return lambdaHandler({ kind, ...(env["STACKSEAL_ENTRY"] !== undefined && { entry: env["STACKSEAL_ENTRY"] }), settings, environment, tier, env, send: ports.send, probe: ports.probe, secrets: awsSecretVersions(env["STACKSEAL_ENDPOINT"]) });
}
