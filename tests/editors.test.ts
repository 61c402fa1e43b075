import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createMessageConnection, StreamMessageReader, StreamMessageWriter, type MessageConnection } from "vscode-jsonrpc/node.js";

// What an editor with the YAML extension shows, asked of the language server that the extension runs: the schema comes by the modeline alone.

const repo = resolve(import.meta.dirname, "..");
const server = join(dirname(createRequire(import.meta.url).resolve("yaml-language-server/package.json")), "bin/yaml-language-server");
const dir = mkdtempSync(join(tmpdir(), "editor-"));
let child: ChildProcess;
let connection: MessageConnection;
interface Diagnostic { message: string; range: { start: { line: number } } }
const shown = new Map<string, (d: Diagnostic[]) => void>();

beforeAll(async () => {
  child = spawn(process.execPath, [server, "--stdio"], { stdio: ["pipe", "pipe", "ignore"] });
  connection = createMessageConnection(new StreamMessageReader(child.stdout!), new StreamMessageWriter(child.stdin!));
  connection.onNotification("textDocument/publishDiagnostics", (p: { uri: string; diagnostics: Diagnostic[] }) => { shown.get(p.uri)?.(p.diagnostics); });
  connection.onRequest("workspace/configuration", (p: { items: { section: string }[] }) => p.items.map((i) => (i.section === "yaml" ? { validate: true, completion: true, hover: true, schemaStore: { enable: false } } : {})));
  connection.onRequest("client/registerCapability", () => null);
  connection.listen();
  await connection.sendRequest("initialize", { processId: process.pid, rootUri: pathToFileURL(dir).href, capabilities: { workspace: { configuration: true }, textDocument: { completion: {}, publishDiagnostics: {} } } });
  await connection.sendNotification("initialized", {});
}, 120_000);
afterAll(() => {
  connection.dispose();
  child.kill();
});

/** Opens a file whose first line names the schema; answers what the server finds wrong in it. */
async function open(name: string, schema: string, text: string): Promise<{ uri: string; diagnostics: Diagnostic[] }> {
  const file = join(dir, "stacks/dev", name);
  mkdirSync(dirname(file), { recursive: true });
  const whole = `# yaml-language-server: $schema=${pathToFileURL(join(repo, "schemas/json", `${schema}.schema.json`)).href}\n${text}`;
  writeFileSync(file, whole);
  const uri = pathToFileURL(file).href;
  const found = new Promise<Diagnostic[]>((done) => { shown.set(uri, done); });
  await connection.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version: 1, text: whole } });
  return { uri, diagnostics: await found };
}

it("completes the name of a Stripe event", { timeout: 120_000 }, async () => {
  const text = "environment: dev\nstripe:\n    mode: test\n    publishableKey: pk_test_000000000000000000000001\n    webhooks:\n        payments:\n            path: /webhooks/stripe\n            apiVersion: 2026-10-28.endive\n            events:\n                - payment_intent.s\n";
  const { uri } = await open("payments.yaml", "payments", text);
  const answer: { items: { label: string }[] } = await connection.sendRequest("textDocument/completion", { textDocument: { uri }, position: { line: 10, character: 34 } });
  expect(answer.items.map((i) => i.label)).toContain("payment_intent.succeeded");
});
it("shows a wrong port and an unknown key on their lines", { timeout: 120_000 }, async () => {
  const text = "environment: dev\ntier: development\nplatform: { url: https://dev.acme.example, plan: agency }\nstore: { kind: file }\nintegrations:\n    smtp:\n        provider: mailtrap\n        host: sandbox.smtp.mailtrap.io\n        port: 70000\n        encryption: tls\n        username: 0123456789abcd\n        frm: 1\n        from: { address: a@acme.example, name: Acme }\n";
  const { diagnostics } = await open("environment.yaml", "environment", text);
  expect(diagnostics.map((d) => d.range.start.line)).toEqual(expect.arrayContaining([9, 12]));
  expect(diagnostics.find((d) => d.range.start.line === 9)?.message).toMatch(/65535/);
});
it("finds nothing wrong in a right file", { timeout: 120_000 }, async () => {
  const { diagnostics } = await open("right.yaml", "environment", "environment: dev\ntier: development\nplatform: { url: https://dev.acme.example, plan: agency }\nstore: { kind: file }\nintegrations: {}\n");
  expect(diagnostics).toEqual([]);
});
