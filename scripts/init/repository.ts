import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Finding } from "../../lib/finding.ts";
import { initCodes } from "./codes.ts";
import type { Ledger } from "./ledger.ts";
import type { Plan } from "./plan.ts";

/** The version of the package that this code stands in. */
export function ownVersion(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); dir !== dirname(dir); dir = dirname(dir)) {
    const file = join(dir, "package.json");
    if (!existsSync(file)) continue;
    const p = JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string };
    if (p.name === "stackseal") return p.version ?? "0.0.0";
  }
  return "0.0.0";
}
/** What makes a folder a project: .gitignore, Pulumi.yaml, package.json with stackseal in it. */
export function makeRepository(plan: Plan, ledger: Ledger): Finding[] {
  ledger.lines(".gitignore", [".stackseal/", "node_modules/", ".env", "*.age", "/approvals/plan.json", "/comment.json", "/verdict.txt"], "what never belongs into git");
  const bin = "node_modules/stackseal/dist";
  ledger.file("Pulumi.yaml", [
    `name: ${plan.project}`, "description: Integration credentials of the platform, per environment", "runtime:", "  name: nodejs", "  options:", "    typescript: false", `main: ${bin}/stacks/index.js`, "stackConfigDir: stacks",
    "plugins:", "  providers:", ...["stripe", "stackseal"].flatMap((n) => [`    - name: ${n}`, `      path: ${bin}/providers/${n}`]), "",
  ].join("\n"), "the program and the providers, for the Pulumi CLI");
  const same = ledger.file("package.json", `${JSON.stringify({ name: plan.project, private: true, type: "module", devDependencies: { stackseal: ownVersion() } }, null, 2)}\n`, "stackseal as a development dependency");
  const file = join(plan.root, "package.json");
  if (same || !existsSync(file) || readFileSync(file, "utf8").includes('"stackseal"')) return [];
  return [initCodes.finding("INIT_KEPT_UNSEEN", { message: "package.json is yours and was kept; it doesn't name stackseal", at: { file: "package.json", line: 1, column: 1 }, hint: "npm install --save-dev --save-exact stackseal" })];
}
