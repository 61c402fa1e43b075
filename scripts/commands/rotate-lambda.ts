import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { writeAtomic } from "../../lib/atomic.ts";
import { FindingError } from "../../lib/finding.ts";
import { notForLambda } from "../../rotation/lambda.ts";
import { settingsOf } from "../../rotation/deliver.ts";
import { strategyName } from "../../schemas/rotation.ts";
import { storeSecretName } from "../../schemas/layout.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { expectedOf } from "../sealing.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "rotate lambda",
  summary: "Write a Lambda function for Secrets Manager's own rotation of one credential, by the same strategy",
  wants: "one",
  args: [{ name: "<path>", description: "such as twilio.authToken" }],
  options: [{ flags: "--out <dir>", description: "where the function's files go", default: "rotation-lambda" }],
  examples: ["stackseal rotate lambda twilio.authToken --env prod --out build/twilio-rotation"],
  run: (context, [path = ""], options) => {
    const [env = ""] = knownEnvironments(context);
    const d = readProject(context.root, { only: [env], clock: context.clock }).environments[0];
    if (!d) throw new FindingError({ code: "ENVIRONMENT_UNKNOWN", severity: "error", message: `no environment "${env}" here` }, 2);
    const e = expectedOf(d.expected, path, env);
    const why = e.spec.class === "payments" ? "payments are always rotated by a person" : notForLambda(e);
    if (why !== null) throw new FindingError({ code: "ROTATION_NOT_UNATTENDED", severity: "error", message: `${path} isn't rotated by Secrets Manager: ${why}`, path, hint: `stackseal rotate start ${path} --env ${env} --reason scheduled` }, 2);
    const bundle = bundled();
    if (bundle === null) throw new FindingError({ code: "LAMBDA_NOT_BUILT", severity: "error", message: "the handler isn't built", hint: "npm run build" }, 2);
    const out = resolve(context.root, String(options["out"]));
    const admin = e.rotation.kind === "api" ? e.rotation.admin : undefined;
    const secret = storeSecretName(env, e.spec.class, e.integration);
    const account = d.environment.store.kind === "aws" ? d.environment.store : null;
    const arn = `arn:aws:secretsmanager:${account?.region ?? "*"}:${account?.accountId ?? "*"}:secret:${secret}-??????`;
    const variables = { STACKSEAL_KIND: e.kind, ...(e.entry !== undefined && { STACKSEAL_ENTRY: e.entry }), STACKSEAL_ENVIRONMENT: env, STACKSEAL_TIER: d.tier, STACKSEAL_SETTINGS: JSON.stringify(settingsOf({ declared: d }, e)) };
    const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"], Resource: arn }, { Effect: "Allow", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: "*", Condition: { StringEquals: { "kms:ViaService": `secretsmanager.${account?.region ?? "*"}.amazonaws.com` } } }] };
    const permission = { Action: "lambda:InvokeFunction", Principal: "secretsmanager.amazonaws.com", ...(account && { SourceAccount: account.accountId }) };
    writeAtomic(join(out, "index.mjs"), bundle);
    writeAtomic(join(out, "function.json"), `${JSON.stringify({ handler: "index.handler", runtime: "nodejs20.x", timeout: 60, secret, strategy: strategyName(e.rotation), variables, ...(admin && { alsoWants: { variable: admin.variable, says: admin.says } }), policy, permission }, null, 2)}\n`);
    return Promise.resolve({
      exit: 0, json: { path, environment: env, out: String(options["out"]), files: ["index.mjs", "function.json"], secret },
      text: `wrote ${String(options["out"])}/index.mjs and function.json for ${secret}\nAWS's scheduler rotates it then, and git doesn't hear of it: stackseal drift will say so. Prefer rotate run where git must stay the source.`,
    });
  },
});
/** The handler that the build made, beside the command line. */
function bundled(): string | null {
  for (let dir = dirname(fileURLToPath(import.meta.url)); dir !== dirname(dir); dir = dirname(dir)) {
    const file = join(dir, "rotation-lambda/index.mjs");
    if (existsSync(file)) return readFileSync(file, "utf8");
  }
  return null;
}
