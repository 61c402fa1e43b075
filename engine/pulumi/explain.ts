import { FindingError } from "../../lib/finding.ts";
import { environmentOfStack } from "../../schemas/layout.ts";
import { engineCodes } from "../codes.ts";
import { CliError, plain } from "./cli.ts";

const saidBy = (e: unknown): string => (e instanceof CliError ? `${plain(e.result.stderr)}\n${plain(e.result.stdout)}` : e instanceof Error ? e.message : "");

/** Whether the CLI says that the backend hasn't got the stack. */
export const notThere = (e: unknown): boolean => /no stack named|stack '[^']*' not found|failed to load checkpoint: no such/i.test(saidBy(e));
/** Whether the run itself was cancelled: a step that fails makes the CLI give up its neighbours with "context canceled" too. */
export const isCancelled = (e: unknown): boolean => /(update|preview|refresh|destroy) (was )?cancell?ed/i.test(saidBy(e));

type Code = Parameters<typeof engineCodes.finding>[0];
interface Case { readonly says: RegExp; readonly code: Code; readonly hint: string; readonly exit: 1 | 2 | 3 }
const AWS_KEYS = "AWS_PROFILE, or AWS_ACCESS_KEY_ID and its companions (a session's end): aws sts get-caller-identity says whose they are";
/** What the place of the secrets' key says: the CLI needs it before anything else. */
const KEY: readonly Case[] = [
  { says: /connection refused|connection reset|no such host|dial tcp|i\/o timeout|TLS handshake|deadline exceeded|StatusCode: (0|5\d\d|429)\b/i, code: "STATE_SECRETS_PROVIDER", hint: "the key's service didn't answer: nothing was done, run again", exit: 3 },
  { says: /Expired|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|get credentials|no EC2 IMDS/i, code: "STATE_SECRETS_PROVIDER", hint: `AWS takes no session of these credentials: ${AWS_KEYS}`, exit: 2 },
  { says: /AccessDenied/i, code: "STATE_SECRETS_PROVIDER", hint: "this role may not use the key: kms:Encrypt and kms:Decrypt on it", exit: 2 },
  { says: /./s, code: "STATE_SECRETS_PROVIDER", hint: "secretsprovider in the stack's Pulumi.<stack>.yaml names the key: is it there, in that region, and enabled?", exit: 2 },
];
const CASES: readonly Case[] = [
  { says: /passphrase/i, code: "STATE_PASSPHRASE", hint: "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the stack's passphrase", exit: 2 },
  { says: /PULUMI_ACCESS_TOKEN|not logged in|pulumi login/i, code: "BACKEND_UNREACHABLE", hint: "set PULUMI_BACKEND_URL (s3://…, file://…), or pulumi login", exit: 2 },
  { says: /NoSuchBucket|PermanentRedirect|AuthorizationHeaderMalformed|unable to open bucket|invalid bucket|BucketRegionError/i, code: "BACKEND_UNREACHABLE", hint: "PULUMI_BACKEND_URL names a bucket that isn't there, or not in that region: s3://BUCKET?region=REGION", exit: 2 },
  { says: /get credentials|no EC2 IMDS|no valid credential/i, code: "BACKEND_UNREACHABLE", hint: `no credentials of AWS are at hand: ${AWS_KEYS}`, exit: 2 },
  { says: /Expired|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken/i, code: "BACKEND_UNREACHABLE", hint: `AWS takes no session of these credentials: ${AWS_KEYS}`, exit: 2 },
  { says: /AccessDenied|access denied|\b403\b|Unauthorized|\b401\b/i, code: "BACKEND_UNREACHABLE", hint: "the credentials of the backend don't open it", exit: 2 },
  { says: /no such host|connection refused|connection reset|dial tcp|i\/o timeout|TLS handshake|deadline exceeded|StatusCode: (0|5\d\d|429)\b|unexpected EOF/i, code: "BACKEND_UNREACHABLE", hint: "is PULUMI_BACKEND_URL right, and the network there?", exit: 3 },
];

/** What the CLI refused with, as a finding that names the way out. Its own last words are the message; nothing else of its output is said. */
export function explain(e: unknown, stack: string): FindingError {
  if (e instanceof FindingError) return e;
  const text = saidBy(e), message = e instanceof Error && e.message !== "" ? `the Pulumi CLI: ${tidy(e.message)}` : "the Pulumi CLI ended and said nothing";
  const cancel = `stackseal cancel --env ${environmentOfStack(stack).environment} --engine pulumi`;
  const finding = ({ code, hint, exit }: Omit<Case, "says">, said = message): FindingError => new FindingError(engineCodes.finding(code, { message: said, path: stack, hint }), exit);
  if (/currently locked by|conflict: Another update|another update is currently in progress|\b409\b/i.test(text)) {
    const held = /created by (\S+) \(pid (\d+)\) at (\S+)/.exec(text);
    return finding({ code: "STATE_LOCKED", hint: `wait for it to end, or, where nothing runs any more: ${cancel}`, exit: 2 }, held ? `another update runs on the stack, of ${held[1] ?? ""} (process ${held[2] ?? ""}) since ${held[3] ?? ""}` : message);
  }
  if (e instanceof CliError && e.result.signal !== undefined) return finding({ code: "ENGINE_FAILED", hint: `what was done is kept, and the stack's lock may be left: ${cancel}, then run again`, exit: 1 });
  if (notThere(e)) return finding({ code: "STATE_ABSENT", hint: `stackseal up makes it, or: pulumi stack init ${stack}`, exit: 2 });
  const table = /operation error KMS|secrets manager: secrets|open keeper|awskms:/i.test(text) ? KEY : CASES;
  return finding(table.find((c) => c.says.test(text)) ?? { code: "ENGINE_FAILED", hint: `pulumi preview -s ${stack} says more`, exit: 1 });
}
/** What the AWS SDK says between what was asked and what was answered. */
const tidy = (text: string): string => text.replace(/(exceeded maximum number of attempts, \d+, )?https response error StatusCode: (\d+), RequestID: [^,]*, (HostID: [^,]*, )?(api error )?/g, (_m, _n, status: string) => (status === "0" ? "" : `${status} `));
