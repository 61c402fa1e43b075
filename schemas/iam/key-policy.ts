import { rolesWith, type SecretClass } from "../access.ts";
import { keyActions } from "./actions.ts";
import { document, type Document, type Statement } from "./document.ts";
import { classOfDeployer, DEPLOYERS, regionsOf, roleArn, rootArn, secretArns, identitySecretName, type Place } from "./place.ts";

const via = (p: Place): readonly string[] => regionsOf(p).map((r) => `secretsmanager.${r}.amazonaws.com`);

/**
 * Who may use a class's key, through Secrets Manager alone and for this class's secrets alone, and who administers it. The account's root may only mend
 * the policy: a key that nobody administers any more is lost with everything under it.
 */
export function keyPolicy(cls: SecretClass, p: Place): Document {
  const identities = DEPLOYERS.filter((r) => classOfDeployer(r) === cls);
  const users = [...new Set([...rolesWith(cls, p.tier, "read"), ...rolesWith(cls, p.tier, "write"), ...identities])];
  const writers = rolesWith(cls, p.tier, "write");
  const arns = (roles: readonly (typeof users)[number][]): string[] => roles.map((r) => roleArn(p, r));
  const within = { StringEquals: { "kms:ViaService": via(p) }, ArnLike: { "kms:EncryptionContext:SecretARN": secretArns(p, [...p.secrets[cls], ...identities.map((r) => identitySecretName(p.environment, r))]) } };
  const key = (Sid: string, AWS: string | readonly string[], Action: readonly string[], Condition?: Statement["Condition"]): Statement => ({ Sid, Effect: "Allow", Principal: { AWS }, Action, Resource: ["*"], ...(Condition && { Condition }) });
  return document(
    key("MendThePolicy", rootArn(p), ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:PutKeyPolicy", "kms:CancelKeyDeletion", "kms:EnableKey"]),
    key("Administer", roleArn(p, "super-admin"), [...keyActions("permit"), ...keyActions("delete"), ...keyActions("list")]),
    key("Describe", arns(rolesWith(cls, p.tier, "list").filter((r) => r === "auditor")), keyActions("list")),
    // Putting a value encrypts under the key and checks the previous one: AWS wants both rights of a writer. Without GetSecretValue that reads nothing.
    key("ReadThroughSecretsManager", arns(users), keyActions("read"), within),
    key("WriteThroughSecretsManager", arns(writers), ["kms:GenerateDataKey"], within),
  );
}
