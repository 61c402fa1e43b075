import { FindingError } from "../lib/finding.ts";
import { rotationCodes } from "./codes.ts";
import type { AccessKeys } from "./context.ts";

/** IAM's access keys by the AWS credentials of this process. The SDK is loaded only here. Throws FindingError. */
export async function awsAccessKeys(store: { readonly region: string; readonly endpoint?: string | undefined } | null): Promise<AccessKeys> {
  const { IAMClient, GetAccessKeyLastUsedCommand, ListAccessKeysCommand, CreateAccessKeyCommand, UpdateAccessKeyCommand, DeleteAccessKeyCommand } = await import("@aws-sdk/client-iam");
  const client = new IAMClient({ region: store?.region ?? "us-east-1", maxAttempts: 2, ...(store?.endpoint !== undefined && { endpoint: store.endpoint }) });
  async function asking<T>(what: string, call: () => Promise<T>, missing?: T): Promise<T> {
    try {
      return await call();
    } catch (e) {
      const { name, $metadata: meta } = e as { name?: string; $metadata?: { httpStatusCode?: number } };
      if (name === "NoSuchEntityException" && missing !== undefined) return missing;
      const down = meta?.httpStatusCode === undefined || meta.httpStatusCode >= 500 || meta.httpStatusCode === 429;
      // The SDK's own message may name an account; the error's name says enough.
      throw new FindingError(rotationCodes.finding(down ? "ROTATION_PROVIDER_DOWN" : "ROTATION_PROVIDER_REFUSED", { message: `iam:${what}: ${name ?? "no answer"}`, hint: down ? "nothing is lost: go on with stackseal rotate resume" : `the AWS credentials of this process want iam:${what} on the mail user` }), down ? 3 : 1);
    }
  }
  return {
    owner: async (id) => {
      const { UserName } = await asking("GetAccessKeyLastUsed", () => client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: id })));
      if (UserName === undefined) throw new FindingError(rotationCodes.finding("ROTATION_PROVIDER_REFUSED", { message: "no user of this AWS account has the declared access key", hint: "smtp.username is the id of the user's current access key" }));
      const { AccessKeyMetadata } = await asking("ListAccessKeys", () => client.send(new ListAccessKeysCommand({ UserName })));
      return { user: UserName, keys: (AccessKeyMetadata ?? []).flatMap((k) => (k.AccessKeyId === undefined ? [] : [k.AccessKeyId])) };
    },
    create: async (user) => {
      const { AccessKey } = await asking("CreateAccessKey", () => client.send(new CreateAccessKeyCommand({ UserName: user })));
      return { id: AccessKey?.AccessKeyId ?? "", secret: AccessKey?.SecretAccessKey ?? "" };
    },
    deactivate: async (user, id) => { await asking("UpdateAccessKey", () => client.send(new UpdateAccessKeyCommand({ UserName: user, AccessKeyId: id, Status: "Inactive" })).then(() => true), true); },
    remove: async (user, id) => { await asking("DeleteAccessKey", () => client.send(new DeleteAccessKeyCommand({ UserName: user, AccessKeyId: id })).then(() => true), true); },
  };
}
