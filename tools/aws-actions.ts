import * as iam from "@aws-sdk/client-iam";
import * as kms from "@aws-sdk/client-kms";
import * as secretsmanager from "@aws-sdk/client-secrets-manager";

/** IAM's name of a call is the call's own, save here. */
const OTHERWISE: Readonly<Record<string, readonly string[]>> = { "kms:ReEncrypt": ["kms:ReEncryptFrom", "kms:ReEncryptTo"] };

/** Every action of the services that hold secrets, their keys and the roles, as the installed SDK knows them: a new one must be placed in the access matrix's tables. */
export function awsActions(): Record<string, readonly string[]> {
  const of = (service: string, sdk: object): string[] =>
    Object.keys(sdk).filter((k) => k.endsWith("Command") && k !== "$Command").map((k) => `${service}:${k.slice(0, -"Command".length)}`).flatMap((a) => OTHERWISE[a] ?? [a]).sort();
  return { secretsmanager: of("secretsmanager", secretsmanager), kms: of("kms", kms), iam: of("iam", iam) };
}
