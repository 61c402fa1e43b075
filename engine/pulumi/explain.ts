import { FindingError } from "../../lib/finding.ts";
import { engineCodes } from "../codes.ts";
import { CliError, plain } from "./cli.ts";

const saidBy = (e: unknown): string => (e instanceof CliError ? `${plain(e.result.stderr)}\n${plain(e.result.stdout)}` : e instanceof Error ? e.message : "");

/** Whether the CLI says that the backend hasn't got the stack. */
export const notThere = (e: unknown): boolean => /no stack named|stack '[^']*' not found|failed to load checkpoint: no such/i.test(saidBy(e));
export const isCancelled = (e: unknown): boolean => /(update|preview|refresh|destroy) (was )?cancell?ed|context canceled/i.test(saidBy(e));

/** What the CLI refused with, as a finding that names the way out. Its own last words are the message; nothing else of its output is said. */
export function explain(e: unknown, stack: string): FindingError {
  if (e instanceof FindingError) return e;
  const text = saidBy(e), message = e instanceof Error && e.message !== "" ? `the Pulumi CLI: ${e.message}` : "the Pulumi CLI ended and said nothing";
  const finding = (code: Parameters<typeof engineCodes.finding>[0], hint: string, exit: 1 | 2 | 3): FindingError => new FindingError(engineCodes.finding(code, { message, path: stack, hint }), exit);
  if (/currently locked by|conflict: Another update|another update is currently in progress|\b409\b/i.test(text)) return finding("STATE_LOCKED", "wait for it to end, or, where nothing runs any more: stackseal cancel --engine pulumi", 2);
  if (/passphrase/i.test(text)) return finding("STATE_PASSPHRASE", "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the stack's passphrase", 2);
  if (/PULUMI_ACCESS_TOKEN|not logged in|pulumi login/i.test(text)) return finding("BACKEND_UNREACHABLE", "set PULUMI_BACKEND_URL (s3://…, file://…), or pulumi login", 2);
  if (notThere(e)) return finding("STATE_ABSENT", `stackseal up makes it, or: pulumi stack init ${stack}`, 2);
  if (/no such host|connection refused|dial tcp|i\/o timeout|NoSuchBucket|TLS handshake|context deadline exceeded/i.test(text)) return finding("BACKEND_UNREACHABLE", "is PULUMI_BACKEND_URL right, and the network there?", 3);
  if (/AccessDenied|access denied|\b403\b|no valid credential/i.test(text)) return finding("BACKEND_UNREACHABLE", "the credentials of the backend don't open it", 2);
  return finding("ENGINE_FAILED", `pulumi preview -s ${stack} says more`, 1);
}
