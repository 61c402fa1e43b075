import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { CreateSecretCommand, DescribeSecretCommand, RotateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttp } from "../../lib/http.ts";
import { systemClock } from "../../lib/clock.ts";
import { awsSecretVersions } from "../../rotation/lambda-secrets.ts";
import { lambdaHandler, type RotationEvent } from "../../rotation/lambda.ts";
import { providerPorts } from "../../rotation/ports.ts";
import { startSandbox, type Sandbox } from "../../sandbox/index.ts";
import { expand } from "../../schemas/template.ts";
import { findPeer, startMoto, type Emulator } from "../aws/emulator.ts";

// moto's RotateSecret stages the pending version under the token, turns rotation on and invokes the registered function, which without a container does
// nothing: our handler then gets the very events, in their order, and works on what RotateSecret left in moto.
const STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"] as const satisfies readonly RotationEvent["Step"][];

/** A function that moto knows by its ARN, and doesn't run. */
async function registered(url: string): Promise<string> {
  await fetch(`${url}/moto-api/config`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ lambda: { use_docker: false } }) });
  const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }] };
  const { Role } = await new IAMClient({ endpoint: url }).send(new CreateRoleCommand({ RoleName: "rotation", AssumeRolePolicyDocument: JSON.stringify(policy) }));
  const made = await fetch(`${url}/2015-03-31/functions`, {
    method: "POST", headers: { "content-type": "application/json", authorization: "AWS4-HMAC-SHA256 Credential=test/20261124/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0" },
    body: JSON.stringify({ FunctionName: "rotation", Runtime: "nodejs20.x", Role: Role?.Arn, Handler: "index.handler", Code: { ZipFile: Buffer.from("never run").toString("base64") } }),
  });
  const { FunctionArn } = await made.json() as { FunctionArn?: string };
  if (FunctionArn === undefined) throw new Error(`moto registers no function: ${made.status}`);
  return FunctionArn;
}

describe.skipIf(findPeer("moto_server") === undefined)("Secrets Manager's four steps", () => {
  let moto: Emulator;
  let lambda: string;
  let sandbox: Sandbox;
  beforeAll(async () => {
    moto = await startMoto();
    sandbox = await startSandbox({ stateDir: mkdtempSync(join(tmpdir(), "lambda-")) });
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_REGION: "eu-west-1" });
    lambda = await registered(moto.url);
  }, 90_000);
  afterAll(async () => { await moto.close(); await sandbox.close(); });

  it.each([
    ["twilio.authToken", { accountSid: "AC00000000000000000000000000000000" }, "TWILIO_AUTH_TOKEN", "{hex:32}", "at once"],
    ["smtp.password", { provider: "sendgrid", host: "smtp.sendgrid.net", port: 25, encryption: null, username: "apikey", from: { address: "a@acme.example", name: "A" } }, "MAIL_PASSWORD", "SG.{url64:22}.{url64:43}", "with the next rotation"],
    ["twilio.apiKeySecret", { accountSid: "AC00000000000000000000000000000001", apiKeySid: `SK${"0".repeat(32)}` }, "TWILIO_API_SECRET", "{alnum:29}aB3", "with the next rotation"],
    ["vonage.apiSecret", { apiKey: "00000000" }, "VONAGE_API_SECRET", "{alnum:22}aB3", "by hand"],
  ] as const)("%s: repeated at every step, the value in force always accepted, the old one ended %s", async (kind, settings, variable, template, ends) => {
    const client = new SecretsManagerClient({ endpoint: moto.url });
    const secretId = `stackseal/prod/${kind}`;
    const first = expand(template);
    await client.send(new CreateSecretCommand({ Name: secretId, SecretString: JSON.stringify({ [variable]: first, ...(kind === "twilio.apiKeySecret" && { TWILIO_API_KEY: `SK${"0".repeat(32)}`, TWILIO_AUTH_TOKEN: expand("{hex:32}") }), OTHER: "kept" }) }));
    const real = awsSecretVersions(moto.url);
    const ports = providerPorts({ http: createHttp(), declared: { name: "prod", tier: "local", environment: { integrations: { [kind.split(".")[0]!]: settings } } as never }, signal: new AbortController().signal, clock: systemClock, sandbox: sandbox.urls, ca: sandbox.ca });
    const handler = lambdaHandler({ kind, settings, environment: "prod", tier: "local", secrets: real, env: {}, send: ports.send, probe: ports.probe });
    type Version = Readonly<Record<string, string>>;
    const verdict = async (v: Version): Promise<string> => (await ports.probe({ path: kind, kind, integration: kind.split(".")[0]!, value: v[variable]!, settings: { ...settings, ...(v["TWILIO_API_KEY"] !== undefined && { apiKeySid: v["TWILIO_API_KEY"] }) } })).verdict;
    const current = async (): Promise<Version> => JSON.parse((await real.get(secretId, "AWSCURRENT"))!) as Version;
    const values = [await current()];
    expect([values[0]![variable], await verdict(values[0]!)]).toEqual([first, "valid"]);
    for (let round = 0; round < (ends === "by hand" ? 1 : 2); round++) {
      const token = randomUUID();
      // Nothing is pending yet: no step of this token may do anything.
      await expect(handler({ Step: "createSecret", SecretId: secretId, ClientRequestToken: token })).rejects.toThrow(round === 0 ? "rotation isn't enabled" : "no such version");
      expect((await client.send(new RotateSecretCommand({ SecretId: secretId, ClientRequestToken: token, RotationLambdaARN: lambda, RotationRules: { AutomaticallyAfterDays: 30 } }))).VersionId).toBe(token);
      expect((await client.send(new DescribeSecretCommand({ SecretId: secretId }))).VersionIdsToStages?.[token]).toEqual(["AWSPENDING"]);
      for (const Step of STEPS) for (let again = 0; again < 2; again++) {
        await handler({ Step, SecretId: secretId, ClientRequestToken: token });
        expect(await verdict(await current())).toBe("valid");
      }
      values.push(await current());
      expect((await client.send(new DescribeSecretCommand({ SecretId: secretId }))).VersionIdsToStages?.[token]).toEqual(["AWSCURRENT"]);
      expect(values.at(-1)![variable]).not.toBe(values.at(-2)![variable]);
      if (ends === "at once") expect(await verdict(values.at(-2)!)).toBe("invalid");
    }
    if (ends === "with the next rotation") expect([await verdict(values[0]!), await verdict(values[1]!)]).toEqual(["invalid", "valid"]);
    expect(await current()).toMatchObject({ OTHER: "kept" });
  }, 120_000);
});
