import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { expand } from "../schemas/template.ts";
import { LIMIT, MARKER } from "../scripts/render/comment.ts";

// The comment, posted to something that answers as GitHub's API does.

const cli = resolve(import.meta.dirname, "../dist/cli.js");
const dir = mkdtempSync(join(tmpdir(), "comment-"));
const token = expand("ghs_{alnum:36}");
const sha = "a".repeat(40);
interface Comment { id: number; body: string; user: { login: string } }
let comments: Comment[] = [];
let calls: string[] = [];
let fault: ((call: string) => number) | null = null;
let server: Server;
let api = "";
beforeAll(async () => {
  server = createServer((req, res) => {
    let text = "";
    req.on("data", (c: Buffer) => { text += c.toString("utf8"); });
    req.on("end", () => {
      const call = `${req.method ?? ""} ${req.url ?? ""}`;
      const answer = (status: number, body: unknown): void => { res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)); };
      calls.push(call);
      if (call.includes(" /gitlab/")) { gitlab(req, text, answer); return; }
      if (req.headers.authorization !== `Bearer ${token}`) { answer(401, {}); return; }
      const failed = fault?.(call) ?? 0;
      if (failed) { answer(failed, { message: "no" }); return; }
      const id = Number(/comments\/(\d+)$/.exec(req.url ?? "")?.[1] ?? 0);
      const body = text === "" ? "" : (JSON.parse(text) as { body: string }).body;
      if (call === "GET /user") { answer(403, { message: "Resource not accessible by integration" }); return; }
      if (/^GET .*\/pulls\?/.test(call)) { answer(200, new URL(req.url ?? "", "http://x").searchParams.get("head") === "someone:feature/ä&b" ? [{ number: 5, head: { sha } }] : []); return; }
      if (/^GET .*\/issues\/\d+\/comments/.test(call)) { const page = Number(/&page=(\d+)/.exec(call)?.[1]); answer(200, comments.slice((page - 1) * 100, page * 100)); return; }
      if (call.startsWith("POST")) { comments.push({ id: 1000 + comments.length, body: body.replaceAll("\n", "\r\n"), user: { login: "github-actions[bot]" } }); answer(201, comments.at(-1)); return; }
      if (call.startsWith("PATCH")) { const c = comments.find((x) => x.id === id); if (c) c.body = body; answer(c ? 200 : 404, c ?? {}); return; }
      if (call.startsWith("DELETE")) { comments = comments.filter((x) => x.id !== id); res.writeHead(204).end(); return; }
      answer(404, {});
    });
  });
  await new Promise<void>((done) => { server.listen(0, "127.0.0.1", done); });
  api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => { server.closeAllConnections(); server.close(); });
beforeEach(() => { comments = []; calls = []; fault = null; });

/** GitLab's notes: newest first, and told apart by a user's name. */
function gitlab(req: IncomingMessage, text: string, answer: (status: number, body: unknown) => void): void {
  const url = new URL(req.url ?? "", "http://x"), path = url.pathname.slice("/gitlab".length), id = Number(/notes\/(\d+)$/.exec(path)?.[1] ?? 0);
  const failed = fault?.(`${req.method ?? ""} ${path}`) ?? 0;
  if (failed || req.headers["private-token"] !== token || req.headers.authorization !== undefined) { answer(failed || 401, { message: "no" }); return; }
  const shown = (c: Comment): object => ({ id: c.id, body: c.body, author: { username: c.user.login }, system: false });
  if (path === "/user") { answer(200, { username: "project_42_bot" }); return; }
  if (!path.startsWith("/projects/42/merge_requests/7/notes")) { answer(404, {}); return; }
  if (req.method === "GET") { const page = Number(url.searchParams.get("page")); answer(200, [...comments].reverse().slice((page - 1) * 100, page * 100).map(shown)); return; }
  const { body = "" } = (text === "" ? {} : JSON.parse(text)) as { body?: string };
  if (req.method === "POST") { comments.push({ id: 1000 + comments.length, body, user: { login: "project_42_bot" } }); answer(201, {}); return; }
  const c = comments.find((x) => x.id === id);
  if (c && req.method === "PUT") c.body = body;
  if (c && req.method === "DELETE") comments = comments.filter((x) => x.id !== id);
  answer(c ? 200 : 404, {});
}
const document = (more: object = {}): object => ({
  version: 1, ok: true, compared: "x", environments: [], access: [{ who: "ada", role: "engineer", change: "gains", tier: "development", class: "standard", verbs: ["open", "seal"] }, { who: "bob", role: "admin", change: "loses", tier: "production", class: "standard", verbs: ["open"] }],
  findings: [], exceptions: [], exposures: [], digest: "d", approval: "a", needsSuperAdmin: false, reproduce: "stackseal preview", ...more,
});
function run(doc: unknown, args: string[] = ["--pull", "5", "--yes"], env: Record<string, string> = {}): Promise<{ status: number | null; stdout: string; stderr: string }> {
  writeFileSync(join(dir, "comment.json"), typeof doc === "string" ? doc : JSON.stringify(doc));
  const child = spawn(process.execPath, [cli, "-C", dir, "comment", "comment.json", ...args], { env: { PATH: process.env["PATH"] ?? "", HOME: dir, GITHUB_TOKEN: token, GITHUB_REPOSITORY: "acme/credentials", GITHUB_API_URL: api, ...env } });
  let stdout = "", stderr = "";
  child.stdout.on("data", (c: Buffer) => { stdout += c.toString("utf8"); });
  child.stderr.on("data", (c: Buffer) => { stderr += c.toString("utf8"); });
  return new Promise((done) => { child.on("close", (status) => { expect(stdout + stderr).not.toContain(token); done({ status, stdout, stderr }); }); });
}

it("is written once and then changed in place; equal text isn't written again", async () => {
  expect((await run(document())).stdout).toContain("comment created");
  expect((await run(document())).stdout).toContain("comment unchanged");
  expect((await run(document({ ok: false }))).stdout).toContain("comment updated");
  expect([comments.length, comments[0]!.body.startsWith(MARKER), comments[0]!.body.includes("0 errors")]).toEqual([1, true, true]);
  expect(comments[0]!.body).toMatch(/<code>ada<\/code> \(<code>engineer<\/code>\) \| \*\*gains\*\*[^\n]*open, seal[^\n]*\n[^\n]*<code>bob<\/code> \(<code>admin<\/code>\) \| \*\*loses\*\*/);
  expect(calls.filter((c) => c.startsWith("POST"))).toHaveLength(1);
});
it("finds its own on a later page, takes doubles away and leaves others' comments with its mark alone", async () => {
  comments = [{ id: 1, body: `${MARKER}\nnot ours`, user: { login: "mallory" } }, ...Array.from({ length: 130 }, (_, i) => ({ id: 10 + i, body: "talk", user: { login: "ada" } })), ...[500, 501].map((id) => ({ id, body: `${MARKER}\nold`, user: { login: "github-actions[bot]" } }))];
  expect((await run(document())).stdout).toContain("comment updated");
  expect(comments.filter((c) => c.body.startsWith(MARKER)).map((c) => c.id)).toEqual([1, 500]);
  expect(comments[0]!.body).toBe(`${MARKER}\nnot ours`);
});
it("finds a fork's pull request by its branch, whatever the branch is called, and only while the commit is its head", async () => {
  expect((await run(document(), ["--yes"], { STACKSEAL_PULL_HEAD: `someone:feature/ä&b@${sha}` })).stdout).toContain("acme/credentials#5: comment created");
  const moved = await run(document(), ["--yes"], { STACKSEAL_PULL_HEAD: `someone:feature/ä&b@${"b".repeat(40)}` });
  expect([moved.status, moved.stderr.includes("PULL_UNKNOWN"), comments.length]).toEqual([1, true, 1]);
  expect((await run(document(), ["--yes"], { STACKSEAL_PULL_HEAD: `nobody:$(id)@${sha}` })).status).toBe(2);
});
it("posts nothing of a document with a field too many, with a word that isn't one, or that is none", async () => {
  const step = { op: "constructor", urn: "u", diff: [] };
  const env = { name: "dev", tier: "development", summary: { create: 0, update: 0, replace: 0, delete: 0, same: 0 }, steps: [], credentials: [], violations: [] };
  for (const bad of [document({ value: "x" }), document({ environments: [{ ...env, steps: [step] }] }), document({ access: [{ who: "a", role: "engineer", change: "<img src=x>", tier: "development", class: "standard", verbs: [] }] }), document({ environments: [{ ...env, credentials: [{ path: "p", change: "added", kind: "k", class: "standard", ageDays: "@everyone" }] }] }), "{", "# hello @everyone"])
    expect(await run(bad)).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("COMMENT_UNREADABLE") });
  expect(calls).toEqual([]);
});
it("keeps hostile and very long names inert and the text under the host's limit", async () => {
  const h = "`</code><script>alert(1)</script> @everyone [x](javascript:alert(1)) | <!-- #1 \u202e";
  const env = (i: number): object => ({ name: `${h}${i}`, tier: h, summary: { create: 1, update: 0, replace: 0, delete: 0, same: 0 }, steps: Array.from({ length: 100 }, (_, k) => ({ op: "create", urn: `urn:pulumi:dev::p::a:b:C::${h}${"y".repeat(3000)}${k}`, diff: [] })), credentials: [], violations: [{ policy: h, level: h, urn: h, message: `${h}${"z".repeat(15_000)}`, place: h }] });
  await run(document({ environments: Array.from({ length: 30 }, (_, i) => env(i)), reproduce: h, digest: h }));
  const text = comments[0]!.body.replaceAll("\r\n", "\n");
  expect(text.length).toBeLessThan(LIMIT);
  const bare = text.replace(/<code>.*?<\/code>/gs, "").replace(/<pre>.*?<\/pre>/gs, "").replace(/<\/?details(?: open)?>|<\/?summary>/g, "").replace(MARKER, "");
  expect(bare).not.toMatch(/[<`@]|script|\u202e/);
  expect(text).toContain("more: run the command below");
});
it("says which permission is missing, and when the host doesn't answer", async () => {
  fault = (call) => (call.startsWith("POST") ? 403 : 0);
  expect(await run(document())).toMatchObject({ status: 1, stderr: expect.stringMatching(/HOST_REFUSED[\s\S]*pull-requests: write/) });
  fault = () => 500;
  expect(await run(document())).toMatchObject({ status: 3, stderr: expect.stringContaining("HOST_UNANSWERED") });
  fault = null;
  expect((await run(document(), ["--pull", "5"])).stderr).toContain("NOT_CONFIRMED");
  expect(comments).toEqual([]);
});
const atGitlab = (doc: unknown, more: Record<string, string> = {}, args = ["--yes"]): ReturnType<typeof run> => run(doc, args, { CI_API_V4_URL: `${api}/gitlab`, CI_PROJECT_ID: "42", CI_PROJECT_PATH: "acme/credentials", CI_MERGE_REQUEST_IID: "7", GITLAB_TOKEN: token, ...more });
it("is a merge request's note at GitLab, changed in place as well", async () => {
  comments = [{ id: 1, body: `${MARKER}\nnot ours`, user: { login: "mallory" } }, ...Array.from({ length: 130 }, (_, i) => ({ id: 10 + i, body: "talk", user: { login: "ada" } }))];
  expect((await atGitlab(document())).stdout).toContain("acme/credentials!7: comment created");
  comments.push({ id: 5000, body: `${MARKER}\na double`, user: { login: "project_42_bot" } });
  expect((await atGitlab(document({ ok: false }))).stdout).toContain("comment updated");
  expect((await atGitlab(document({ ok: false }))).stdout).toContain("comment unchanged");
  expect(comments.filter((c) => c.body.startsWith(MARKER)).map((c) => c.id)).toEqual([1, 1131]);
  // GitLab takes a line that begins with a slash for an order.
  expect(comments.at(-1)!.body).not.toMatch(/^\s*\//m);
  fault = (call) => (call.startsWith("PUT") ? 403 : 0);
  expect(await atGitlab(document())).toMatchObject({ status: 1, stderr: expect.stringMatching(/HOST_REFUSED[\s\S]*scope api/) });
  fault = null;
  expect(await atGitlab(document(), { CI_MERGE_REQUEST_IID: "" })).toMatchObject({ status: 2, stderr: expect.stringContaining("PULL_UNKNOWN") });
  // Without the project's token it is printed, as in a fork's pipeline.
  expect((await atGitlab(document(), { GITLAB_TOKEN: "", GITHUB_TOKEN: "", GITHUB_REPOSITORY: "" })).stdout).toContain(MARKER);
});
it("is printed where there is no token", () => {
  writeFileSync(join(dir, "comment.json"), JSON.stringify(document()));
  const r = spawnSync(process.execPath, [cli, "-C", dir, "comment", "comment.json"], { encoding: "utf8", env: { PATH: process.env["PATH"] ?? "" } });
  expect([r.status, r.stdout.startsWith(MARKER)]).toEqual([0, true]);
});
