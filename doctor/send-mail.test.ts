import { createServer } from "node:http";
import { mkdtempSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttp } from "../lib/http.ts";
import { expand } from "../schemas/template.ts";
import { startSandbox, type Sandbox } from "../sandbox/index.ts";
import { sendTestMail } from "./send-mail.ts";
import { deliverSelfTest } from "./stripe-endpoints.ts";
import type { StepResult } from "./step.ts";

const http = createHttp({ timeoutMs: 3_000, retries: 0 });
let sandbox: Sandbox;
beforeAll(async () => { sandbox = await startSandbox({ stateDir: mkdtempSync(join(tmpdir(), "send-")) }); });
afterAll(async () => {
  await sandbox.close();
  await http.close();
});

describe("--send-mail", () => {
  const send = (confirm: string | null, waitMs = 8_000): Promise<StepResult[]> => sendTestMail({
    settings: { provider: "generic", host: "127.0.0.1", port: 587, encryption: "tls", username: "acme", from: { address: "no-reply@acme.example", name: "Åcme Dev" } }, to: "you@acme.example",
    password: { value: "the-one-password-1" }, sandbox: sandbox.urls, confirm, imapPassword: null, http, signal: AbortSignal.timeout(20_000), now: new Date(), ca: sandbox.ca, waitMs,
  });
  const codes = (r: readonly StepResult[]): string[] => r.map((s) => `${s.verdict} ${s.code}`);
  it("sends a message with a unique id and confirms it at the sink, From and name included", async () => {
    const r = await send(`${sandbox.urls["mail-sink"]}/mails`);
    expect(codes(r)).toEqual(["valid MAIL_SENT", "valid MAIL_ARRIVED", "valid FROM_KEPT", "skipped NOT_ASKED"]);
    const id = /stackseal-[0-9a-f]{12}/.exec(r[0]!.message)![0];
    expect(sandbox.mail.mails().filter((m) => m.raw.includes(id))).toHaveLength(1);
    expect(sandbox.mail.mails().at(-1)).toMatchObject({ tls: true, user: "acme" });
  });
  it("says how to confirm it by hand, spam folder included", async () => {
    expect((await send(null))[0]!.next).toMatch(/stackseal-[0-9a-f]{12}.*spam folder/);
  });
  it("tells a refused sender from a refused recipient", async () => {
    sandbox.mail.fault("550-from");
    expect(codes(await send(null))).toEqual(["invalid SENDER_REFUSED"]);
    sandbox.mail.fault("550-rcpt");
    expect(codes(await send(null))).toEqual(["invalid RECIPIENT_REFUSED"]);
    sandbox.mail.fault(null);
  });
  it("is inconclusive where the sink doesn't answer, and where the message isn't seen", async () => {
    expect(codes(await send("http://127.0.0.1:1/mails"))).toContain("inconclusive CONFIRM_FAILED");
    expect(codes(await send(`${sandbox.urls["mail-sink"]}/nowhere`, 100))).toContain("inconclusive CONFIRM_FAILED");
  });
});

describe("--deliver", () => {
  const secret = expand("whsec_{alnum:32}");
  const platform = async (verify: boolean, use: (url: string) => Promise<void>): Promise<void> => {
    const server = createServer((req, res) => {
      let body = "";
      req.on("data", (c: Buffer) => { body += c.toString(); }).on("end", () => {
        try {
          if (verify) Stripe.webhooks.constructEvent(body, req.headers["stripe-signature"] as string, secret);
          res.writeHead(200).end();
        } catch {
          res.writeHead(400).end();
        }
      });
    });
    await new Promise<void>((done) => { server.listen(0, "127.0.0.1", done); });
    try {
      await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/stripe`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  };
  const deliver = (url: string, key: string | null): Promise<StepResult> => deliverSelfTest({ http, signal: AbortSignal.timeout(10_000), name: "payments", url, secret: key, why: "no right", apiVersion: "2026-10-28.endive", live: false, now: new Date() });
  it("is taken by a platform that verifies with Stripe's library", () => platform(true, async (url) => { expect(await deliver(url, secret)).toMatchObject({ verdict: "valid", code: "SELF_TEST_TAKEN" }); }));
  it("accuses a platform that takes a wrong signature as well", () => platform(false, async (url) => { expect(await deliver(url, secret)).toMatchObject({ verdict: "invalid", code: "SIGNATURE_NOT_CHECKED" }); }));
  it("accuses a platform that runs with another secret", () => platform(true, async (url) => { expect(await deliver(url, expand("whsec_{alnum:32}"))).toMatchObject({ verdict: "invalid", code: "SELF_TEST_REFUSED" }); }));
  it("is inconclusive where the platform doesn't answer, and skipped without the secret", async () => {
    expect(await deliver("http://127.0.0.1:1/", secret)).toMatchObject({ verdict: "inconclusive", code: "PLATFORM_UNREACHABLE" });
    expect(await deliver("http://127.0.0.1:1/", null)).toMatchObject({ verdict: "skipped", code: "SIGNING_SECRET_UNREADABLE" });
  });
});
