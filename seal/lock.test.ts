import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clearLeftovers } from "../lib/atomic.ts";

/** Counts up under the lock, and says so where anybody else is inside, or the lock is seen without its owner. Every fourth one dies inside, half-written. */
const WORKER = `
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import { withLock } from "./lock.ts";
const [path = "", rounds = "0", dies = ""] = process.argv.slice(2);
const alive = (pid) => { try { process.kill(pid, 0); return true; } catch { return false; } };
for (let done = 0; done < Number(rounds); ) {
  try {
    await withLock(path, "counter", async () => {
      let other = 0;
      try { other = Number(readFileSync(path + ".inside", "utf8")); } catch {}
      if (other && alive(other)) console.log("OVERLAP");
      writeFileSync(path + ".inside", String(process.pid));
      const n = Number(readFileSync(path, "utf8"));
      await new Promise((r) => setTimeout(r, 1));
      if (readFileSync(path + ".inside", "utf8") !== String(process.pid)) console.log("OVERLAP");
      writeAtomic(path, String(n + 1));
      writeSync(1, "1\\n");
      if (dies && done === 3) {
        const fd = openSync(join(dirname(path), ".0123456789ab." + process.pid + ".tmp"), "w"); writeSync(fd, "half"); closeSync(fd);
        process.kill(process.pid, "SIGKILL");
        await new Promise(() => {});
      }
      rmSync(path + ".inside");
    });
    done++;
  } catch (e) {
    if (e.findings?.[0]?.code !== "SEAL_LOCKED") { console.log(String(e)); process.exit(1); }
    if (/process 0 /.test(e.findings[0].message)) console.log("NOBODY");
    let seen = "-";
    try { seen = readFileSync(path + ".lock", "utf8"); } catch {}
    if (seen === "") console.log("EMPTY");
    await new Promise((r) => setTimeout(r, Math.random() * 8));
  }
}
`;
let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "lock-"));
  buildSync({ stdin: { contents: WORKER, resolveDir: resolve(import.meta.dirname), loader: "ts" }, bundle: true, platform: "node", format: "esm", outfile: join(dir, "worker.mjs") });
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe("a file's lock", () => {
  it("lets one of many processes in at a time, passes a dead one's on, and clears what that left", async () => {
    const folder = mkdtempSync(join(dir, "contended-"));
    const path = join(folder, "counter");
    writeFileSync(path, "0");
    const out = await Promise.all(Array.from({ length: 8 }, (_, i) => new Promise<string>((done) => {
      const child = spawn(process.execPath, [join(dir, "worker.mjs"), path, "15", i % 4 === 0 ? "dies" : ""], { stdio: ["ignore", "pipe", "inherit"] });
      let text = "";
      child.stdout.on("data", (c: Buffer) => { text += c.toString(); });
      child.on("close", () => { done(text); });
    })));
    const lines = out.join("").split("\n").filter((l) => l !== "");
    expect(lines.filter((l) => l !== "1")).toEqual([]);
    expect(lines).toHaveLength(6 * 15 + 2 * 4);
    expect(Number(readFileSync(path, "utf8"))).toBe(lines.length);
    expect(readdirSync(folder).filter((f) => f !== "counter")).toEqual([]);
  }, 120_000);
  it("leaves alone what a living process writes, and takes what has no owner only when it is old", () => {
    const folder = mkdtempSync(join(dir, "left-"));
    const [mine, dead, old, fresh] = [`.aaaaaaaaaaaa.${String(process.pid)}.tmp`, ".bbbbbbbbbbbb.999999999.tmp", ".cccccccccccc.tmp", ".dddddddddddd.tmp"].map((f) => join(folder, f)) as [string, string, string, string];
    for (const f of [mine, dead, old, fresh]) writeFileSync(f, "x");
    utimesSync(old, new Date(Date.now() - 10_000), new Date(Date.now() - 10_000));
    writeFileSync(join(folder, "other.tmp"), "x");
    clearLeftovers(folder);
    expect([mine, dead, old, fresh].map((f) => existsSync(f))).toEqual([true, false, false, true]);
    expect(existsSync(join(folder, "other.tmp"))).toBe(true);
  });
});
