import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { Git } from "./git.ts";
import { objectsAhead } from "./git-ahead.ts";

const dir = mkdtempSync(join(tmpdir(), "ahead-"));
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });
const env = { PATH: process.env["PATH"] ?? "" };
const put = (text: string): string => execFileSync("git", ["hash-object", "-w", "--stdin"], { cwd: dir, env, input: text, encoding: "utf8" }).trim();
async function* list<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let n = 0; n < items.length; n += 1 + (n % 7)) yield await Promise.resolve(items.slice(n, n + 1 + (n % 7)));
}

it("gives every item its objects in order, however many items want none, objects are missing, or objects are large", async () => {
  execFileSync("git", ["init", "-q", dir], { env });
  const counted = Array.from({ length: 400_000 }, (_, n) => String(n)).join(" ");
  const [small, large, empty, umlaut] = [put("small"), put(counted), put(""), put("größer\n")];
  const missing = "0123456789012345678901234567890123456789";
  const items = Array.from({ length: 3000 }, (_, n) => (n % 3 === 0 ? [] : n % 500 === 1 ? [large, missing] : n === 1000 ? [umlaut, empty] : [small]));
  const got: (string | null)[][] = [];
  for await (const ready of objectsAhead(new Git(dir, env), list(items), (i) => i))
    for (const { item, objects } of ready) {
      expect(objects.length).toBe(item.length);
      got.push(objects.map((o) => o?.toString("utf8") ?? null));
    }
  expect(got.length).toBe(items.length);
  expect([got[1]?.[0] === counted, got[1]?.[1]]).toEqual([true, null]);
  expect(got[1000]).toEqual(["größer\n", ""]);
  expect(got.filter((o) => o[0] === "small").length).toBe(items.filter((i) => i[0] === small).length);
});
it("waits for no object that git holds back until more are asked for, however many items want none", async () => {
  const small = put("small");
  let seen = 0;
  for await (const ready of objectsAhead(new Git(dir, env), list(Array.from({ length: 9000 }, (_, n) => n)), (n) => (n === 0 ? [small] : []))) seen += ready.length;
  expect(seen).toBe(9000);
}, 20_000);
it("ends when the caller has enough, and passes on what goes wrong in front of it", async () => {
  const small = put("small");
  let asked = 0;
  async function* endless(): AsyncGenerator<readonly string[]> {
    for (;;) {
      asked++;
      yield await Promise.resolve([small]);
    }
  }
  for await (const [first] of objectsAhead(new Git(dir, env), endless(), (i) => [i])) {
    expect(first?.objects.map(String)).toEqual(["small"]);
    break;
  }
  expect(asked).toBeLessThan(10_000);
  async function* broken(): AsyncGenerator<readonly string[]> {
    yield await Promise.resolve([small]);
    throw new Error("no more");
  }
  const seen: string[] = [];
  await expect((async () => { for await (const ready of objectsAhead(new Git(dir, env), broken(), (i) => [i])) seen.push(...ready.map((r) => r.item)); })()).rejects.toThrow("no more");
  expect(seen).toEqual([small]);
});
