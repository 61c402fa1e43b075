import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { FindingError } from "../../lib/finding.ts";
import { createHttp } from "../../lib/http.ts";
import { expand } from "../../schemas/template.ts";
import { StripeClient } from "./client.ts";

type Say = { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> } | "cut";
const OK: Say = { status: 200, body: JSON.stringify({ id: "we_1", metadata: {} }) };
const closing: (() => void)[] = [];
afterEach(() => { for (const c of closing.splice(0)) c(); });

/** A server that says these things, one a request, and keeps what it was asked. */
async function stripe(...say: readonly Say[]): Promise<{ client: StripeClient; key: string; asked: { method: string; headers: IncomingHttpHeaders }[] }> {
  const asked: { method: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer((req, res) => {
    const next = say[Math.min(asked.length, say.length - 1)]!;
    asked.push({ method: req.method ?? "", headers: req.headers });
    if (next === "cut") req.socket.destroy();
    else res.writeHead(next.status, { "content-type": "application/json", ...next.headers }).end(next.body);
  });
  await new Promise<void>((done) => { server.listen(0, "127.0.0.1", done); });
  const http = createHttp({ timeoutMs: 3_000, backoffMs: 2, maxWaitMs: 10_000 });
  closing.push(() => { server.closeAllConnections(); server.close(); void http.close(); });
  const key = expand("sk_test_{alnum:32}");
  return { client: new StripeClient({ key, base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, http }), key, asked };
}
const said = async (run: Promise<unknown>): Promise<{ code: string; exit: number; text: string }> => run.then(() => ({ code: "", exit: 0, text: "" }), (e: unknown) => {
  if (!(e instanceof FindingError)) throw e;
  return { code: e.findings[0]!.code, exit: e.exit, text: JSON.stringify(e.findings) };
});

describe("Stripe's client", () => {
  it("tries a creation again under one idempotency key, after a cut, an overload and a proxy's page", async () => {
    const s = await stripe("cut", { status: 503, body: "{}" }, OK);
    expect((await s.client.create({ url: "https://a.example/" })).id).toBe("we_1");
    expect(s.asked).toHaveLength(3);
    expect(new Set(s.asked.map((a) => a.headers["idempotency-key"])).size).toBe(1);
    const page = await stripe({ status: 200, body: "<html>sign in</html>" }, OK);
    expect((await page.client.create({})).id).toBe("we_1");
    expect((await stripe(OK)).asked).toEqual([]);
  });
  it("believes Stripe where it says whether to try again", async () => {
    const no = await stripe({ status: 500, body: "{}", headers: { "stripe-should-retry": "false" } }, OK);
    expect((await said(no.client.create({}))).code).toBe("STRIPE_REFUSED");
    expect(no.asked).toHaveLength(1);
    const yes = await stripe({ status: 400, body: "{}", headers: { "stripe-should-retry": "true" } }, OK);
    expect((await yes.client.create({})).id).toBe("we_1");
    const conflict = await stripe({ status: 409, body: "{}" }, OK);
    expect((await conflict.client.create({})).id).toBe("we_1");
  });
  it("gives up after three tries, as a service that doesn't answer; a refusal and a missing endpoint are told apart", async () => {
    const down = await stripe("cut");
    expect(await said(down.client.list())).toMatchObject({ code: "STRIPE_UNREACHABLE", exit: 3 });
    expect(down.asked).toHaveLength(3);
    const refused = await stripe({ status: 401, body: JSON.stringify({ error: { message: "Invalid API Key provided" } }) });
    const r = await said(refused.client.list());
    expect([r.code, refused.asked.length, r.text.includes(refused.key)]).toEqual(["STRIPE_KEY_REFUSED", 1, false]);
    expect(await (await stripe({ status: 404, body: "{}" })).client.retrieve("we_2")).toBeNull();
    // A redirect isn't followed: it would carry the key to where it points.
    const away = await stripe({ status: 302, body: "{}", headers: { location: "http://127.0.0.1:1/" } });
    expect([(await said(away.client.list())).code, away.asked.length]).toEqual(["STRIPE_REFUSED", 1]);
  });
});
