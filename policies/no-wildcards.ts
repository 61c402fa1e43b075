import { accountRoot, called, statementsOf, takesIn } from "./kit/statements.ts";
import { each } from "./kit/unknown.ts";
import { definePolicy } from "./policy.ts";

const role = "aws:iam/role:Role";
const policy = (s: unknown): string => JSON.stringify({ Version: "2012-10-17", Statement: s });
/** Everything, or everything of a service, however many wildcards say it. */
const SERVICES = /^(?:[^:]*:)?[*?]*\*[*?]*$/;

/** What gives a secret's value away, lets somebody take it, or makes somebody who may: an action with a wildcard that covers one of these is as good as all of them. */
const SECRET_ACTIONS = [
  ...["GetSecretValue", "BatchGetSecretValue", "PutSecretValue", "UpdateSecret", "PutResourcePolicy", "RotateSecret", "ReplicateSecretToRegions", "DeleteSecret"].map((a) => `secretsmanager:${a}`),
  ...["Decrypt", "CreateGrant", "PutKeyPolicy", "ReEncryptFrom"].map((a) => `kms:${a}`), ...["GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory"].map((a) => `ssm:${a}`),
  ...["AssumeRole", "AssumeRoleWithWebIdentity"].map((a) => `sts:${a}`), ...["PassRole", "PutRolePolicy", "AttachRolePolicy", "UpdateAssumeRolePolicy", "CreateAccessKey", "CreatePolicyVersion", "DeleteRolePermissionsBoundary"].map((a) => `iam:${a}`),
];
const covers = (pattern: string): string | undefined => (/[*?]/.test(pattern) ? SECRET_ACTIONS.find((a) => takesIn(pattern, a)) : undefined);
/** Resources that are no secret, key or parameter, by their ARN's service: there a wildcard reaches none. */
const reaches = (resources: readonly string[], action: string): boolean => resources.length === 0 || resources.some((r) => !r.startsWith("arn:") || r.split(":")[2] === action.split(":")[0] || /[*?]/.test(r.split(":")[2] ?? "*"));

/** AWS's own policies that allow every action, or what reaches secrets by a wildcard. */
const MANAGED = /:aws:policy\/(?:[a-z-]+\/)?(AdministratorAccess|PowerUserAccess|IAMFullAccess|SecretsManagerReadWrite|AWSKeyManagementServicePowerUser|AmazonSSMFullAccess|AmazonSSMReadOnlyAccess|ReadOnlyAccess)$/i;
/** Where policies are attached; a permissions boundary attaches none. */
const ATTACHED = ["policyArn", "policyArns", "managedPolicyArn", "managedPolicyArns"];
const lists = (v: unknown): unknown[] => (Array.isArray(v) ? (v as unknown[]) : [v]);
const ANYBODY = /^[*?]+$/;

/** Vault has wildcards of its own: a policy for every path, a role for everybody of a cluster or of an issuer. */
function judgeVault(type: string, props: Readonly<Record<string, unknown>>, report: (m: string) => void): void {
  const text = type === "vault:index/policy:Policy" ? props["policy"] : undefined;
  const paths = typeof text === "string" ? [...text.matchAll(/\bpath"?\s*[:{]?\s*\{?\s*"([^"]*)"/g)].map((m) => m[1] as string) : [];
  if (paths.some((p) => /^[*+/]+$/.test(p))) report("the policy opens every path of Vault");
  if (lists(props["boundServiceAccountNames"]).some((n) => ANYBODY.test(String(n)))) report("the role is for every service account");
  const claims = props["boundClaims"];
  if (typeof claims === "object" && claims !== null) for (const v of Object.values(claims)) if (typeof v === "string" && ANYBODY.test(v)) report("the role is bound to any value of a claim");
}

export const noWildcards = definePolicy({
  id: "no-wildcards",
  title: "No wildcard principal or action",
  severity: "critical",
  level: "mandatory",
  remediation: "Name the principals and the actions; stackseal access matrix shows which are meant.",
  chapter: "Principle of Least Privilege",
  resource: (r, report) => {
    each(ATTACHED, (key) => {
      each(lists(r.props[key]), (arn) => { const name = typeof arn === "string" ? MANAGED.exec(arn)?.[1] : undefined; if (name !== undefined) report(`AWS's own policy ${name} allows by wildcards what reaches secrets`); });
    });
    if (r.type.startsWith("vault:")) {
      judgeVault(r.type, r.props, report);
      return;
    }
    // A permission that names its principal and its action beside each other (Lambda's, EventBridge's).
    if (typeof r.props["principal"] === "string" && ANYBODY.test(r.props["principal"])) report("any principal is allowed");
    if (r.type.startsWith("aws:lambda/permission:") && SERVICES.test(String(r.props["action"]))) report("every action is allowed");
    statementsOf(r.props, (s, property) => {
      if (s.effect === "Deny") return;
      const what = called(s, property);
      // AWS's own default of a key: without the account's root, a key whose administrators are gone can't be saved by anybody.
      const root = /^aws(?:-native)?:kms[/:]/.test(r.type) && s.principals.length > 0 && s.principals.every(accountRoot);
      if (s.principals.some((p) => /[*?]/.test(p))) report(`${what} allows any principal`);
      if (s.notPrincipal) report(`${what} allows everybody but some (NotPrincipal)`);
      if (s.notAction) report(`${what} allows everything but some actions (NotAction)`);
      if (!root && s.actions.some((a) => SERVICES.test(a))) report(`${what} allows every action${s.actions.some((a) => ANYBODY.test(a)) ? "" : " of a service"}`);
      const wide = root ? [] : s.notAction ? [] : s.actions.filter((a) => !SERVICES.test(a)).flatMap((a) => { const c = covers(a); return c !== undefined && reaches(s.resources, c) ? [`${a} (${c} is one of them)`] : []; });
      if (wide.length) report(`${what} allows by a wildcard what reaches secrets: ${wide.join(", ")}`);
    }, (property) => { report(`${property} is no policy document`); });
  },
  passes: [
    { says: "accepts named principals and actions", resource: { type: role, props: { assumeRolePolicy: policy([{ Effect: "Allow", Principal: { Service: "ecs-tasks.amazonaws.com" }, Action: "sts:AssumeRole" }]) } } },
    { says: "accepts a denial of everybody", resource: { type: "aws:s3/bucketPolicy:BucketPolicy", props: { policy: policy([{ Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "*", Condition: { Bool: { "aws:SecureTransport": "false" } } }]) } } },
    { says: "accepts a wildcard that reaches no secret", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([{ Effect: "Allow", Action: ["secretsmanager:Describe*", "secretsmanager:List*", "logs:Get*"], Resource: "*" }, { Effect: "Allow", Action: "kms:Describe*", Resource: "*" }, { Effect: "Deny", Action: "secretsmanager:Get*", Resource: "*" }]) } } },
    { says: "accepts AWS's own policy that reaches no secret", resource: { type: "aws:iam/rolePolicyAttachment:RolePolicyAttachment", props: { role: "app", policyArn: "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole" } } },
    { says: "accepts a policy of Vault for its own paths", resource: { type: "vault:index/policy:Policy", props: { name: "app", policy: JSON.stringify({ path: { "stackseal/data/dev/*": { capabilities: ["read"] } } }) } } },
    { says: "accepts a boundary that allows everything within what is attached", resource: { type: role, props: { assumeRolePolicy: policy([]), permissionsBoundary: "arn:aws:iam::aws:policy/PowerUserAccess" } } },
    { says: "accepts a key policy's account root", resource: { type: "aws:kms/keyPolicy:KeyPolicy", props: { policy: policy([{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::111111111111:root" }, Action: "kms:*", Resource: "*" }]) } } },
    { says: "accepts a key's account root", resource: { type: "aws:kms/key:Key", props: { policy: policy([{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::111111111111:root" }, Action: "kms:*", Resource: "*" }]) } } },
  ],
  breaks: [
    { says: "rejects any principal", resource: { type: "aws:secretsmanager/secretPolicy:SecretPolicy", props: { policy: policy([{ Effect: "Allow", Principal: "*", Action: "secretsmanager:GetSecretValue", Resource: "*" }]) } } },
    { says: "rejects any AWS principal in a list", resource: { type: "aws:sns/topicPolicy:TopicPolicy", props: { policy: policy([{ Effect: "Allow", Principal: { AWS: ["arn:aws:iam::111111111111:role/a", "*"] }, Action: "sns:Publish" }]) } } },
    { says: "rejects any role of an account", resource: { type: role, props: { assumeRolePolicy: policy([{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::111111111111:role/*" }, Action: "sts:AssumeRole" }]) } } },
    { says: "rejects Get* where it reaches secrets' values", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([{ Effect: "Allow", Action: "secretsmanager:Get*", Resource: "arn:aws:secretsmanager:*:*:secret:stackseal/*" }]) } } },
    { says: "rejects a wildcard in the service's name", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([{ Effect: "Allow", Action: "secrets*:GetSecretV?lue", Resource: "*" }]) } } },
    { says: "rejects kms:De* for any key", resource: { type: "aws:iam/policy:Policy", props: { policy: policy([{ Effect: "Allow", Action: ["kms:De*"], Resource: "*" }]) } } },
    { says: "rejects every action", resource: { type: "aws:iam/policy:Policy", props: { policy: policy({ Effect: "Allow", Action: "*", Resource: "*" }) } } },
    { says: "rejects every action of a service", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([{ Effect: "Allow", Action: ["s3:GetObject", "secretsmanager:*"], Resource: "*" }]) } } },
    { says: "rejects everything but some actions", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([{ Effect: "Allow", NotAction: "iam:*", Resource: "*" }]) } } },
    { says: "rejects everybody but some principals", resource: { type: "aws:s3/bucketPolicy:BucketPolicy", props: { policy: policy([{ Effect: "Allow", NotPrincipal: { AWS: "arn:aws:iam::111111111111:root" }, Action: "s3:GetObject" }]) } } },
    { says: "rejects an inline policy with every action", resource: { type: role, props: { assumeRolePolicy: policy([]), inlinePolicies: [{ name: "x", policy: policy([{ Effect: "Allow", Action: "kms:*", Resource: "*" }]) }] } } },
    { says: "rejects any account's root", resource: { type: role, props: { assumeRolePolicy: policy([{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::*:root" }, Action: "sts:AssumeRole" }]) } } },
    { says: "rejects Get* on everything but some resources", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([{ Effect: "Allow", Action: "secretsmanager:Get*", NotResource: "arn:aws:s3:::acme" }]) } } },
    { says: "rejects AWS's own policy that allows everything", resource: { type: "aws:iam/rolePolicyAttachment:RolePolicyAttachment", props: { role: "app", policyArn: "arn:aws:iam::aws:policy/AdministratorAccess" } } },
    { says: "rejects such a policy in a role's list", resource: { type: role, props: { assumeRolePolicy: policy([]), managedPolicyArns: ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", "arn:aws:iam::aws:policy/SecretsManagerReadWrite"] } } },
    { says: "rejects everything of a service by other wildcards", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([{ Effect: "Allow", Action: ["s3:?*"], Resource: "*" }]) } } },
    { says: "rejects wildcards that make somebody who may", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([{ Effect: "Allow", Action: "sts:Assume*", Resource: "*" }]) } } },
    { says: "rejects elements and effects in small letters", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([{ effect: "allow", action: "*", resource: "*" }]) } } },
    { says: "rejects an ARN that ends before its service", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([{ Effect: "Allow", Action: "secretsmanager:Get*", Resource: "arn:*" }]) } } },
    { says: "rejects statements in lists of lists", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([[{ Effect: "Allow", Action: "*", Resource: "*" }]]) } } },
    { says: "rejects a policy that was written as a text twice", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: JSON.stringify(policy([{ Effect: "Allow", Action: "*", Resource: "*" }])) } } },
    { says: "rejects a policy encoded for a URL", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: encodeURIComponent(policy([{ Effect: "Allow", Action: "*", Resource: "*" }])) } } },
    { says: "rejects a list of documents", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: `[${policy([{ Effect: "Allow", Action: "*", Resource: "*" }])}]` } } },
    { says: "rejects any principal in a bare list", resource: { type: "aws:s3/bucketPolicy:BucketPolicy", props: { policy: policy([{ Effect: "Allow", Principal: ["*"], Action: "s3:GetObject" }]) } } },
    { says: "rejects a question mark in an account's number", resource: { type: "aws:s3/bucketPolicy:BucketPolicy", props: { policy: policy([{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::11111111111?:root" }, Action: "s3:GetObject" }]) } } },
    { says: "rejects a role's trust in another provider's words", resource: { type: "aws-native:iam:Role", props: { assumeRolePolicyDocument: { Statement: [{ Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" }] } } } },
    { says: "rejects an inline policy in another provider's words", resource: { type: "aws-native:iam:Role", props: { policies: [{ policyName: "x", policyDocument: { Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] } }] } } },
    { says: "rejects a key's policy in another provider's words", resource: { type: "aws-native:kms:Key", props: { keyPolicy: { Statement: [{ Effect: "Allow", Principal: "*", Action: "kms:Decrypt", Resource: "*" }] } } } },
    { says: "rejects a function that anybody may call", resource: { type: "aws:lambda/permission:Permission", props: { principal: "*", action: "lambda:InvokeFunction", function: "f" } } },
    { says: "rejects a permission for every action", resource: { type: "aws:lambda/permission:Permission", props: { principal: "sns.amazonaws.com", action: "lambda:*", function: "f" } } },
    { says: "rejects AWS's own policy in an exclusive list", resource: { type: "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive", props: { roleName: "app", policyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"] } } },
    { says: "rejects a policy of Vault for every path", resource: { type: "vault:index/policy:Policy", props: { name: "app", policy: "path \"*\" {\n  capabilities = [\"read\"]\n}\n" } } },
    { says: "rejects a policy of Vault for every path, in JSON", resource: { type: "vault:index/policy:Policy", props: { name: "app", policy: JSON.stringify({ path: { "+/*": { capabilities: ["read"] } } }) } } },
    { says: "rejects a role of Vault for every service account", resource: { type: "vault:kubernetes/authBackendRole:AuthBackendRole", props: { boundServiceAccountNames: ["*"], boundServiceAccountNamespaces: ["app"] } } },
    { says: "rejects a role of Vault for any subject", resource: { type: "vault:jwt/authBackendRole:AuthBackendRole", props: { boundClaims: { sub: "*" }, boundClaimsType: "glob" } } },
    { says: "rejects a malformed policy", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: "{ not json" } } },
  ],
});
