import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateSecretCommand, DescribeSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttp } from "../../lib/http.ts";
import { systemClock } from "../../lib/clock.ts";
import { awsSecretVersions } from "../../rotation/lambda-secrets.ts";
import { lambdaHandler, type RotationEvent, type SecretVersions } from "../../rotation/lambda.ts";
import { providerPorts } from "../../rotation/ports.ts";
import { startSandbox, type Sandbox } from "../../sandbox/index.ts";
import { expand } from "../../schemas/template.ts";
import { findPeer, startMoto, type Emulator } from "../aws/emulator.ts";

// moto's RotateSecret runs a function in a container, which isn't to be had here: the handler is called with the documented events, in their order, against moto.
const STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"] as const satisfies readonly RotationEvent["Step"][];

describe.skipIf(findPeer("moto_server") === undefined)("Secrets Manager's four steps", () => {
  let moto: Emulator;
  let sandbox: Sandbox;
  beforeAll(async () => {
    moto = await startMoto();
    sandbox = await startSandbox({ stateDir: mkdtempSync(join(tmpdir(), "lambda-")) });
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_REGION: "eu-west-1" });
  }, 90_000);
  afterAll(async () => { await moto.close(); await sandbox.close(); });

  it.each([
    ["twilio.authToken", { accountSid: "AC00000000000000000000000000000000" }, "TWILIO_AUTH_TOKEN", "{hex:32}", "at once"],
    ["smtp.password", { provider: "sendgrid", host: "smtp.sendgrid.net", port: 25, encryption: null, username: "apikey", from: { address: "a@acme.example", name: "A" } }, "MAIL_PASSWORD", "SG.{url64:22}.{url64:43}", "with the next rotation"],
    ["vonage.apiSecret", { apiKey: "00000000" }, "VONAGE_API_SECRET", "{alnum:22}aB3", "by hand"],
  ] as const)("%s: repeated at every step, the value in force always accepted, the old one ended %s", async (kind, settings, variable, template, ends) => {
    const client = new SecretsManagerClient({ endpoint: moto.url });
    const secretId = `stackseal/prod/${kind}`;
    const first = expand(template);
    await client.send(new CreateSecretCommand({ Name: secretId, SecretString: JSON.stringify({ [variable]: first, OTHER: "kept" }) }));
    const real = awsSecretVersions(moto.url);
    let announced = "";
    // Secrets Manager announces the token and turns rotation on before it calls.
    const secrets: SecretVersions = { ...real, describe: async (id) => { const d = await real.describe(id); return { rotationEnabled: true, stages: { ...(announced && !d.stages[announced] && { [announced]: ["AWSPENDING"] }), ...d.stages } }; } };
    const ports = providerPorts({ http: createHttp(), declared: { name: "prod", tier: "local", environment: { integrations: { [kind.split(".")[0]!]: settings } } as never }, signal: new AbortController().signal, clock: systemClock, sandbox: sandbox.urls, ca: sandbox.ca });
    const handler = lambdaHandler({ kind, settings, environment: "prod", tier: "local", secrets, env: {}, send: ports.send, probe: ports.probe });
    const verdict = async (value: string): Promise<string> => (await ports.probe({ path: kind, kind, integration: kind.split(".")[0]!, value, settings })).verdict;
    const current = async (): Promise<string> => (JSON.parse((await real.get(secretId, "AWSCURRENT"))!) as Record<string, string>)[variable]!;
    expect(await verdict(first)).toBe("valid");
    const values = [first];
    for (let round = 0; round < (ends === "by hand" ? 1 : 2); round++) {
      announced = randomUUID();
      for (const Step of STEPS) for (let again = 0; again < 2; again++) {
        await handler({ Step, SecretId: secretId, ClientRequestToken: announced });
        expect(await verdict(await current())).toBe("valid");
      }
      values.push(await current());
      expect((await client.send(new DescribeSecretCommand({ SecretId: secretId }))).VersionIdsToStages?.[announced]).toContain("AWSCURRENT");
      expect(values.at(-1)).not.toBe(values.at(-2));
      if (ends === "at once") expect(await verdict(values.at(-2)!)).toBe("invalid");
    }
    if (ends === "with the next rotation") expect([await verdict(values[0]!), await verdict(values[1]!)]).toEqual(["invalid", "valid"]);
    expect(JSON.parse((await real.get(secretId, "AWSCURRENT"))!)).toMatchObject({ OTHER: "kept" });
  }, 120_000);
});
