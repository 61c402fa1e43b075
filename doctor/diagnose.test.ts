import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createHttp } from "../lib/http.ts";
import { environmentSchema } from "../schemas/environment.ts";
import { expand } from "../schemas/template.ts";
import { startSandbox, type Sandbox } from "../sandbox/index.ts";
import { alwaysControl } from "./controls.ts";
import { diagnose, type Diagnosis } from "./diagnose.ts";

// An integration with several credentials, of which one may stand in another's place.

let sandbox: Sandbox;
const dir = mkdtempSync(join(tmpdir(), "diagnose-"));
const http = createHttp({ timeoutMs: 5_000 });
beforeAll(async () => { sandbox = await startSandbox({ stateDir: dir }); });
afterAll(async () => { await http.close(); await sandbox.close(); rmSync(dir, { recursive: true, force: true }); });

async function lines(integrations: object, values: Readonly<Record<string, string>>): Promise<readonly Diagnosis[]> {
  const environment = environmentSchema.parse({ environment: "dev", tier: "development", platform: { url: "https://dev.acme.example", plan: "agency" }, store: { kind: "file" }, integrations });
  return (await diagnose({
    name: "dev", tier: "development", environment, payments: null, only: [], issueOf: () => "", sandbox: sandbox.urls, allSandbox: true, http, controls: alwaysControl, neighbours: [], seen: [], signal: AbortSignal.timeout(20_000), now: new Date(), ca: sandbox.ca,
    value: (path) => (values[path] === undefined ? { value: null, why: "no sealed value", code: "VALUE_MISSING", next: "stackseal secret set" } : { value: values[path] }),
  })).results;
}
const bad = (all: readonly Diagnosis[]): string[] => all.filter((r) => r.verdict === "invalid" || r.verdict === "inconclusive").map((r) => `${r.step} ${r.code}`);
const accountSid = `AC${"7".repeat(32)}`;
const key = { accountSid, apiKeySid: `SK${"7".repeat(32)}` };
const secret = expand("{alnum:29}aB3");

it("doesn't miss the auth token where an API key stands in its place, and misses it where none does", async () => {
  const alone = await lines({ twilio: key }, { "twilio.apiKeySecret": secret });
  expect(bad(alone)).toEqual([]);
  expect(alone.find((r) => r.code === "CREDENTIAL_ACCEPTED")!.message).toBe("Twilio accepts it");
  expect(bad(await lines({ twilio: { accountSid } }, {}))).toContain("credentials VALUE_MISSING");
  expect(bad(await lines({ twilio: key }, { "twilio.authToken": expand("{hex:32}") }))).toEqual(["credentials VALUE_MISSING"]);
});
it("says of each line whose it is where there are two, in the checklist's order", async () => {
  const both = await lines({ twilio: key }, { "twilio.apiKeySecret": secret, "twilio.authToken": expand("{hex:32}") });
  expect(bad(both)).toEqual([]);
  expect(both.filter((r) => r.code === "CREDENTIAL_ACCEPTED").map((r) => r.message)).toEqual(["twilio.authToken: Twilio accepts it", "twilio.apiKeySecret: Twilio accepts it"]);
  expect([...new Set(both.map((r) => r.step))]).toEqual(["credentials", "test", "account", "logs", "permissions", "limits"]);
});
it("puts a Mailgun API key's lines where mail's checklist has them, under the provider's own name", async () => {
  const smtp = { provider: "mailgun", driver: "mailgun", host: "smtp.mailgun.org", port: 587, encryption: "tls", username: "postmaster@mg.acme.example", apiKeyId: "77777777-77777777", from: { address: "no-reply@mg.acme.example", name: "Acme" } };
  const all = await lines({ smtp }, { "smtp.apiKey": expand("{hex:32}-{hex:8}-{hex:8}") });
  expect(bad(all)).toEqual([]);
  expect(all.find((r) => r.step === "login" && r.verdict === "valid")!.message).toBe("Mailgun accepts it");
  expect([...new Set(all.map((r) => r.step))]).toEqual(["settings", "login", "limits", "logs"]);
});
