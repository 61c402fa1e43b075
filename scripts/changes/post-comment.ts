import { FindingError } from "../../lib/finding.ts";
import { MARKER } from "../render/comment.ts";
import type { CodeHost } from "./code-host.ts";
import { changeCodes } from "./codes.ts";

export type Posted = "created" | "updated" | "unchanged";
type Row = Readonly<Record<string, unknown>>;

const unknown = (message: string, exit: 1 | 2): FindingError => new FindingError(changeCodes.finding("PULL_UNKNOWN", { message, hint: "--pull NUMBER" }), exit);
/** The request to comment on: the one that is named, else what the job's variables say. Throws FindingError PULL_UNKNOWN. */
export async function pullOf(host: CodeHost, env: Readonly<Record<string, string | undefined>>, named: string | undefined): Promise<number> {
  const said = named ?? (host.host === "gitlab" ? env["CI_MERGE_REQUEST_IID"] : /^refs\/pull\/(\d+)\//.exec(env["GITHUB_REF"] ?? "")?.[1]);
  if (said !== undefined && !/^[1-9]\d{0,9}$/.test(said)) throw unknown(`--pull wants a number, not "${said}"`, 2);
  if (said !== undefined) return Number(said);
  if (host.host === "gitlab") throw unknown("this is no merge request's pipeline", 2);
  return pullOfHead(host, env["STACKSEAL_PULL_HEAD"] ?? "");
}
/** The pull request that `OWNER:BRANCH@COMMIT` is the head of: by branch, since GitHub doesn't tell a fork's by its commit. */
async function pullOfHead(host: CodeHost, head: string): Promise<number> {
  const m = /^([A-Za-z0-9-]+):(.+)@([0-9a-f]{40,64})$/s.exec(head);
  const list = m ? await host.all(`${host.path}/pulls?state=open&head=${encodeURIComponent(`${m[1] ?? ""}:${m[2] ?? ""}`)}`) : [];
  const found = list.find((p) => (p["head"] as { sha?: unknown } | undefined)?.sha === m?.[3]);
  const number = found?.["number"];
  if (typeof number === "number") return number;
  throw list.length ? unknown("the pull request has moved on since this preview: the next one will comment", 1) : unknown("no open pull request has this head", 2);
}

/** Where a host keeps a request's comments, and how it says who wrote one. */
interface Thread { readonly list: string; readonly one: (id: number) => string; readonly change: "PATCH" | "PUT"; readonly author: (c: Row) => unknown; readonly login: string }
const GITHUB = (host: CodeHost, pull: number): Thread => ({ list: `${host.path}/issues/${pull}/comments`, one: (id) => `${host.path}/issues/comments/${id}`, change: "PATCH", author: (c) => (c["user"] as Row | null)?.["login"], login: "login" });
const GITLAB = (host: CodeHost, pull: number): Thread => ({ list: `${host.path}/merge_requests/${pull}/notes`, one: (id) => `${host.path}/merge_requests/${pull}/notes/${id}`, change: "PUT", author: (c) => (c["author"] as Row | null)?.["username"], login: "username" });

/** Writes the one comment of ours, or changes it in place; further ones, of two runs that met, are taken away. Comments of others that carry our mark are left alone. */
export async function postComment(host: CodeHost, pull: number, text: string): Promise<Posted> {
  const t = (host.host === "gitlab" ? GITLAB : GITHUB)(host, pull);
  const me = await whoAmI(host, t.login);
  const ours = (await host.all(t.list)).filter((c) => typeof c["body"] === "string" && c["body"].startsWith(MARKER) && t.author(c) === me);
  const [first, ...rest] = ours.map((c) => ({ id: Number(c["id"]), body: String(c["body"]) })).sort((a, b) => a.id - b.id);
  if (!first) {
    await host.must("POST", t.list, { body: text });
    return "created";
  }
  for (const c of rest) await host.must("DELETE", t.one(c.id));
  // The host ends lines as browsers do, and takes a last one away.
  const same = (s: string): string => s.replaceAll("\r\n", "\n").trimEnd();
  if (same(first.body) === same(text)) return "unchanged";
  await host.must(t.change, t.one(first.id), { body: text });
  return "updated";
}
/** A job's own token at GitHub belongs to no user. */
async function whoAmI(host: CodeHost, login: string): Promise<string> {
  const { status, json } = await host.ask("GET", "/user");
  const name = (json as Row | null)?.[login];
  return status === 200 && typeof name === "string" ? name : host.host === "github" ? "github-actions[bot]" : "";
}
