import { expect, it } from "vitest";
import { wrap } from "./wrap.ts";

it("breaks between words, goes on with a hanging indent, and loses nothing", () => {
  const text = `stacks/people.yaml:3:5: warning POLICY_ADVICE second-factor: nobody attested a second factor of super-admin-1\n  + file    what it is, and a good deal more about that\nshort\n`;
  const w = wrap(text, 40);
  for (const l of w.split("\n")) expect(l.length).toBeLessThanOrEqual(40);
  expect(w.replace(/\s+/g, " ")).toBe(text.replace(/\s+/g, " "));
  expect(w.split("\n").slice(0, 2)).toEqual(["stacks/people.yaml:3:5: warning", "    POLICY_ADVICE second-factor: nobody"]);
});
it("puts a far column under what it belongs to", () => {
  expect(wrap("  + .github/workflows/deploy.yml      pinned, least permissions, OIDC only", 44)).toBe("  + .github/workflows/deploy.yml\n      pinned, least permissions, OIDC only");
  expect(wrap("  npx stackseal check          everything that can be judged without a key", 44)).toBe("  npx stackseal check\n      everything that can be judged without\n      a key");
});
it("counts no colour, breaks no command, no tree and no word", () => {
  const red = `\u001b[31m${"a ".repeat(19)}b\u001b[39m`;
  expect(wrap(red, 40)).toBe(red);
  const command = `    → stackseal attest second-factor person/super-admin-1 --evidence "what was seen"`;
  expect(wrap(command, 40)).toBe(command);
  expect(wrap(` +  ├─ stackseal:index:SecretStore  ${"x".repeat(30)}`, 40)).toContain("├─ stackseal:index:SecretStore  xxx");
  expect(wrap("x".repeat(90), 40)).toBe("x".repeat(90));
  expect(wrap("日本 ".repeat(12), 20).split("\n").every((l) => l.length <= 14)).toBe(true);
});
