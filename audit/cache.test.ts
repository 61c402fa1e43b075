import { appendFileSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CommitCache } from "./cache.ts";

const id = (n: number, length = 40): string => createHash("sha512").update(String(n)).digest("hex").slice(0, length);
const value = (n: number): object => ({ n, text: "ä".repeat(n === 7 ? 1_500_000 : (n * 37) % 900) });

it("gives back what was put, in any order, over more than its window of lines short and long; not a torn one, nor another version's", () => {
  const file = join(mkdtempSync(join(tmpdir(), "cache-")), "deep/audit.log");
  const first = new CommitCache(file, "0123456789abcdef");
  for (let n = 0; n < 5000; n++) first.put(id(n), value(n));
  first.put(id(1, 64), { long: true });
  first.close();
  const again = new CommitCache(file, "0123456789abcdef");
  for (const n of [0, 1, 2, 7, 8, 4999, 3, 2500, 2501, 7]) expect(again.get(id(n))).toEqual(value(n));
  for (let n = 0; n < 5000; n++) expect((again.get(id(n)) as { n: number } | null)?.n).toBe(n);
  expect([again.get(id(1, 64)), again.get(id(9999))]).toEqual([{ long: true }, null]);
  again.put(id(6000), { late: true });
  again.close();
  truncateSync(file, readFileSync(file).length - 4);
  const torn = new CommitCache(file, "0123456789abcdef");
  expect([torn.get(id(6000)), torn.get(id(4999))]).toEqual([null, value(4999)]);
  torn.close();
  appendFileSync(file, `\nnonsense}\n${id(8000)} {broken}\n`);
  const odd = new CommitCache(file, "0123456789abcdef");
  expect([odd.get("nonsense"), odd.get(id(8000)), odd.get(id(3))]).toEqual([null, null, value(3)]);
  odd.close();
  expect(new CommitCache(file, "fedcba9876543210").get(id(3))).toBeNull();
  writeFileSync(file, "");
  expect(new CommitCache(file, "0123456789abcdef").get(id(3))).toBeNull();
});
