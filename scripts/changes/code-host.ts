import { FindingError } from "../../lib/finding.ts";
import type { Http, HttpRequest } from "../../lib/http.ts";
import { changeCodes } from "./codes.ts";

type Env = Readonly<Record<string, string | undefined>>;
export const tokenOf = (env: Env): string | undefined => env["GITHUB_TOKEN"] ?? env["GH_TOKEN"];
/** Whether GitHub can be asked: a token and the repository's name are in the environment. */
export const canAsk = (env: Env): boolean => (tokenOf(env) ?? "") !== "" && /^[\w.-]+\/[\w.-]+$/.test(env["GITHUB_REPOSITORY"] ?? "");

/** Where a code host's API is, and by which right. */
interface Access {
  readonly host: "github" | "gitlab";
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As people call it. */
  readonly repository: string;
  /** The repository's own part of a path. */
  readonly path: string;
  /** What a refused caller lacks. */
  readonly wants: string;
}
const trimmed = (url: string): string => url.replace(/\/$/, "");
/** GitLab where a pipeline of it runs and a project's access token is there (a job's own may write no note), else GitHub; null where neither can be asked. */
function accessOf(env: Env): Access | null {
  const { CI_API_V4_URL: api, CI_PROJECT_ID: id, CI_PROJECT_PATH: project, GITLAB_TOKEN: token } = env;
  if (api !== undefined && token !== undefined && token !== "" && /^\d+$/.test(id ?? "")) return { host: "gitlab", base: trimmed(api), headers: { "private-token": token }, repository: project ?? (id as string), path: `/projects/${id as string}`, wants: "GITLAB_TOKEN wants the scope api and the role Reporter, in this project" };
  if (!canAsk(env)) return null;
  const repository = env["GITHUB_REPOSITORY"] ?? "";
  return { host: "github", base: trimmed(env["GITHUB_API_URL"] ?? "https://api.github.com"), headers: { accept: "application/vnd.github+json", authorization: `Bearer ${tokenOf(env) ?? ""}`, "x-github-api-version": "2022-11-28" }, repository, path: `/repos/${repository}`, wants: "the job wants the permission pull-requests: write, in this repository" };
}
/** The API of the repository that the environment names. */
export class CodeHost {
  private readonly access: Access;
  private readonly http: Http;
  private readonly signal: AbortSignal;
  private constructor(access: Access, http: Http, signal: AbortSignal) {
    this.access = access;
    this.http = http;
    this.signal = signal;
  }
  /** Null where there is no token, or no repository to use it in. */
  static of(env: Env, http: Http, signal: AbortSignal): CodeHost | null {
    const access = accessOf(env);
    return access && new CodeHost(access, http, signal);
  }
  get host(): Access["host"] { return this.access.host; }
  get repository(): string { return this.access.repository; }
  get path(): string { return this.access.path; }
  /** Status and JSON of an answer. Throws FindingError HOST_UNANSWERED (exit 3) where there is none. */
  async ask(method: HttpRequest["method"], path: string, body?: unknown): Promise<{ readonly status: number; readonly json: unknown }> {
    const r = await this.http.send({ method, url: `${this.access.base}${path}`, headers: { ...this.access.headers, "user-agent": "stackseal", ...(body !== undefined && { "content-type": "application/json" }) }, ...(body !== undefined && { body: JSON.stringify(body) }), retry: method !== "POST" }, this.signal);
    if (!r.ok) throw new FindingError(changeCodes.finding("HOST_UNANSWERED", { message: `the code host doesn't answer: ${r.message}`, path }), 3);
    let json: unknown = null;
    try {
      json = r.text === "" ? null : JSON.parse(r.text);
    } catch { /* the status says enough */ }
    return { status: r.status, json };
  }
  /** The JSON of a good answer. Throws FindingError HOST_REFUSED, or HOST_UNANSWERED for a fault of the host. */
  async must(method: HttpRequest["method"], path: string, body?: unknown): Promise<unknown> {
    const { status, json } = await this.ask(method, path, body);
    if (status >= 200 && status < 300) return json;
    const hint = status === 401 ? "the token isn't taken: it has expired, or is another host's" : status === 403 || status === 404 ? this.access.wants : "try again";
    throw new FindingError(changeCodes.finding(status >= 500 || status === 429 ? "HOST_UNANSWERED" : "HOST_REFUSED", { message: `the code host answers ${status}`, path, hint }), status >= 500 || status === 429 ? 3 : 1);
  }
  /** Every item of a list, page by page; at most 30 pages. */
  async all(path: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const out: Readonly<Record<string, unknown>>[] = [];
    for (let page = 1; page <= 30; page++) {
      const list = await this.must("GET", `${path}${path.includes("?") ? "&" : "?"}per_page=100&page=${page}`);
      if (!Array.isArray(list)) throw new FindingError(changeCodes.finding("HOST_UNANSWERED", { message: "the code host answers something that is no list", path }), 3);
      out.push(...(list as Readonly<Record<string, unknown>>[]));
      if (list.length < 100) break;
    }
    return out;
  }
}
