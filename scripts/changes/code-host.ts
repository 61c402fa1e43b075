import { FindingError } from "../../lib/finding.ts";
import type { Http, HttpRequest } from "../../lib/http.ts";
import { changeCodes } from "./codes.ts";

type Env = Readonly<Record<string, string | undefined>>;
export const tokenOf = (env: Env): string | undefined => env["GITHUB_TOKEN"] ?? env["GH_TOKEN"];
/** Whether the code host can be asked: a token and the repository's name are in the environment. */
export const canAsk = (env: Env): boolean => tokenOf(env) !== undefined && /^[\w.-]+\/[\w.-]+$/.test(env["GITHUB_REPOSITORY"] ?? "");

/** GitHub's API of the repository that the environment names. */
export class CodeHost {
  private readonly base: string;
  private readonly token: string;
  private readonly http: Http;
  private readonly signal: AbortSignal;
  constructor(env: Env, http: Http, signal: AbortSignal) {
    this.base = (env["GITHUB_API_URL"] ?? "https://api.github.com").replace(/\/$/, "");
    this.token = tokenOf(env) ?? "";
    this.http = http;
    this.signal = signal;
    this.repository = env["GITHUB_REPOSITORY"] ?? "";
  }
  readonly repository: string;
  /** Status and JSON of an answer. Throws FindingError HOST_UNANSWERED (exit 3) where there is none. */
  async ask(method: HttpRequest["method"], path: string, body?: unknown): Promise<{ readonly status: number; readonly json: unknown }> {
    const r = await this.http.send({ method, url: `${this.base}${path}`, headers: { accept: "application/vnd.github+json", authorization: `Bearer ${this.token}`, "x-github-api-version": "2022-11-28", "user-agent": "stackseal", ...(body !== undefined && { "content-type": "application/json" }) }, ...(body !== undefined && { body: JSON.stringify(body) }), retry: method !== "POST" }, this.signal);
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
    const hint = status === 401 ? "the token isn't taken: it has expired, or is another host's" : status === 403 || status === 404 ? "the job wants the permission pull-requests: write, in this repository" : "try again";
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
