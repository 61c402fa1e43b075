import { isoDate } from "../../lib/clock.ts";
import { members, type People } from "../../schemas/people.ts";
import { LOCAL, LOCAL_PEOPLE_FILE, sealedFile } from "../../schemas/layout.ts";
import { parsePeople } from "../../schemas/parse.ts";
import { readDocument } from "../../lib/document.ts";
import { readClear } from "../../seal/clear.ts";
import { dueAt, readProject } from "../../stacks/read.ts";
import { defineCommand } from "../command.ts";
import { painter } from "../render/paint.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "secret list",
  summary: "List an environment's credentials from their public claims; never decrypts",
  wants: "one",
  examples: ["stackseal secret list --env prod", "stackseal secret list --env dev --json"],
  run: (context) => {
    const [env = ""] = knownEnvironments(context);
    const project = readProject(context.root, { only: [env], clock: context.clock });
    const d = project.environments[0];
    if (!d) return Promise.resolve({ exit: 1, findings: project.findings });
    const own = env === LOCAL ? readDocument(context.root, LOCAL_PEOPLE_FILE).document : null;
    const people: People | null = env === LOCAL ? (own && parsePeople(own).value) : project.people;
    const names = new Map(people ? members(people).flatMap((m) => m.entry.recipients.map((r) => [r, m.name] as const)) : []);
    const recipients = Object.fromEntries((["standard", "payments"] as const).map((cls) => [cls, (readClear(context.root, sealedFile(env, cls)).sealed?.sops.recipients ?? []).map((r) => names.get(r.recipient) ?? r.recipient)]));
    const credentials = d.credentials.map((c) => ({ path: c.path, kind: c.kind, class: c.spec.class, mode: c.claims.mode ?? null, fingerprint: c.claims.fingerprint, issuedAt: c.claims.issuedAt, dueAt: isoDate(dueAt(c.claims)), recipients: recipients[c.spec.class] ?? [] }));
    const p = painter(context.color);
    const width = Math.max(4, ...credentials.map((c) => c.path.length));
    const late = (due: string): boolean => due < isoDate(context.clock.now());
    const text = [p.bold(`${"Path".padEnd(width)}  Class     Mode  Issued      Due`), ...credentials.map((c) => `${c.path.padEnd(width)}  ${c.class.padEnd(8)}  ${(c.mode ?? "–").padEnd(4)}  ${c.issuedAt}  ${late(c.dueAt) ? p.red(c.dueAt) : c.dueAt}`)].join("\n");
    return Promise.resolve({ exit: 0, findings: project.findings.filter((f) => f.severity === "error"), json: { credentials }, text });
  },
});
