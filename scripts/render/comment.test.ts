import { expect, it } from "vitest";
import { code, LIMIT, MARKER, renderComment, type Comment } from "./comment.ts";

const summary = { create: 1, update: 0, replace: 0, delete: 0, same: 0 };
const comment = (more: Partial<Comment>): Comment => ({ ok: true, compared: "x", environments: [], access: [], findings: [], exceptions: [], exposures: [], digest: "d", approval: "a", needsSuperAdmin: false, reproduce: "stackseal preview", ...more });
const HOSTILE = ["`</code><script>alert(1)</script>", "@everyone [x](javascript:alert(1)) ![i](http://evil.example/p.png)", "a|b\n| c |\n<!-- x", "&lt;img src=x onerror=1&gt;", "</details><details open>", "#1 :boom: **b** _i_ ~~s~~ http://evil.example www.evil.example", "\u202eevil\u0007\u001b[31m"];

it.each(HOSTILE)("leaves nothing to interpret of %j", (text) => {
  const inner = code(text).slice(6, -7);
  expect(inner.replace(/&#\d+;/g, "")).toMatch(/^[A-Za-z0-9 /.\-\u00a1-\uffff]*$/u);
  expect(inner).not.toMatch(/www\.|[\u202a-\u202e\u0000-\u001f]/u);
});
it("puts every field of others through it", () => {
  const h = HOSTILE.join(" ");
  const urn = `urn:pulumi:dev::p::a:b:C::${h}`;
  const text = renderComment(comment({
    compared: h, reproduce: h, digest: h, approval: h,
    environments: [{ name: h, tier: h, summary, steps: [{ op: h, urn, diff: [h] }, { op: "update", urn, diff: [h] }], credentials: [{ path: h, change: "added", kind: h, class: "standard", ageDays: 1 }], violations: [{ policy: h, level: h, urn, message: h, place: h }] }],
    access: [{ who: h, role: h, change: "gains", tier: "local", class: "standard", verbs: ["open"] }], findings: [{ code: h, severity: "error", message: h, path: h }],
    exceptions: [{ rule: h, where: h, owner: h, expires: h }], exposures: [{ exposure: h, subject: h, environment: h, path: h, due: h }],
  }));
  const bare = text.replace(/<code>.*?<\/code>/gs, "").replace(/<pre>.*?<\/pre>/gs, "").replace(/<\/?details(?: open)?>|<\/?summary>/g, "").replace(MARKER, "");
  expect(bare).not.toMatch(/[<`@]|script|evil|http/);
  // As many cells in each row of a table as in its head.
  for (const block of text.split("\n\n").filter((b) => b.startsWith("|"))) expect(new Set(block.split("\n").map((l) => l.split("|").length)).size).toBe(1);
});
it("stays under the host's limit whatever there is, and says what was left out", () => {
  const long = "x".repeat(5000);
  const steps = Array.from({ length: 3000 }, (_, i) => ({ op: "create", urn: `urn:pulumi:dev::p::a:b:C::${long}${i}`, diff: [] }));
  const text = renderComment(comment({ environments: Array.from({ length: 50 }, (_, i) => ({ name: `e${i}`, tier: "staging", summary, steps, credentials: [], violations: [] })), findings: Array.from({ length: 2000 }, (_, i) => ({ code: "X", severity: "error" as const, message: `${long} ${i}` })) }));
  expect(text.length).toBeLessThan(LIMIT);
  expect(text).toContain("more: run the command below");
  expect(text.startsWith(MARKER)).toBe(true);
});
it("says how a conflict in a sealed file is merged, where a credential changes and nowhere else", () => {
  const environment = { name: "dev", tier: "development", summary, steps: [], violations: [] };
  const hint = "If the host reports a conflict in a sealed file";
  expect(renderComment(comment({ environments: [{ ...environment, credentials: [{ path: "twilio.authToken", change: "re-issued", kind: "twilio.authToken", class: "standard", ageDays: 0 }] }] }))).toContain(hint);
  expect(renderComment(comment({ environments: [{ ...environment, credentials: [] }] }))).not.toContain(hint);
});
it("tells what is advised from what is violated, names the properties whole, and leaves out an environment of which only old advice is to be said", () => {
  const violation = (level: string): Comment["environments"][number]["violations"][number] => ({ policy: "second-factor", level, urn: "urn:pulumi:dev::p::a:b:C::x", message: "m", place: "stacks/dev/environment.yaml:14:1" });
  const environment = { name: "dev", tier: "development", summary, credentials: [], violations: [violation("advisory"), violation("mandatory"), violation("advisory")], steps: [{ op: "update", urn: "urn:pulumi:dev::p::a:b:C::x", diff: ["policy", "enabledEvents"] }] };
  const text = renderComment(comment({ environments: [environment, { ...environment, name: "prod", steps: [], violations: [violation("advisory")] }] }));
  expect(text).toContain("| 1 violated, 2 advised |");
  expect(text).toContain("<summary>Policies (1 violated, 2 advised)</summary>");
  expect(text).toContain("<code>policy</code>, <code>enabledEvents</code> |");
  expect(text).toContain("Not concerned: <code>prod</code>.");
});
