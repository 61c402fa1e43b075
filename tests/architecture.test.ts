import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** What each room may import, besides itself. Data flows one way. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  schemas: ["lib"],
  seal: ["lib", "schemas"],
  scan: ["lib", "schemas", "seal"],
  history: ["lib", "schemas", "seal"],
  stacks: ["lib", "schemas", "seal"],
  policies: ["lib", "schemas", "seal", "scan", "stacks"],
  providers: ["lib", "schemas", "seal"],
  engine: ["lib", "schemas", "seal", "stacks", "policies", "providers"],
  sandbox: ["lib", "schemas", "providers"],
  doctor: ["lib", "schemas", "seal"],
  rotation: ["lib", "schemas", "seal", "stacks", "providers", "doctor"],
  audit: ["lib", "schemas", "seal", "history", "policies"],
  backup: ["lib", "schemas", "seal", "stacks", "providers"],
  scripts: ["lib", "schemas", "seal", "scan", "history", "stacks", "policies", "providers", "engine", "sandbox", "doctor", "rotation", "audit", "backup"],
};

function* sources(dir: string): Generator<string> {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    if (e.name === "node_modules" || e.name === "dist" || e.name === "json") continue;
    const path = join(dir, e.name);
    if (e.isDirectory()) yield* sources(path);
    else if (e.name.endsWith(".ts") && !e.name.endsWith(".test.ts")) yield path;
  }
}
const rooms = readdirSync(root, { withFileTypes: true }).filter((e) => e.isDirectory() && e.name in MAY).map((e) => e.name);
const imports = (file: string): string[] =>
  [...readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map((m) => relative(root, resolve(dirname(file), m[1]!)).split("/")[0]!);

describe.each(rooms)("room %s", (room) => {
  it("imports only from rooms before it", () => {
    const wrong = [...sources(join(root, room))].flatMap((f) => imports(f).filter((r) => r !== room && !MAY[room]!.includes(r)).map((r) => `${relative(root, f)} → ${r}`));
    expect(wrong).toEqual([]);
  });
});

it("reads process.env and exits in cli.ts and the plugins' mains alone", () => {
  const allowed = new Set(["scripts/cli.ts", "providers/stripe/main.ts", "providers/stackseal/main.ts", "sandbox/aws/main.ts", "stacks/index.ts"]);
  const wrong = rooms.flatMap((r) => [...sources(join(root, r))]).map((f) => relative(root, f)).filter((f) => !allowed.has(f) && /\bprocess\.(env\b|exit\()/.test(readFileSync(join(root, f), "utf8")));
  expect(wrong).toEqual([]);
});
