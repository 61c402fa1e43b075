import { FindingError } from "../../lib/finding.ts";
import { fail, type Code } from "../input.ts";
import { redact } from "../redact.ts";

interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
}
type Answer = readonly [code: Code, message: string, hint: string, exit?: 1 | 2 | 3];

/** Names that the services give their errors, and what each means here. `{}` is the resource's name. */
const ANSWERS: readonly (readonly [RegExp, Answer])[] = [
  [/^(ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired)$/, ["STORE_CREDENTIALS", "the AWS credentials have expired", "sign in again: aws sso login, or assume the role anew", 2]],
  [/^(UnrecognizedClient(Exception)?|InvalidClientTokenId|InvalidSignature(Exception)?|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken(Exception)?|AuthFailure|InvalidAccessKeyId)$/, ["STORE_CREDENTIALS", "AWS doesn't take the credentials", "check AWS_PROFILE or AWS_ACCESS_KEY_ID, and this machine's clock", 2]],
  [/^(CredentialsProviderError|TokenProviderError)$/, ["STORE_CREDENTIALS", "no AWS credentials are at hand", "set AWS_PROFILE, or run under the deployer's role", 2]],
  [/^(AccessDenied(Exception)?|UnauthorizedAccess|AuthorizationError(Exception)?|NotAuthorized)$/, ["STORE_DENIED", "the role at hand may not do this", "stackseal access who shows which role may; super-admin deploys the foundation stack"]],
  [/^(DisabledException|KMSDisabledException|KMSInvalidStateException|EncryptionFailure|DecryptionFailure|InvalidKeyUsageException)$/, ["STORE_KEY_UNUSABLE", "the KMS key of this secret is disabled, being deleted or not to be used by this role", "aws kms describe-key --key-id alias/stackseal/ENV/CLASS, then enable-key or cancel-key-deletion as super-admin"]],
  [/^KMSNotFoundException$/, ["STORE_KEY_UNUSABLE", "the KMS key of this secret isn't in this region and account", "deploy the foundation stack first, and check store.region"]],
  [/^(LimitExceeded(Exception)?|ServiceQuotaExceeded(Exception)?|TooManyTags(Exception)?)$/, ["STORE_LIMIT", "an AWS quota is used up", "ask for a higher quota, or remove what isn't needed"]],
  [/^(Throttling(Exception)?|ThrottledException|TooManyRequests(Exception)?|RequestLimitExceeded|SlowDown|PriorRequestNotComplete|EC2ThrottledException)$/, ["STORE_THROTTLED", "AWS throttles the calls, after several attempts", "run again: what was delivered stays, the rest follows", 3]],
  [/^ResourceExistsException$/, ["STORE_VERSION_CONFLICT", "the version exists with other values", "issue the credential anew: stackseal secret set"]],
  [/^(PublicPolicyException)$/, ["POLICY_PUBLIC", "AWS refuses the policy: it would open the secret to the public", "take the wildcard out of the policy's principal"]],
  [/^(MalformedPolicyDocument(Exception)?)$/, ["POLICY_MALFORMED", "AWS refuses the policy's form", "stackseal check shows where"]],
];
const NETWORK = /^(E(CONNREFUSED|CONNRESET|NOTFOUND|AI_AGAIN|TIMEDOUT|PIPE|HOSTUNREACH|NETUNREACH)|TimeoutError|NetworkingError|AbortError)$/;

/** What the store's caller is told of a failed call: coded, with what to do, and without anything that a service echoed of a value. */
export function awsFailure(e: unknown, path: string): FindingError {
  if (e instanceof FindingError) return e;
  const { name = "", message = "", code = "", $metadata } = e as SdkError;
  const status = $metadata?.httpStatusCode ?? 0;
  if (/scheduled for deletion|marked for deletion|pending deletion/i.test(message) && /^(InvalidRequestException|ResourceExistsException|KMSInvalidStateException)$/.test(name))
    return name === "KMSInvalidStateException"
      ? fail("STORE_KEY_UNUSABLE", "the KMS key of this secret is scheduled for deletion", path, "aws kms cancel-key-deletion, then enable-key, as super-admin")
      : fail("STORE_DELETION_PENDING", "a secret of this name is scheduled for deletion, and the name stays taken until then", path, `aws secretsmanager restore-secret --secret-id ${path}, as super-admin, or wait for the recovery window to end`);
  const found = ANSWERS.find(([pattern]) => pattern.test(name) || pattern.test(code))?.[1];
  if (found) return fail(found[0], found[1], path, found[2], found[3] ?? 1);
  if (NETWORK.test(name) || NETWORK.test(code)) return fail("STORE_UNREACHABLE", `AWS can't be reached (${code || name})`, path, "check the network, and that store.region is a region", 3);
  if (status >= 500) return fail("STORE_UNREACHABLE", `AWS answered ${status}, after ${$metadata?.attempts ?? 1} attempts`, path, "run again: what was delivered stays, the rest follows", 3);
  return fail("STORE_REFUSED", `AWS refused: ${name || "unknown error"}: ${redact(message)}`, path);
}
