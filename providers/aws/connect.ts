import { loopback } from "../../schemas/fields.ts";
import type { Env } from "../context.ts";
import { fail } from "../input.ts";

/** An AWS environment as environment.yaml declares it. */
export interface AwsPlace {
  readonly accountId: string;
  readonly region: string;
  readonly endpoint?: string | undefined;
}
type Credentials = () => Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }>;
/** What every client of the SDK takes. */
export interface AwsSettings {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials: Credentials;
  readonly maxAttempts: number;
  readonly retryMode: "standard";
}
/** Attempts a call: throttling, 5xx and broken connections are tried again after an exponential pause with full jitter (the SDK's standard mode). */
const ATTEMPTS = 6;

/**
 * The settings of a client in a region of an environment. Credentials: the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else the SDK's own chain
 * (profile, SSO, web identity, instance); on an emulator, which knows no account, the word test. Throws STORE_ADDRESS where the endpoint is not on this machine.
 */
export function awsSettings(place: AwsPlace, env: Env, region = place.region): AwsSettings {
  const { endpoint } = place;
  if (endpoint !== undefined && !(URL.canParse(endpoint) && loopback(new URL(endpoint).hostname)))
    throw fail("STORE_ADDRESS", "AWS's address may only be changed to one of this machine", endpoint, "leave store.endpoint out to use AWS");
  return { region, credentials: credentials(env, endpoint !== undefined), maxAttempts: ATTEMPTS, retryMode: "standard", ...(endpoint !== undefined && { endpoint }) };
}
function credentials(env: Env, emulator: boolean): Credentials {
  const accessKeyId = env["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = env["AWS_SECRET_ACCESS_KEY"];
  const sessionToken = env["AWS_SESSION_TOKEN"];
  const given = accessKeyId !== undefined && secretAccessKey !== undefined ? { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) } : null;
  if (given) return () => Promise.resolve(given);
  if (emulator) return () => Promise.resolve({ accessKeyId: "test", secretAccessKey: "test" });
  return async () => {
    const { fromNodeProviderChain } = await import("@aws-sdk/credential-providers");
    const profile = env["AWS_PROFILE"];
    return fromNodeProviderChain(profile !== undefined ? { profile } : {})();
  };
}

/** The ARN of who is at hand. Refuses credentials of another account than the declared one. Throws STORE_ACCOUNT, or what AWS says. */
export async function requireAccount(settings: AwsSettings, accountId: string): Promise<string> {
  const { STSClient, GetCallerIdentityCommand } = await import("@aws-sdk/client-sts");
  const client = new STSClient(settings);
  try {
    const { Account, Arn = "" } = await client.send(new GetCallerIdentityCommand({}));
    if (Account !== accountId) throw fail("STORE_ACCOUNT", `the credentials at hand belong to account ${Account ?? "?"}; the environment declares ${accountId}`, accountId, "take credentials of the declared account (AWS_PROFILE), or correct store.accountId", 2);
    return Arn;
  } finally {
    client.destroy();
  }
}
