import { called, statementsOf } from "./kit/statements.ts";
import { each } from "./kit/unknown.ts";
import { definePolicy } from "./policy.ts";

const role = "aws:iam/role:Role";
const policy = (s: unknown): string => JSON.stringify({ Version: "2012-10-17", Statement: s });
const SERVICES = /^(\*|[a-z0-9-]+:\*)$/i;

/** What gives a secret's value away, or lets somebody take it: an action with a wildcard that covers one of these is as good as all of them. */
const SECRET_ACTIONS = ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:PutResourcePolicy", "secretsmanager:DeleteSecret", "kms:Decrypt", "kms:CreateGrant", "kms:PutKeyPolicy", "kms:ReEncryptFrom", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"];
const covers = (pattern: string): string | undefined => (/[*?]/.test(pattern) ? SECRET_ACTIONS.find((a) => new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")}$`, "i").test(a)) : undefined);
/** Resources that are no secret, key or parameter, by their ARN's service: there a wildcard reaches none. */
const reaches = (resources: readonly string[], action: string): boolean => resources.length === 0 || resources.some((r) => !r.startsWith("arn:") || r.split(":")[2] === action.split(":")[0] || /[*?]/.test(r.split(":")[2] ?? ""));

/** AWS's own policies that allow every action, or what reaches secrets by a wildcard. */
const MANAGED = /:aws:policy\/(?:[a-z-]+\/)?(AdministratorAccess|PowerUserAccess|IAMFullAccess|SecretsManagerReadWrite|AWSKeyManagementServicePowerUser|AmazonSSMFullAccess|AmazonSSMReadOnlyAccess|ReadOnlyAccess)$/;
const ATTACHED = /^aws:iam\/(role|user|group)?[pP]olicyAttachment:/;

export const noWildcards = definePolicy({
  id: "no-wildcards",
  title: "No wildcard principal or action",
  severity: "critical",
  level: "mandatory",
  remediation: "Name the principals and the actions; stackseal access matrix shows which are meant.",
  chapter: "Principle of Least Privilege",
  resource: (r, report) => {
    const attached = [...(ATTACHED.test(r.type) ? [r.props["policyArn"]] : []), ...(Array.isArray(r.props["managedPolicyArns"]) ? (r.props["managedPolicyArns"] as unknown[]) : [])];
    each(attached, (arn) => { const name = typeof arn === "string" ? MANAGED.exec(arn)?.[1] : undefined; if (name !== undefined) report(`AWS's own policy ${name} allows by wildcards what reaches secrets`); });
    statementsOf(r.props, (s, property) => {
      if (s.effect !== "Allow") return;
      const what = called(s, property);
      // AWS's own default of a key: without the account's root, a key whose administrators are gone can't be saved by anybody.
      const root = r.type === "aws:kms/key:Key" && s.principals.length > 0 && s.principals.every((p) => /^AWS:(arn:aws[a-z-]*:iam::\d{12}:root|\d{12})$/.test(p));
      if (s.principals.some((p) => p === "*" || /^[A-Za-z]+:\*$/.test(p) || /^AWS:arn:aws[a-z-]*:(iam|sts)::([*?]|\d{12}:.*[*?])/.test(p))) report(`${what} allows any principal`);
      if (s.notPrincipal) report(`${what} allows everybody but some (NotPrincipal)`);
      if (s.notAction) report(`${what} allows everything but some actions (NotAction)`);
      if (!root && s.actions.some((a) => SERVICES.test(a))) report(`${what} allows every action${s.actions.includes("*") ? "" : " of a service"}`);
      const wide = root ? [] : s.notAction ? [] : s.actions.filter((a) => !SERVICES.test(a)).flatMap((a) => { const c = covers(a); return c !== undefined && reaches(s.resources, c) ? [`${a} (${c} is one of them)`] : []; });
      if (wide.length) report(`${what} allows by a wildcard what reaches secrets: ${wide.join(", ")}`);
    }, (property) => { report(`${property} is no policy document`); });
  },
  passes: [
    { says: "accepts named principals and actions", resource: { type: role, props: { assumeRolePolicy: policy([{ Effect: "Allow", Principal: { Service: "ecs-tasks.amazonaws.com" }, Action: "sts:AssumeRole" }]) } } },
    { says: "accepts a denial of everybody", resource: { type: "aws:s3/bucketPolicy:BucketPolicy", props: { policy: policy([{ Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "*", Condition: { Bool: { "aws:SecureTransport": "false" } } }]) } } },
    { says: "accepts a wildcard that reaches no secret", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: policy([{ Effect: "Allow", Action: ["secretsmanager:Describe*", "secretsmanager:List*", "logs:Get*"], Resource: "*" }, { Effect: "Allow", Action: "kms:Describe*", Resource: "*" }, { Effect: "Deny", Action: "secretsmanager:Get*", Resource: "*" }]) } } },
    { says: "accepts AWS's own policy that reaches no secret", resource: { type: "aws:iam/rolePolicyAttachment:RolePolicyAttachment", props: { role: "app", policyArn: "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole" } } },
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
    { says: "rejects a malformed policy", resource: { type: "aws:iam/rolePolicy:RolePolicy", props: { policy: "{ not json" } } },
  ],
});
