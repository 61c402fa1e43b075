import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { isoDate } from "../../lib/clock.ts";
import { readProject } from "../../stacks/read.ts";
import { readPeople } from "../../seal/deploy.ts";
import { defineCommand } from "../command.ts";
import { ownedFiles } from "../owners/derive.ts";
import { hostsHere, ownedPlaces, OWNERS_FILES, ownersNow } from "../owners/files.ts";
import { ownerCodes, ownerFindings, OWNERS_MARK } from "../owners/render.ts";

export default defineCommand({
  name: "access owners",
  summary: "CODEOWNERS, from the access matrix and people.yaml: who must review a change of which file",
  wants: "none",
  options: [
    { flags: "--write", description: "write .github/CODEOWNERS (or .gitlab/CODEOWNERS); one that isn't ours is kept" },
    { flags: "--check", description: "say whether the file is as it should be; write nothing" },
  ],
  examples: ["stackseal access owners", "stackseal access owners --write", "stackseal access owners --check --json"],
  run: (context, _args, options) => {
    const people = readPeople(context.root, "");
    const project = readProject(context.root, { clock: context.clock });
    const files = ownedFiles(people, ownedPlaces(project), isoDate(context.clock.now()));
    const text = ownersNow(people, project, context.clock.now());
    const hosts = hostsHere(context.root);
    const file = OWNERS_FILES[hosts.length === 1 && hosts[0] === "gitlab" ? "gitlab" : "github"];
    const there = existsSync(join(context.root, file)) ? readFileSync(join(context.root, file), "utf8") : null;
    const findings = ownerFindings(files);
    const json = { file, current: there === text, owners: files.map((f) => ({ pattern: f.pattern, owners: f.owners.map((o) => ({ name: o.name, role: o.role, handle: o.handle ?? null })) })) };
    const stale = ownerCodes.finding("OWNERS_STALE", { severity: "error", message: there === null ? `${file} isn't there` : `${file} names others than may change these files now`, at: { file, line: 1, column: 1 }, hint: "stackseal access owners --write" });
    if (options["check"] === true) return Promise.resolve(there === text ? { exit: 0, findings, json, text: `${file} is up to date\n` } : { exit: 1, findings: [stale, ...findings], json });
    if (options["write"] !== true) return Promise.resolve({ exit: 0, findings, json, text });
    const mine = there !== null && !there.startsWith(OWNERS_MARK);
    if (mine) return Promise.resolve({ exit: 1, findings: [{ ...stale, message: `${file} is yours: it was kept`, hint: "move it away, or add what stackseal access owners prints" }, ...findings], json });
    if (there !== text) writeAtomic(join(context.root, file), text);
    return Promise.resolve({ exit: 0, findings, json: { ...json, current: true }, text: there === text ? `${file} is up to date\n` : `wrote ${file}: ${files.length} lines\n` });
  },
});
