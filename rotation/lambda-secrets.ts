import type { SecretVersions } from "./lambda.ts";

/** Secrets Manager by the SDK that Lambda's runtime brings. */
export function awsSecretVersions(endpoint?: string): SecretVersions {
  const opened = import("@aws-sdk/client-secrets-manager").then((sdk) => ({ sdk, client: new sdk.SecretsManagerClient({ maxAttempts: 3, ...(endpoint !== undefined && { endpoint }) }) }));
  return {
    describe: async (id) => {
      const { sdk, client } = await opened;
      const d = await client.send(new sdk.DescribeSecretCommand({ SecretId: id }));
      return { rotationEnabled: d.RotationEnabled === true, stages: d.VersionIdsToStages ?? {} };
    },
    get: async (id, stage, versionId) => {
      const { sdk, client } = await opened;
      try {
        return (await client.send(new sdk.GetSecretValueCommand({ SecretId: id, VersionStage: stage, ...(versionId !== undefined && { VersionId: versionId }) }))).SecretString ?? null;
      } catch (e) {
        // A token that is only announced has no value yet.
        if ((e as Error).name === "ResourceNotFoundException") return null;
        throw e;
      }
    },
    putPending: async (id, token, value) => {
      const { sdk, client } = await opened;
      await client.send(new sdk.PutSecretValueCommand({ SecretId: id, ClientRequestToken: token, SecretString: value, VersionStages: ["AWSPENDING"] }));
    },
    settle: async (id, version) => {
      const { sdk, client } = await opened;
      await client.send(new sdk.UpdateSecretVersionStageCommand({ SecretId: id, VersionStage: "AWSPENDING", RemoveFromVersionId: version })).catch(async (e: unknown) => {
        // Secrets Manager itself may have taken it off with the move.
        const d = await client.send(new sdk.DescribeSecretCommand({ SecretId: id }));
        if (d.VersionIdsToStages?.[version]?.includes("AWSPENDING") === true) throw e;
      });
    },
    moveCurrent: async (id, to, from) => {
      const { sdk, client } = await opened;
      await client.send(new sdk.UpdateSecretVersionStageCommand({ SecretId: id, VersionStage: "AWSCURRENT", MoveToVersionId: to, ...(from !== undefined && { RemoveFromVersionId: from }) }));
    },
  };
}
