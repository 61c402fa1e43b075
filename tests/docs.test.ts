import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { newSigningKey } from "../seal/signature.ts";
import { expand } from "../schemas/template.ts";
import { makeBase, project, repo } from "./sealed-project.ts";

// Every command block of the documentation is run, page by page, in a project with example people, as a Super Admin.

interface Block { page: string; line: number; text: string; skip: string | null }
function blocks(page: string): Block[] {
  const text = readFileSync(join(repo, page), "utf8");
  return [...text.matchAll(/(?:<!-- not run: ([^\n]+) -->\n)?```sh\n([\s\S]*?)```/g)].map((m) => ({ page, line: text.slice(0, m.index).split("\n").length, text: m[2]!, skip: m[1] ?? null }));
}
const pages = ["SECURITY.md", ...readdirSync(join(repo, "docs"), { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".md")).map((f) => `docs/${f}`)];
const executed = pages.filter((p) => blocks(p).some((b) => b.skip === null));
beforeAll(makeBase);

describe("the documentation", () => {
  it.each(executed)("%s: its commands run", { timeout: 300_000 }, async (page) => {
    // A new user has an empty folder and no key.
    const fresh = page === "docs/first-hour.md";
    const dir = fresh ? join(mkdtempSync(join(tmpdir(), "docs-")), "acme") : project();
    if (fresh) mkdirSync(dir);
    if (!fresh) for (const f of ["environment.yaml", "payments.yaml"]) {
      mkdirSync(join(dir, "stacks/local"), { recursive: true });
      cpSync(join(repo, "stacks/local", f), join(dir, "stacks/local", f));
    }
    if (!fresh) writeFileSync(join(dir, ".gitignore"), ".stackseal/\nkeys/\ntypes/\n/approvals/plan.json\n");
    const env = {
      PATH: process.env["PATH"] ?? "", HOME: dirname(dir), GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@acme.example", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@acme.example",
      ...(!fresh && { SOPS_AGE_KEY_FILE: join(dir, "keys/super-admin-1.age"), STACKSEAL_SIGNING_KEY: join(dir, "keys/super-admin-1.ssh") }), NODE: process.execPath, CLI: join(repo, "dist/cli.js"),
      NEW_TOKEN: expand("{hex:32}"), NEW_KEY: expand("sk_test_{alnum:24}"), RECIPIENT: await recipientOf(await newIdentity()), SIGNING: newSigningKey("engineer-2").publicLine,
    };
    if (!fresh) for (const args of [["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]]) expect(spawnSync("git", args, { cwd: dir, env }).status).toBe(0);
    for (const b of blocks(page)) {
      if (b.skip !== null) continue;
      const r = spawnSync("bash", ["-e", "-o", "pipefail", "-c", `stackseal() { "$NODE" "$CLI" --now 2026-11-24 "$@"; }\n${b.text}`], { cwd: dir, env, encoding: "utf8", input: "" });
      expect([`${b.page}:${b.line}`, r.status, r.status === 0 ? "" : r.stdout.slice(-1500) + r.stderr.slice(-3000)]).toEqual([`${b.page}:${b.line}`, 0, ""]);
    }
  });
  it("says of each block that isn't run why", () => {
    for (const b of pages.flatMap(blocks)) if (b.skip !== null) expect(b.skip.length, `${b.page}:${b.line}`).toBeGreaterThan(10);
  });
  it("links only to what is there", () => {
    for (const page of pages) for (const m of readFileSync(join(repo, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)/g)) expect(existsSync(join(repo, dirname(page), m[1]!)), `${page} → ${m[1]!}`).toBe(true);
  });
});
