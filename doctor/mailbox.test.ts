import { createSocket } from "node:dgram";
import { setServers, getServers } from "node:dns/promises";
import { mkdtempSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type TLSSocket } from "node:tls";
import { syncBuiltinESMExports } from "node:module";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttp } from "../lib/http.ts";
import { selfSigned } from "../sandbox/certificate.ts";
import { startSandbox, type Sandbox } from "../sandbox/index.ts";
import { expand } from "../schemas/template.ts";
import { alwaysControl } from "./controls.ts";
import { examineMail } from "./mail.ts";
import { sendTestMail } from "./send-mail.ts";
import type { StepResult } from "./step.ts";

/** A mailbox by IMAP4rev1 over TLS (RFC 3501), as much as a client needs that looks for one message: INBOX and Junk, whose mail is given. */
function imap(certificate: { cert: string; key: string }, password: string, folders: Record<string, () => string[]>): Promise<{ port: number; close: () => void }> {
  const server = createServer({ cert: certificate.cert, key: certificate.key }, (s: TLSSocket) => {
    let box: string[] = [];
    let buffer = "";
    const say = (line: string): void => { s.write(`${line}\r\n`); };
    s.on("error", () => undefined);
    say("* OK [CAPABILITY IMAP4rev1] ready");
    const run = (tag: string, command: string, rest: string): void => {
      const ok = (text = "done"): void => { say(`${tag} OK ${text}`); };
      switch (command) {
        case "CAPABILITY": say("* CAPABILITY IMAP4rev1"); ok(); return;
        case "LOGIN":
          if (/"?([^" ]+)"?$/.exec(rest)?.[1] === password) ok("[CAPABILITY IMAP4rev1] logged in");
          else say(`${tag} NO [AUTHENTICATIONFAILED] wrong`);
          return;
        case "NAMESPACE": say('* NAMESPACE (("" "/")) NIL NIL'); ok(); return;
        case "LIST": case "LSUB":
          if (rest === '"" ""') { say(`* ${command} (\\Noselect) "/" ""`); ok(); return; }
          for (const f of Object.keys(folders)) say(`* ${command} (\\HasNoChildren${f === "Junk" ? " \\Junk" : ""}) "/" "${f}"`); ok(); return;
        case "SELECT": case "EXAMINE":
          box = (folders[rest.replaceAll('"', "").split(" ")[0] ?? ""] ?? (() => []))();
          for (const l of [`${String(box.length)} EXISTS`, "0 RECENT", "FLAGS (\\Seen)", "OK [UIDVALIDITY 1] ok", `OK [UIDNEXT ${String(box.length + 1)}] ok`]) say(`* ${l}`);
          ok("[READ-ONLY] done");
          return;
        case "UID": {
          if (rest.startsWith("SEARCH")) {
            const id = /"?(stackseal-[0-9a-f]{12})"?/i.exec(rest)?.[1] ?? "?";
            say(`* SEARCH${box.map((m, i) => (m.toLowerCase().includes(`x-stackseal-test: ${id.toLowerCase()}`) ? ` ${String(i + 1)}` : "")).join("")}`);
          } else {
            const n = Number(/^FETCH (\d+)/.exec(rest)?.[1] ?? "0");
            const headers = `${(box[n - 1] ?? "").split(/\r?\n\r?\n/)[0]?.split(/\r?\n(?![ \t])/).filter((l) => /^(from|authentication-results):/i.test(l)).join("\r\n") ?? ""}\r\n\r\n`;
            say(`* ${String(n)} FETCH (UID ${String(n)} BODY[HEADER.FIELDS (FROM AUTHENTICATION-RESULTS)] {${String(Buffer.byteLength(headers))}}\r\n${headers})`);
          }
          ok();
          return;
        }
        case "LOGOUT": say("* BYE"); ok(); s.end(); return;
        default: ok();
      }
    };
    s.on("data", (d: Buffer) => {
      buffer += d.toString("latin1");
      for (let end = buffer.indexOf("\r\n"); end >= 0; end = buffer.indexOf("\r\n")) {
        const [tag = "", command = "", ...rest] = buffer.slice(0, end).split(" ");
        buffer = buffer.slice(end + 2);
        run(tag, command.toUpperCase(), rest.join(" "));
      }
    });
  });
  return new Promise((done) => { server.listen(0, "127.0.0.1", () => { done({ port: (server.address() as AddressInfo).port, close: () => { server.close(); } }); }); });
}
/** A name server of this machine that knows these TXT records and nothing else. */
function names(records: Readonly<Record<string, string>>): Promise<{ port: number; close: () => void }> {
  const socket = createSocket("udp4");
  socket.on("message", (q, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let n = q[at] ?? 0; n > 0; n = q[at] ?? 0) { labels.push(q.subarray(at + 1, at + 1 + n).toString()); at += n + 1; }
    const text = records[labels.join(".").toLowerCase()];
    const question = q.subarray(12, at + 5);
    const head = Buffer.from([q[0]!, q[1]!, 0x81, text === undefined ? 0x83 : 0x80, 0, 1, 0, text === undefined ? 0 : 1, 0, 0, 0, 0]);
    const data = Buffer.concat((text?.match(/.{1,255}/g) ?? []).flatMap((t) => [Buffer.from([t.length]), Buffer.from(t)]));
    const answer = text === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 255]), data]);
    socket.send(Buffer.concat([head, question, answer]), from.port, from.address);
  });
  return new Promise((done) => { socket.bind(0, "127.0.0.1", () => { done({ port: socket.address().port, close: () => { socket.close(); } }); }); });
}

const http = createHttp({ timeoutMs: 3_000, retries: 0 });
const password = expand("{alnum:16}");
const certificate = selfSigned("mailbox", new Date());
let sandbox: Sandbox;
let folder = "INBOX";
let results = "";
let rewritten: ((raw: string) => string) = (raw) => raw;
let mailbox: { port: number; close: () => void };
beforeAll(async () => {
  sandbox = await startSandbox({ stateDir: mkdtempSync(join(tmpdir(), "mailbox-")) });
  const mail = (f: string) => (): string[] => (f === folder ? sandbox.mail.mails().map((m) => `${results}${rewritten(m.raw)}`) : []);
  mailbox = await imap(certificate, password, { INBOX: mail("INBOX"), Junk: mail("Junk") });
});
afterAll(async () => { mailbox.close(); await sandbox.close(); await http.close(); });
const send = (imapPassword: string | null, waitMs = 6_000): Promise<StepResult[]> => sendTestMail({
  settings: { provider: "generic", host: "127.0.0.1", port: Number(new URL(sandbox.urls.smtp).port), encryption: "tls", username: "acme", from: { address: "no-reply@acme.example", name: "Åcme Dev" } }, to: "you@acme.example",
  password: { value: "the-one-password-1" }, sandbox: null, confirm: `imaps://you%40acme.example@127.0.0.1:${String(mailbox.port)}/INBOX`, imapPassword, http, signal: AbortSignal.timeout(25_000), now: new Date(), ca: `${sandbox.ca}\n${certificate.cert}`, waitMs,
});
const codes = (r: readonly StepResult[]): string[] => r.map((s) => `${s.verdict} ${s.code}`);

describe("--send-mail, confirmed by IMAP, with the domain's records from its own name server", () => {
  let dns: { port: number; close: () => void };
  const before = getServers();
  beforeAll(async () => {
    dns = await names({ "acme.example": "v=spf1 include:_spf.acme.example -all", "_dmarc.acme.example": "v=DMARC1; p=reject", "s1._domainkey.acme.example": `v=DKIM1; k=rsa; p=${"A".repeat(300)}` });
    setServers([`127.0.0.1:${String(dns.port)}`]);
    syncBuiltinESMExports();
  });
  afterAll(() => { setServers(before); dns.close(); });
  it("finds the message in the inbox, From and name as declared, and tells SPF, DKIM and DMARC", async () => {
    results = "Authentication-Results: mx.acme.example; spf=pass; dkim=pass; dmarc=pass\r\n";
    const r = await send(password);
    expect(codes(r)).toEqual(["valid MAIL_SENT", "valid MAIL_ARRIVED", "valid FROM_KEPT", "valid AUTHENTICATION_RESULTS", "valid SPF", "valid DKIM", "valid DMARC"]);
    expect(r.map((s) => s.message).join("\n")).toMatch(/arrived in INBOX[\s\S]*spf=pass dkim=pass dmarc=pass[\s\S]*v=spf1[\s\S]*s1[\s\S]*p=reject/);
    results = "";
  });
  it("finds it in the spam folder, and says so", async () => {
    folder = "Junk";
    expect(codes(await send(password))).toContain("inconclusive MAIL_IN_SPAM");
    folder = "INBOX";
  });
  it("sees a rewritten From address", async () => {
    rewritten = (raw) => raw.replace(/no-reply@acme\.example>/, "other@provider.example>");
    expect(codes(await send(password))).toContain("invalid FROM_REWRITTEN");
    rewritten = (raw) => raw;
  });
  it("is inconclusive with a wrong mailbox password or none, and where nothing arrives; the password is in no message", async () => {
    const wrong = await send("no-such-password-1", 500);
    expect(codes(wrong)).toContain("inconclusive CONFIRM_FAILED");
    expect(JSON.stringify(wrong)).not.toContain("no-such-password-1");
    expect(codes(await send(null, 500))).toContain("inconclusive CONFIRM_FAILED");
    folder = "elsewhere";
    expect(codes(await send(password, 300))).toContain("inconclusive MAIL_NOT_SEEN");
    folder = "INBOX";
  }, 60_000);
});

describe("SendGrid's regions", () => {
  const steps = async (host: string, region: string): Promise<string[]> => {
    const value = expand("SG.{url64:22}.{url64:43}");
    const told = await fetch(`${sandbox.urls.sendgrid}/_sandbox/credentials`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ value, state: "active", facts: { region } }) });
    expect(told.status).toBe(200);
    const { steps: all } = await examineMail({ http, signal: AbortSignal.timeout(20_000), title: "SMTP", path: "smtp.password", tier: "development", environment: { name: "dev", tier: "development" }, controls: alwaysControl, controlKey: value.slice(3, 9), settings: { provider: "sendgrid", host, port: 587, encryption: "tls", username: "apikey" }, value, sandbox: sandbox.urls, ca: sandbox.ca });
    return all.map((r) => `${r.step} ${r.code}`);
  };
  it("an EU host is asked at the EU's API, where a key of the EU is known", async () => {
    expect(await steps("smtp.eu.sendgrid.net", "eu.sendgrid")).toContain("limits LIMITS_FINE");
    expect(await steps("smtp.sendgrid.net", "api.sendgrid")).toContain("limits LIMITS_FINE");
    // Of the other region: the API knows no such key, and tells nothing.
    expect(await steps("smtp.sendgrid.net", "eu.sendgrid")).toContain("limits LIMITS_NOT_TOLD");
  });
});
