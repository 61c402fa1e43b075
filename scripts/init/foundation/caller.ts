import { FindingError, type Finding } from "../../../lib/finding.ts";
import { awsSettings, requireAccount, type AwsSettings } from "../../../providers/aws/connect.ts";
import { awsFailure } from "../../../providers/aws/errors.ts";
import { roleArn, roleName, type Place } from "../../../schemas/iam/place.ts";
import type { Declared } from "../../../stacks/read.ts";
import type { Context } from "../../command.ts";
import { readValue } from "../../read-value.ts";
import { foundationCodes as c } from "./codes.ts";

type Env = Context["env"];
interface Session { readonly AccessKeyId?: string | undefined; readonly SecretAccessKey?: string | undefined; readonly SessionToken?: string | undefined }
export interface Caller {
  readonly arn: string;
  /** The environment with the session that goes on from here. */
  readonly env: Env;
  /** How it is known that there was a second factor. */
  readonly proof: "the trust of super-admin's role" | "a code" | "an emulator's root, which has none" | null;
  readonly findings: readonly Finding[];
}
/** The environment with a session instead of what was there. */
const withSession = (env: Env, s: Session): Env => ({ ...env, AWS_PROFILE: undefined, AWS_ACCESS_KEY_ID: s.AccessKeyId, AWS_SECRET_ACCESS_KEY: s.SecretAccessKey, AWS_SESSION_TOKEN: s.SessionToken });

/**
 * Who is at hand, held to the declared account and to a second factor. Where super-admin's role exists it is taken: its trust lets nobody in
 * without one. Throws FindingError STORE_ACCOUNT, FOUNDATION_ROOT, FOUNDATION_MFA, or what AWS says.
 */
export async function callerOf(context: Context, d: Declared, p: Place, mfaSerial: string | undefined): Promise<Caller> {
  const s = d.environment.store;
  if (s.kind !== "aws") throw new Error("only AWS has a caller");
  const [sts, iam] = await Promise.all([import("@aws-sdk/client-sts"), import("@aws-sdk/client-iam")]);
  const settings = (env: Env): AwsSettings => awsSettings(s, env);
  const call = async <T>(what: string, run: () => Promise<T>): Promise<T> => run().catch((e: unknown) => { throw awsFailure(e, what); });
  const whoAmI = (env: Env): Promise<string> => call("who is at hand", () => requireAccount(settings(env), s.accountId));
  const refused = (message: string): FindingError => new FindingError(c.finding("FOUNDATION_MFA", { message, path: d.name, hint: `stackseal init --foundation --env ${d.name} --mfa-serial arn:aws:iam::${s.accountId}:mfa/YOU, or sign in anew with a second factor` }), 2);

  const first = await whoAmI(context.env);
  const roots = first.endsWith(":root");
  if (roots && s.endpoint !== undefined) return { arn: first, env: context.env, proof: "an emulator's root, which has none", findings: [] };
  if (roots) throw new FindingError(c.finding("FOUNDATION_ROOT", { message: "the account's root user is at hand: nothing is deployed with it", path: d.name, hint: "sign in as a person who administers the account, with a second factor" }), 2);
  if (first.includes(`:assumed-role/${roleName(p, "super-admin")}/`)) return { arn: first, env: context.env, proof: "the trust of super-admin's role", findings: [] };

  let env = context.env;
  let proof: Caller["proof"] = null;
  if (mfaSerial !== undefined) {
    const code = (await readValue(context, undefined)).trim();
    if (!/^\d{6}$/.test(code)) throw refused("six digits are wanted as the code");
    const client = new sts.STSClient(settings(env));
    const { Credentials } = await call("the second factor", () => client.send(new sts.GetSessionTokenCommand({ SerialNumber: mfaSerial, TokenCode: code, DurationSeconds: 3600 })));
    env = withSession(env, Credentials ?? {});
    proof = "a code";
  } else if ((await settings(env).credentials()).sessionToken === undefined) throw refused(`${first} is at hand by a long-lived key, without a second factor`);

  const roles = new iam.IAMClient(settings(env));
  const exists = await roles.send(new iam.GetRoleCommand({ RoleName: roleName(p, "super-admin") })).then(() => true, (e: unknown) => { if ((e as Error).name.includes('NoSuchEntity')) return false; if ((e as Error).name.includes('AccessDenied')) return true; throw awsFailure(e, "super-admin's role"); });
  if (!exists) return { arn: await whoAmI(env), env, proof, findings: proof === null ? [c.finding("FOUNDATION_MFA_UNTOLD", { message: `AWS doesn't tell whether the session of ${first} had a second factor`, path: d.name, hint: "this once, before super-admin's role is there, nothing else can ask for it; from then on the role's trust does" })] : [] };
  const taking = new sts.STSClient(settings(env));
  const { Credentials } = await taking.send(new sts.AssumeRoleCommand({ RoleArn: roleArn(p, "super-admin"), RoleSessionName: "init-foundation", DurationSeconds: 3600 })).catch((e: unknown) => {
    if ((e as Error).name.includes('AccessDenied')) throw refused(`${first} may not take super-admin's role of ${d.name}: its trust wants a second factor within the last hour`);
    throw awsFailure(e, "super-admin's role");
  });
  env = withSession(env, Credentials ?? {});
  return { arn: await whoAmI(env), env, proof: "the trust of super-admin's role", findings: [] };
}
