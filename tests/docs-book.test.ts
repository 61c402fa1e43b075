import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { kinds } from "../schemas/integrations/index.ts";

const repo = resolve(import.meta.dirname, "..");
const project = (): string => {
  const root = mkdtempSync(join(tmpdir(), "book-"));
  for (const f of ["stacks", "policies", "Pulumi.yaml"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  return root;
};
const run = (root: string, ...args: string[]): { code: number | null; out: string; err: string } => {
  const r = spawnSync(process.execPath, [join(repo, "dist/cli.js"), "-C", root, ...args], { encoding: "utf8", env: { PATH: process.env["PATH"] ?? "", NO_COLOR: "1" }, maxBuffer: 64 << 20 });
  return { code: r.status, out: r.stdout, err: r.stderr };
};

describe("the configuration book", () => {
  it("names every declared URL, event, variable, credential and runbook, and no ciphertext", () => {
    const { out, code } = run(project(), "docs");
    expect(code).toBe(0);
    for (const word of ["https://dev.acme.example/webhooks/stripe", "payment\\_intent.succeeded", "TWILIO\\_AUTH\\_TOKEN", "call.completed", "https://hooks.partner.example/acme-dev", "platform-team@acme.example", "super-admin", "MAIL\\_PASSWORD", "stackseal doctor --only smtp"]) expect(out, word).toContain(word);
    for (const kind of kinds()) expect(out).toContain(`${kind.split(".")[0] ?? ""}.`);
    expect(out).not.toContain("ENC[");
  });
  it("is watched: up to date, then stale, for itself and for check", () => {
    const root = project();
    expect(run(root, "docs", "--out", "docs/configuration.md").code).toBe(0);
    expect(run(root, "docs", "--out", "docs/configuration.md", "--check").code).toBe(0);
    const file = join(root, "stacks/dev/environment.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("acme-dev, events", "acme-two, events"));
    const stale = run(root, "docs", "--out", "docs/configuration.md", "--check");
    expect([stale.code, stale.err.includes("DOCS_STALE")]).toEqual([1, true]);
    expect(run(root, "check").err).toContain("DOCS_STALE");
  });
  it("makes a page in which no name is markup", () => {
    const root = project();
    const file = join(root, "stacks/dev/environment.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("name: Acme Dev", "name: '<img src=x onerror=alert(1)> | *x*'"));
    expect(run(root, "docs", "--env", "dev", "--out", "book.html").code).toBe(0);
    const html = readFileSync(join(root, "book.html"), "utf8");
    expect(html).toContain("&lt;img src=x onerror=alert(1)&gt; | *x*");
    expect(html).not.toMatch(/<img|<script|https?:\/\/[^"<]*\.js/);
  });
  it("shows hidden signs, and nothing of what may be a credential in an address", () => {
    const root = project();
    const file = join(root, "stacks/dev/environment.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("name: Acme Dev", `name: "\\u202eevil \`x\` &amp; e${"\\u0301".repeat(9)}"`).replace("https://hooks.partner.example/acme-dev", "https://hooks.partner.example/acme-dev?region=eu&token=sekret#x"));
    for (const out of ["book.md", "book.html"]) {
      expect(run(root, "docs", "--env", "dev", "--out", out)).toMatchObject({ code: 0 });
      const text = readFileSync(join(root, out), "utf8");
      expect(text).toContain("⟨U+202E⟩evil");
      expect(text).toContain("⟨5 more marks⟩");
      expect(text).toContain(out.endsWith("md") ? "acme-dev?region=…\\&token=…\\#x" : "acme-dev?region=…&amp;token=…#x");
      expect(text).not.toContain("sekret");
      expect(text).toContain(out.endsWith("md") ? "evil \\`x\\` \\&amp;" : "evil `x` &amp;amp;");
    }
  });
  it("is not written without an environment that can't be read", () => {
    const root = project();
    const file = join(root, "stacks/dev/environment.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("tier: development", "tier: other"));
    const r = run(root, "docs", "--out", "book.md");
    expect([r.code, r.err.includes("stacks/dev/environment.yaml:3:7: error"), existsSync(join(root, "book.md"))]).toEqual([2, true, false]);
    expect(run(root, "docs", "--env", "prod", "--out", "book.md").code).toBe(0);
  });
});
