import { FindingError } from "../../lib/finding.ts";
import { tokenOf } from "./code-host.ts";
import { changeCodes } from "./codes.ts";

/** A review of the pull request that is in force: its author's last word. */
export interface Review {
  readonly login: string;
  readonly commit: string;
}
type Env = Readonly<Record<string, string | undefined>>;
interface Answer { readonly user?: { readonly login?: unknown } | null; readonly state?: unknown; readonly commit_id?: unknown }


/** Approving reviews of the pull request that brought `sha`. Throws FindingError APPROVAL_UNANSWERED (exit 3) where the host doesn't answer as it should. */
export async function approvingReviews(env: Env, sha: string, signal: AbortSignal): Promise<Review[]> {
  const base = `${(env["GITHUB_API_URL"] ?? "https://api.github.com").replace(/\/$/, "")}/repos/${env["GITHUB_REPOSITORY"] ?? ""}`;
  const named = /^refs\/pull\/(\d+)\//.exec(env["GITHUB_REF"] ?? "")?.[1];
  const pull = named === undefined ? await pullOf(base, env, sha, signal) : Number(named);
  if (pull === null) return [];
  const last = new Map<string, { state: string; commit: string }>();
  for (let page = 1; page <= 30; page++) {
    const list = await ask(`${base}/pulls/${pull}/reviews?per_page=100&page=${page}`, env, signal);
    for (const r of list as Answer[]) {
      const login = r.user?.login;
      // A comment takes nothing back; a request for changes and a dismissal do.
      if (typeof login === "string" && typeof r.state === "string" && typeof r.commit_id === "string" && ["APPROVED", "CHANGES_REQUESTED", "DISMISSED"].includes(r.state)) last.set(login.toLowerCase(), { state: r.state, commit: r.commit_id });
    }
    if (list.length < 100) break;
  }
  return [...last].filter(([, r]) => r.state === "APPROVED").map(([login, r]) => ({ login, commit: r.commit }));
}
async function pullOf(base: string, env: Env, sha: string, signal: AbortSignal): Promise<number | null> {
  const list = (await ask(`${base}/commits/${sha}/pulls?per_page=100`, env, signal)) as { number?: unknown; merge_commit_sha?: unknown }[];
  const found = list.find((p) => p.merge_commit_sha === sha) ?? list[0];
  return typeof found?.number === "number" ? found.number : null;
}
async function ask(url: string, env: Env, signal: AbortSignal): Promise<unknown[]> {
  const unanswered = (what: string): FindingError => new FindingError(changeCodes.finding("APPROVAL_UNANSWERED", { message: `the code host ${what}`, path: new URL(url).pathname, hint: "try again, or use signed approvals: stackseal approve PLAN" }), 3);
  let r: Response;
  try {
    r = await fetch(url, { headers: { accept: "application/vnd.github+json", authorization: `Bearer ${tokenOf(env) ?? ""}`, "x-github-api-version": "2022-11-28" }, redirect: "error", signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]) });
  } catch {
    throw unanswered("doesn't answer");
  }
  if (!r.ok) throw unanswered(`answers ${r.status}`);
  const body: unknown = await r.json().catch(() => null);
  if (!Array.isArray(body)) throw unanswered("answers something that is no list");
  return body as unknown[];
}
