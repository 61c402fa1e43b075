import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, it } from "vitest";
import { createHttp } from "../lib/http.ts";
import { expand } from "../schemas/template.ts";
import { findPeer, startMinistack } from "../tests/aws/emulator.ts";
import { examineSes } from "./ses.ts";

const http = createHttp({ timeoutMs: 3_000, retries: 0 });
afterAll(async () => { await http.close(); });
const secret = expand("{alnum:40}");
/** An access key's id tells its account: of its first 48 bits, in base32, the first is set, the last seven are anything, and the 40 between are the number. */
function accessKeyOf(account: string): string {
  const bits = `${((1n << 47n) | (BigInt(account) << 7n)).toString(2)}${[...randomBytes(4)].map((b) => b.toString(2).padStart(8, "0")).join("")}`;
  return `AKIA${(bits.match(/.{5}/g) ?? []).map((b) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[parseInt(b, 2)]).join("")}`;
}
const identity = { accessKeyId: accessKeyOf("111111111111"), secretAccessKey: secret };
interface Told { readonly status: number; readonly body: unknown }
const FINE = { SendingEnabled: true, ProductionAccessEnabled: true, EnforcementStatus: "HEALTHY", SendQuota: { Max24HourSend: 50_000, MaxSendRate: 14, SentLast24Hours: 100.5 } };
const xml = (action: string, account: string): string => `<${action}Response><${action}Result><Account>${account}</Account></${action}Result></${action}Response>`;

/** An AWS that tells what it is told to. */
async function examine(account: Told, o: { readonly identities?: Readonly<Record<string, Told>>; readonly owner?: string | null; readonly tier?: "production" | "development" } = {}): Promise<string[]> {
  const seen: string[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (d: Buffer) => chunks.push(d)).on("end", () => {
      seen.push(`${req.method ?? ""} ${String(req.headers["authorization"])}`);
      const body = Buffer.concat(chunks).toString();
      const own = req.url === "/v2/email/account" ? account : o.identities?.[decodeURIComponent((req.url ?? "").replace("/v2/email/identities/", ""))] ?? { status: 404, body: { message: "none" } };
      if (body.includes("GetCallerIdentity")) res.writeHead(200).end(xml("GetCallerIdentity", "111111111111"));
      else if (body.includes("GetAccessKeyInfo")) res.writeHead(o.owner === null ? 403 : 200).end(xml("GetAccessKeyInfo", o.owner ?? "111111111111"));
      else res.writeHead(own.status, { "content-type": "application/json" }).end(typeof own.body === "string" ? own.body : JSON.stringify(own.body));
    });
  });
  await new Promise<void>((done) => { server.listen(0, "127.0.0.1", done); });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const steps = await examineSes({ http, signal: AbortSignal.timeout(10_000), tier: o.tier ?? "production", region: "eu-west-1", username: identity.accessKeyId, from: "no-reply@acme.example", aws: { identity, endpoint } });
  server.closeAllConnections();
  server.close();
  expect(JSON.stringify(steps)).not.toContain(secret);
  expect(seen.every((s) => s.includes("AWS4-HMAC-SHA256") && /\/eu-west-1\/(ses|sts)\/aws4_request/.test(s) && !s.includes(secret))).toBe(true);
  return steps.map((s) => `${s.step} ${s.verdict} ${s.code}${s.step === "limits" ? `: ${s.message}` : ""}`);
}
const verified = { "acme.example": { status: 200, body: { VerifiedForSendingStatus: true } } };

describe("Amazon SES's account in a region", () => {
  it("tells what is left of the quota, and that it may send as the from address", async () => {
    expect(await examine({ status: 200, body: FINE }, { identities: verified })).toEqual(["permissions valid RESOURCE_FOUND", "limits valid LIMITS_FINE: 49899 of 50000 mails left in 24 hours, 14 a second"]);
  });
  it.each<readonly [string, unknown, string]>([
    ["switched off", { ...FINE, SendingEnabled: false }, "account invalid ACCOUNT_SUSPENDED"],
    ["shut down", { ...FINE, EnforcementStatus: "SHUTDOWN" }, "account invalid ACCOUNT_SUSPENDED"],
    ["under review", { ...FINE, EnforcementStatus: "PROBATION" }, "account inconclusive ACCOUNT_SUSPENDED"],
    ["in the sandbox", { ...FINE, ProductionAccessEnabled: false }, "account invalid ENVIRONMENT_WRONG"],
    ["used up", { ...FINE, SendQuota: { Max24HourSend: 200, SentLast24Hours: 200 } }, "limits invalid LIMIT_EXCEEDED: 0 of 200 mails left in 24 hours"],
    ["nearly used up", { ...FINE, SendQuota: { Max24HourSend: 200, SentLast24Hours: 190 } }, "limits valid LIMIT_NEAR: 10 of 200 mails left in 24 hours"],
    ["without a limit", { ...FINE, SendQuota: { Max24HourSend: -1, SentLast24Hours: 7 } }, "limits valid LIMITS_FINE: 7 mails sent in 24 hours, without a limit"],
    ["half told", {}, "limits inconclusive FACT_NOT_TOLD: SES's answer doesn't tell the quota"],
  ])("%s", async (_name, body, expected) => { expect(await examine({ status: 200, body }, { identities: verified })).toContain(expected); });
  it.each<readonly [string, Readonly<Record<string, Told>>, string[]]>([
    ["verified by its address", { "no-reply@acme.example": { status: 200, body: { VerifiedForSendingStatus: true } }, "acme.example": { status: 200, body: { VerifiedForSendingStatus: false } } }, ["permissions valid RESOURCE_FOUND"]],
    ["not verified yet", { "acme.example": { status: 200, body: { VerifiedForSendingStatus: false } } }, ["permissions invalid PERMISSION_MISSING"]],
    ["unknown", {}, ["permissions invalid RESOURCE_MISSING"]],
    ["not to be read", { "acme.example": { status: 403, body: {} }, "no-reply@acme.example": { status: 403, body: {} } }, []],
    ["answered by a page", { "acme.example": { status: 404, body: "<html></html>" }, "no-reply@acme.example": { status: 404, body: "<html></html>" } }, []],
  ])("a from address %s", async (_name, identities, expected) => { expect((await examine({ status: 200, body: FINE }, { identities })).filter((s) => s.startsWith("permissions"))).toEqual(expected); });
  it.each<readonly [string, Told, RegExp]>([
    ["may not ask", { status: 403, body: { message: "not authorized" } }, /^limits skipped LIMITS_NOT_TOLD: .*ses:GetAccount/],
    ["are asked too often", { status: 429, body: {} }, /^limits inconclusive RATE_LIMITED/],
    ["get no answer but 500", { status: 500, body: {} }, /^limits inconclusive PROVIDER_FAILED/],
    ["get a page", { status: 200, body: "<html>sign in</html>" }, /^limits inconclusive ANSWER_UNREADABLE/],
  ])("credentials that %s say nothing of the account", async (_name, told, expected) => {
    const steps = await examine(told, { identities: verified });
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatch(expected);
  });
  it("isn't asked with credentials of another account, and says so where that can't be seen", async () => {
    expect(await examine({ status: 200, body: FINE }, { identities: verified, owner: "222222222222" })).toEqual(["limits skipped LIMITS_NOT_TOLD: the AWS credentials of this process belong to another account than the mail user: its quota isn't asked"]);
    expect((await examine({ status: 200, body: FINE }, { identities: verified, owner: null })).at(-1)).toContain("couldn't be seen");
  });
  it("in a sandbox is fine outside production, and said", async () => {
    expect((await examine({ status: 200, body: { ...FINE, ProductionAccessEnabled: false } }, { identities: verified, tier: "development" })).at(-1)).toContain("in SES's sandbox");
  });
  it.skipIf(findPeer("ministack") === undefined)("answers so at an emulator that others wrote", async () => {
    const aws = await startMinistack("111111111111");
    try {
      const steps = await examineSes({ http, signal: AbortSignal.timeout(10_000), tier: "development", region: "eu-west-1", username: identity.accessKeyId, from: "no-reply@acme.example", aws: { identity: { accessKeyId: "test", secretAccessKey: "test" }, endpoint: aws.url } });
      expect(steps.find((s) => s.step === "limits")!.message).toMatch(/^50000 of 50000 mails left in 24 hours, 14 a second/);
      expect(steps.find((s) => s.step === "permissions")!.code).toBe("RESOURCE_MISSING");
    } finally {
      await aws.close();
    }
  }, 60_000);
});
