import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newSigningKey, readSigningKey } from "../seal/signature.ts";
import { append, newRecord, newRotationId, renderRecord } from "../rotation/record.ts";

// The report as an auditor opens it: the command writes the page, a headless Chromium shows it.

/** What of a document the tests look at, inside of the browser. */
interface Shown { readonly textContent: string; readonly hidden: boolean; scrollTop: number; readonly scrollHeight: number; scrollIntoView(how: { block: string }): void; closest(css: string): Shown | null; getAttribute(name: string): string | null; contains(other: Shown | null): boolean; getBoundingClientRect(): { x: number; y: number; height: number } }
declare const document: { readonly activeElement: Shown | null; readonly images: { length: number }; querySelector(css: string): Shown | null; querySelectorAll(css: string): Iterable<Shown> & { length: number }; elementFromPoint(x: number, y: number): Shown | null };

const repo = resolve(import.meta.dirname, "..");
const home = mkdtempSync(join(tmpdir(), "home-"));
const env = { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
const HOSTILE = `</script><img src=x onerror="window.pwned=1">'"&\u202eevil`;
const git = (dir: string, args: readonly string[], author = "admin-1", date = "2026-11-20T10:00:00Z", input = ""): string =>
  execFileSync("git", args, { cwd: dir, encoding: "utf8", input, maxBuffer: 1 << 26, env: { ...env, GIT_AUTHOR_NAME: author, GIT_AUTHOR_EMAIL: "a@acme.example", GIT_COMMITTER_NAME: author, GIT_COMMITTER_EMAIL: "a@acme.example", GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date } });
const cli = (dir: string, ...args: string[]) => spawnSync(process.execPath, [join(repo, "dist/cli.js"), "-C", dir, "--now", "2026-11-24", "audit", "report", ...args], { env, encoding: "utf8", maxBuffer: 64 << 20 });
const edit = (dir: string, file: string, from: string | RegExp, to: string): void => {
  const text = readFileSync(join(dir, file), "utf8");
  expect(text.replace(from, to)).not.toBe(text);
  writeFileSync(join(dir, file), text.replace(from, to));
};

function example(): string {
  const dir = mkdtempSync(join(tmpdir(), "report-"));
  git(dir, ["init", "-q", "-b", "main"]);
  cpSync(join(repo, "stacks"), join(dir, "stacks"), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  git(dir, ["add", "-A"]);
  git(dir, ["commit", "-qm", "Begin"], "super-admin-1", "2026-10-01T10:00:00Z");
  edit(dir, "stacks/dev/environment.yaml", "plan: agency", "plan: pro");
  git(dir, ["commit", "-qam", "Another plan"], HOSTILE, "2026-11-02T10:00:00Z");
  // Somebody's recipient is replaced in people.yaml and nothing is re-sealed: nobody owns the old one any more.
  const people = readFileSync(join(dir, "stacks/people.yaml"), "utf8");
  const recipient = /^ {4}engineer-1:[\s\S]*?(age1[a-z0-9]{58})/m.exec(people)![1]!;
  edit(dir, "stacks/people.yaml", recipient, `age1${"q".repeat(58)}`);
  mkdirSync(join(dir, "policies"));
  writeFileSync(join(dir, "policies/exceptions.yaml"), `exceptions:\n    - { rule: owned-and-tagged, path: "stacks/prod/environment.yaml#integrations.smtp", reason: "until the </script> contract ends", owner: admin-1, expires: "2026-12-15", link: "https://git.acme.example/review/7" }\n`);
  const twilio = /authToken:[\s\S]*?issueId: (\S+)[\s\S]*?fingerprint: (\S+)/.exec(readFileSync(join(dir, "stacks/prod/secrets.sops.yaml"), "utf8").replaceAll('"', ""))!;
  mkdirSync(join(dir, "stacks/exposures"));
  writeFileSync(join(dir, "stacks/exposures/2026-11-10-leaver-1.yaml"), JSON.stringify({
    id: "2026-11-10-leaver-1", reason: "departure", subject: "leaver-1", recipients: [], on: "2026-11-10", by: "admin-1", past: [], also: { backups: [], dashboards: [], refs: [] },
    lines: [{ environment: "prod", path: "twilio.authToken", class: "standard", issueId: twilio[1], fingerprint: twilio[2], via: ["git"], due: "2026-11-17", rotate: "stackseal rotate start twilio.authToken --env prod --reason departure" }],
  }));
  mkdirSync(join(dir, "stacks/prod/rotations"));
  const head = (id: string, path: string) => ({ rotation: id, environment: "prod", path, kind: "twilio.authToken", class: "standard" as const, strategy: "dual", reason: "scheduled" as const, overlap: "two", graceSeconds: 3600, previous: null, after: null });
  const pair = newSigningKey("admin-1");
  const key = readSigningKey(pair.file)!;
  edit(dir, "stacks/people.yaml", /(^ {4}admin-1:[\s\S]*?signing: \[")[^"]+/m, `$1${pair.publicLine}`);
  const first = newRotationId(new Date("2026-11-03T08:00:00Z"));
  let done = newRecord(head(first, "twilio.authToken"), { step: "proposed", at: "2026-11-03T08:00:00.000Z", actor: "admin-1" }, key);
  for (const [step, at] of [["staged", "2026-11-03T09:00:00.000Z"], ["promoted", "2026-11-03T10:00:00.000Z"], ["revoked", "2026-11-05T09:00:00.000Z"], ["closed", "2026-11-05T10:00:00.000Z"]] as const) done = append(done, { step, at, actor: "admin-1" }, key);
  const second = newRotationId(new Date("2026-11-19T08:00:00Z"));
  const open = append(newRecord(head(second, "vapi.token"), { step: "proposed", at: "2026-11-19T08:00:00.000Z", actor: "admin-1" }, key), { step: "staged", at: "2026-11-20T08:00:00.000Z", actor: "admin-1" }, key);
  for (const [id, r] of [[first, done], [second, open]] as const) writeFileSync(join(dir, "stacks/prod/rotations", `${id}.yaml`), renderRecord(r));
  git(dir, ["add", "-A"]);
  git(dir, ["commit", "-qm", "Much"], "admin-1", "2026-11-20T10:00:00Z");
  return dir;
}

/** Commits that change two settings each, written in one stream. */
function many(dir: string, commits: number): void {
  const text = readFileSync(join(dir, "stacks/dev/environment.yaml"), "utf8");
  const parts: string[] = [];
  for (let n = 0; n < commits; n++) {
    const own = text.replace(/url: https:[^,]+/, `url: https://dev-${n}.acme.example`).replace(/email: \[[^\]]*\]/, `email: [team-${n}@acme.example]`);
    const who = `engineer-${n % 7} <e@acme.example> ${1_793_000_000 + n * 60} +0000`;
    parts.push(`commit refs/heads/main\nauthor ${who}\ncommitter ${who}\ndata 1\nx\n${n === 0 ? "from refs/heads/main^0\n" : ""}M 100644 inline stacks/dev/environment.yaml\ndata ${Buffer.byteLength(own)}\n${own}\n`);
  }
  git(dir, ["fast-import", "--quiet"], "admin-1", "2026-11-20T10:00:00Z", parts.join(""));
  git(dir, ["reset", "-q", "--hard"]);
}
const browserPath = (process.env["PATH"] ?? "").split(":").flatMap((d) => ["chromium", "chromium-browser", "google-chrome"].map((n) => join(d, n))).find((f) => existsSync(f));

let dir = "";
let html = "";
beforeAll(() => {
  dir = example();
  const r = cli(dir, "--out", "report.html", "--json");
  expect(r.stderr).toBe("");
  expect(r.status).toBe(0);
  const said = JSON.parse(r.stdout) as { ok: boolean; counts: Record<string, number>; bytes: number };
  expect(said.counts).toMatchObject({ rotations: 2, exceptions: 1, exposures: 1 });
  html = readFileSync(join(dir, "report.html"), "utf8");
  expect(Buffer.byteLength(html)).toBe(said.bytes);
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe("the page as text", () => {
  it("lets its own script and style run by hash, and nothing else load", () => {
    const csp = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html)![1]!;
    expect(csp).toMatch(/^default-src 'none'; script-src 'sha256-[A-Za-z0-9+/=]{44}'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; base-uri 'none'; form-action 'none'$/);
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html).not.toMatch(/<(img|iframe|link|object|embed)\b|\bsrc=(?!x )| style="|url\(/);
  });
  it("keeps hostile names inside the data, and holds no ciphertext, fingerprint or signature", () => {
    expect(html).not.toContain("<img");
    expect(html).not.toContain("\u202e");
    expect(html).not.toMatch(/ENC\[|"[gh]\d+:[A-Za-z0-9_-]{22}"|SSHSIG|U1NIU0lH/);
  });
  it("asks for a file with --json, refuses what is no date, and says so outside of git", () => {
    expect([cli(dir, "--json").status, cli(dir, "--since", "soon", "--out", "x.html").status]).toEqual([2, 2]);
    expect(existsSync(join(dir, "x.html"))).toBe(false);
    const bare = mkdtempSync(join(tmpdir(), "bare-"));
    const r = cli(bare, "--out", "x.html");
    expect([r.status, existsSync(join(bare, "x.html"))]).toEqual([2, false]);
    expect(r.stderr).toContain("AUDIT_NO_GIT");
  });
  it("takes an environment and a period", () => {
    const page = cli(dir, "--env", "prod", "--since", "2026-11-01", "--until", "2026-11-30").stdout;
    const data = JSON.parse(/id="data">([\s\S]*?)<\/script>/.exec(page)![1]!) as { changes: { at: string; environment: string | null }[]; credentials: { environment: string }[] };
    expect(new Set(data.credentials.map((c) => c.environment))).toEqual(new Set(["prod"]));
    expect(data.changes.length).toBeGreaterThan(0);
    expect(data.changes.filter((c) => c.at < "2026-11-01" || (c.environment ?? "prod") !== "prod")).toEqual([]);
  });
});

describe.skipIf(browserPath === undefined)("the page in Chromium", () => {
  let browser: Browser;
  const asked: string[] = [];
  const errors: string[] = [];
  beforeAll(async () => { browser = await chromium.launch({ executablePath: browserPath!, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] }); });
  afterAll(async () => { await browser.close(); });
  const show = async (file: string, colorScheme: "light" | "dark" = "light"): Promise<Page> => {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(60_000);
    page.on("request", (q) => asked.push(q.url()));
    page.on("console", (m) => { if (m.type() === "error") errors.push(m.text()); });
    page.on("pageerror", (e) => errors.push(e.message));
    await page.goto(pathToFileURL(file).href);
    await page.waitForFunction(() => document.querySelectorAll(".grid:not([data-rows])").length === 0);
    return page;
  };
  const rows = (page: Page, id: string) => page.locator(`#${id} .chunk .row`);
  /** The colour that stands at a point of the window: red, green, blue. */
  const colourAt = async (page: Page, x: number, y: number): Promise<number[]> => {
    const png = (await page.screenshot({ clip: { x, y, width: 1, height: 1 } })).toString("base64");
    const blank = await browser.newPage();
    const colour = await blank.evaluate(async (data) => {
      const g = globalThis as unknown as { createImageBitmap: (b: Blob) => Promise<unknown>; OffscreenCanvas: new (w: number, h: number) => { getContext: (k: string) => { drawImage: (...a: unknown[]) => void; getImageData: (...a: number[]) => { data: Uint8ClampedArray } } } };
      const c = new g.OffscreenCanvas(1, 1).getContext("2d");
      c.drawImage(await g.createImageBitmap(new Blob([Uint8Array.from(atob(data), (x) => x.charCodeAt(0))])), 0, 0);
      return [...c.getImageData(0, 0, 1, 1).data].slice(0, 3);
    }, png);
    await blank.close();
    return colour;
  };

  it("shows every section, with the hostile name as plain text", async () => {
    const page = await show(join(dir, "report.html"));
    expect(await page.locator("section h2").allTextContents()).toEqual(["Credentials by age and due date", "Timeline of changes", "Access matrix", "People, machines and recipients", "Who could open what, and when", "Rotations and overlaps", "Exceptions", "Exposures"]);
    const row = rows(page, "changes").filter({ hasText: "evil" });
    expect(await row.count()).toBe(1);
    expect(await row.textContent()).toContain(`/scriptimg src=x onerror="window.pwned=1"'"&`);
    expect((await rows(page, "changes").allTextContents()).filter((t) => t.includes("exceptionowned-and-tagged"))).toHaveLength(1);
    expect((await rows(page, "changes").allTextContents()).some((t) => t.includes("policies: verdict unknown; deployed: unknown"))).toBe(true);
    // A heading stands above its column.
    const left = async (css: string): Promise<number> => page.locator(css).first().evaluate((n) => { const r = new (globalThis as unknown as { Range: new () => { selectNodeContents(n: unknown): void; getBoundingClientRect(): { x: number } } }).Range(); r.selectNodeContents(n); return r.getBoundingClientRect().x; });
    expect(Math.abs(await left("#changes .top .row > :nth-child(2) button") - await left("#changes .chunk .row > :nth-child(2)"))).toBeLessThan(2);
    expect(await rows(page, "exceptions").textContent()).toContain("until the </script> contract ends");
    expect(await row.textContent()).toContain("⟨U+202E⟩evil");
    expect(await page.evaluate(() => [(globalThis as { pwned?: number }).pwned ?? null, document.images.length])).toEqual([null, 0]);
    await page.close();
  });
  it("tells orphans, open exposures, open rotations and exceptions", async () => {
    const page = await show(join(dir, "report.html"));
    await page.locator("#look").check();
    await page.waitForFunction(() => document.querySelector("#exceptions .none:not([hidden])") !== null);
    expect((await rows(page, "people").allTextContents()).filter((t) => t.includes("a recipient that nobody owns"))).toHaveLength(1);
    expect((await rows(page, "people").allTextContents()).some((t) => t.startsWith("auditor-1") && t.endsWith("declared, no use in git"))).toBe(true);
    expect(await rows(page, "exposures").allTextContents()).toEqual([expect.stringMatching(/twilio\.authToken.*leaver-1.*overdue since 2026-11-17/)]);
    expect(await rows(page, "rotations").allTextContents()).toEqual([expect.stringMatching(/vapi\.token.*open, at staged/)]);
    await page.close();
  });
  it("filters by words, environment, kind and day; Clear brings all back", async () => {
    const page = await show(join(dir, "report.html"));
    const all = await rows(page, "changes").count();
    const count = async (n: number) => { await page.waitForFunction((n) => document.querySelectorAll("#changes .chunk .row").length === n, n); };
    await page.locator("#search").fill("PLATFORM.plan changed");
    await count(1);
    expect(await page.locator("#changes .count").textContent()).toBe(`1 of ${all}`);
    await page.locator("#search").fill("");
    await count(all);
    await page.locator("#env").selectOption("prod");
    await page.locator("#kind").selectOption("rotation");
    await count(2);
    await page.getByRole("button", { name: "Clear" }).click();
    await count(all);
    await page.locator("#from").fill("2026-11-02");
    await page.locator("#until").fill("2026-11-02");
    await count(1);
    await page.locator("#search").fill("nothing has this");
    await page.waitForFunction(() => [...document.querySelectorAll("section .none")].every((n) => !n.hidden));
    await page.close();
  });
  it("works by keyboard: skip link, search, clearing, sorting, scrolling", async () => {
    const page = await show(join(dir, "report.html"));
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the report");
    await page.keyboard.press("/");
    await page.keyboard.type("twilio prod");
    await page.waitForFunction(() => document.querySelectorAll("#credentials .chunk .row").length === 1);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelectorAll("#credentials .chunk .row").length > 10);
    await page.locator("#credentials").getByRole("button", { name: "Credential", exact: true }).focus();
    await page.keyboard.press("Enter");
    const names = await page.locator("#credentials .chunk .row > :nth-child(2)").allTextContents();
    expect(names).toEqual([...names].sort());
    expect(await page.locator('#credentials [aria-sort="ascending"]').textContent()).toContain("Credential");
    const list = page.locator("#changes .scroll");
    await list.focus();
    await page.keyboard.press("End");
    await page.waitForFunction(() => document.querySelector("#changes .scroll")!.scrollTop > 100);
    await page.close();
  });
  it("paints the overlap, in light and in dark", async () => {
    for (const scheme of ["light", "dark"] as const) {
      const page = await show(join(dir, "report.html"), scheme);
      const both = page.locator("#rotations .picture .both").first();
      await both.scrollIntoViewIfNeeded();
      const box = (await both.boundingBox())!;
      const run = (await page.locator("#rotations .picture .run").first().boundingBox())!;
      expect(box.width).toBeGreaterThan(10);
      // The overlap stands within its rotation.
      expect(box.x).toBeGreaterThanOrEqual(run.x - 1);
      expect(box.x + box.width).toBeLessThanOrEqual(run.x + run.width + 1);
      expect(await colourAt(page, box.x + box.width / 2, box.y + box.height / 2)).toEqual(scheme === "light" ? [0xc2, 0x41, 0x0c] : [0xf5, 0x9e, 0x5b]);
      expect(await colourAt(page, 3, 450)).toEqual(scheme === "light" ? [0xfb, 0xfb, 0xfa] : [0x15, 0x18, 0x1c]);
      await page.close();
    }
  });
  it("has nothing serious for axe, in light and in dark", async () => {
    const axe = readFileSync(join(repo, "node_modules/axe-core/axe.min.js"), "utf8");
    for (const scheme of ["light", "dark"] as const) {
      const page = await show(join(dir, "report.html"), scheme);
      await page.evaluate(axe);
      const found = await page.evaluate(async () => (await (globalThis as unknown as { axe: { run: () => Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> } }).axe.run()).violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.slice(0, 2).map((n) => n.html.slice(0, 160)).join(" | ")}`));
      expect(found.filter((f) => /^(serious|critical)/.test(f))).toEqual([]);
      await page.close();
    }
  }, 120_000);
  it("holds 10,000 rows: all there, scrolled to the end, filtered", async () => {
    const big = mkdtempSync(join(tmpdir(), "report-"));
    cpSync(dir, big, { recursive: true });
    many(big, 5000);
    const r = cli(big, "--out", "report.html", "--json");
    expect((JSON.parse(r.stdout) as { counts: { changes: number } }).counts.changes).toBeGreaterThan(10_000);
    const page = await show(join(big, "report.html"));
    expect(await rows(page, "changes").count()).toBeGreaterThan(10_000);
    const list = page.locator("#changes .scroll");
    await list.scrollIntoViewIfNeeded();
    await list.focus();
    await page.keyboard.press("End");
    // What comes into sight gets its true height then, and moves what is below: to the end again until the last rows are what is seen.
    const seen = { first: 0, last: 0 };
    await expect.poll(async () => {
      Object.assign(seen, await list.evaluate((node) => {
        const n = node as unknown as Shown;
        n.scrollTop = n.scrollHeight;
        n.scrollIntoView({ block: "center" });
        const b = n.getBoundingClientRect();
        const at = (y: number): number => Number(document.elementFromPoint(b.x + 40, y)?.closest(".row")?.getAttribute("aria-rowindex") ?? 0);
        return { first: at(b.y + b.height / 2), last: at(b.y + b.height - 20) };
      }));
      return seen.last;
    }, { timeout: 60_000, interval: 300 }).toBe(1 + await rows(page, "changes").count());
    expect(seen.first).toBeGreaterThan(9_900);
    await page.locator("#search").fill("engineer-2 alerts");
    await page.waitForFunction(() => document.querySelectorAll("#changes .chunk .row").length === 714);
    await page.close();
    rmSync(big, { recursive: true, force: true });
  }, 180_000);
  it("prints whole lists, without the filters", async () => {
    const page = await show(join(dir, "report.html"));
    await page.emulateMedia({ media: "print" });
    const list = await page.locator("#changes .scroll").evaluate((n) => [n.clientHeight, n.scrollHeight]);
    expect(list[0]).toBe(list[1]);
    expect(await page.locator(".filters").isVisible()).toBe(false);
    expect((await page.pdf()).subarray(0, 5).toString()).toBe("%PDF-");
    await page.close();
  });
  it("asks the network for nothing, and breaks no rule of its own policy", () => {
    expect(asked.filter((u) => !/^file:.*\/report\.html$/.test(u))).toEqual([]);
    expect(errors).toEqual([]);
  });
});
