import { FindingError } from "../../lib/finding.ts";
import { MARKER } from "../render/comment.ts";
import type { CodeHost } from "./code-host.ts";
import { changeCodes } from "./codes.ts";

export type Posted = "created" | "updated" | "unchanged";

/** The pull request that `OWNER:BRANCH@COMMIT` is the head of: by branch, since GitHub doesn't tell a fork's by its commit. Throws FindingError PULL_UNKNOWN. */
export async function pullOfHead(host: CodeHost, head: string): Promise<number> {
  const m = /^([A-Za-z0-9-]+):(.+)@([0-9a-f]{40,64})$/s.exec(head);
  const list = m ? await host.all(`/repos/${host.repository}/pulls?state=open&head=${encodeURIComponent(`${m[1] ?? ""}:${m[2] ?? ""}`)}`) : [];
  const found = list.find((p) => (p["head"] as { sha?: unknown } | undefined)?.sha === m?.[3]);
  const number = found?.["number"];
  if (typeof number === "number") return number;
  throw new FindingError(changeCodes.finding("PULL_UNKNOWN", { message: list.length ? "the pull request has moved on since this preview: the next one will comment" : "no open pull request has this head", hint: "--pull NUMBER" }), list.length ? 1 : 2);
}
/** Writes the one comment of ours, or changes it in place; further ones, of two runs that met, are taken away. Comments of others that carry our mark are left alone. */
export async function postComment(host: CodeHost, pull: number, text: string): Promise<Posted> {
  const at = `/repos/${host.repository}/issues`;
  const me = await whoAmI(host);
  const ours = (await host.all(`${at}/${pull}/comments`)).filter((c) => typeof c["body"] === "string" && c["body"].startsWith(MARKER) && (c["user"] as { login?: unknown } | null)?.login === me);
  const [first, ...rest] = ours.map((c) => ({ id: Number(c["id"]), body: String(c["body"]) }));
  if (!first) {
    await host.must("POST", `${at}/${pull}/comments`, { body: text });
    return "created";
  }
  for (const c of rest) await host.must("DELETE", `${at}/comments/${c.id}`);
  // The host ends lines as browsers do, and takes a last one away.
  const same = (t: string): string => t.replaceAll("\r\n", "\n").trimEnd();
  if (same(first.body) === same(text)) return "unchanged";
  await host.must("PATCH", `${at}/comments/${first.id}`, { body: text });
  return "updated";
}
/** A job's own token belongs to no user. */
async function whoAmI(host: CodeHost): Promise<string> {
  const { status, json } = await host.ask("GET", "/user");
  const login = (json as { login?: unknown } | null)?.login;
  return status === 200 && typeof login === "string" ? login : "github-actions[bot]";
}
