import { spawnSync } from "node:child_process";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { isOpen } from "../../schemas/rotation-record.ts";
import { defineCommand } from "../command.ts";
import { renderRotations, type Moved } from "../render/rotations.ts";
import { begin, moveOn, once } from "../rotating.ts";
import { mustConfirm, rotatorOptions, withRotator } from "../rotator.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "rotate run",
  summary: "Unattended: go on with what is open and rotate what is due, of the kinds that environment.yaml lists; for a rotator's machine in CI",
  wants: "one",
  options: [{ flags: "--within <days>", description: "rotate what is due within so many days", default: "14d" }, { flags: "--branch <name>", description: "commit the sealed, signed result on this new branch, for a human to review" }, { flags: "--grace <duration>", description: "how long both live, such as 24h" }, ...rotatorOptions],
  examples: ["stackseal rotate run --env prod --yes --branch rotation/prod", "stackseal rotate run --env dev --within 30d --yes --json"],
  run: async (context, _args, options) => {
    const [env = ""] = knownEnvironments(context);
    const within = /^(\d{1,4})d?$/.exec(String(options["within"]))?.[1];
    if (within === undefined) throw new FindingError({ code: "USAGE", severity: "error", message: "--within wants days such as 14d" }, 2);
    mustConfirm(context, `stackseal rotate run --env ${env}`);
    const branch = options["branch"] as string | undefined;
    const git = (...args: string[]): string => {
      const r = spawnSync("git", ["-C", context.root, ...args], { encoding: "utf8", env: context.env });
      if (r.status !== 0) throw new FindingError({ code: "GIT_FAILED", severity: "error", message: `git ${args[0] ?? ""} failed: ${(r.stderr || "").split("\n")[0] ?? ""}`, hint: "the rotations stand in the working tree; commit them by hand" }, 2);
      return r.stdout;
    };
    if (branch !== undefined) git("check-ref-format", "--branch", branch);
    return withRotator(context, env, options, async (r) => {
      const [{ due }, { readRecords }, { signersIn }, { mayGoUnattended }] = await Promise.all([import("../../rotation/due.ts"), import("../../rotation/record.ts"), import("../../rotation/signers.ts"), import("../../schemas/rotation.ts")]);
      const listed = (kind: string): boolean => r.declared.environment.rotation?.unattended?.includes(kind) === true && r.declared.credentials.some((c) => c.kind === kind && c.spec.class === "standard" && mayGoUnattended(c.rotation));
      const open = readRecords(r.root, env, signersIn(r)).records.map((k) => k.record).filter((x) => isOpen(x) && listed(x.kind));
      const todo = due([r.declared], context.clock, Number(within)).filter((d) => listed(d.kind) && !open.some((o) => o.path === d.path));
      const moved: Moved[] = [];
      const findings: Finding[] = [];
      let exit = 0;
      for (const work of [...open.map((o) => () => Promise.resolve(o.rotation)), ...todo.map((d) => async () => (await begin(r, { path: d.path, reason: "scheduled" })).rotation)]) {
        try {
          const m = await moveOn(r, await work());
          moved.push(m.moved);
          findings.push(...m.findings);
          exit = Math.max(exit, m.exit);
        } catch (e) {
          if (!(e instanceof FindingError)) throw e;
          // Its turn comes with a later run, once the overlap before it is over.
          if (e.findings.every((f) => f.code === "ROTATION_STORE_BUSY")) {
            findings.push(...e.findings.map((f): Finding => ({ ...f, severity: "info", hint: "a later run rotates it" })));
            continue;
          }
          findings.push(...e.findings);
          exit = Math.max(exit, e.exit);
        }
      }
      if (branch !== undefined && git("status", "--porcelain", "--", `stacks/${env}`).trim() !== "") {
        git("switch", "-c", branch);
        git("add", "--", `stacks/${env}`);
        git("commit", "-q", "-m", `Rotate ${moved.map((m) => m.path).join(", ")} of ${env}`);
      }
      const shown = renderRotations(context, env, moved);
      return { exit, findings: once(findings), json: { ...shown.json, branch: branch ?? null }, text: moved.length ? shown.text : `nothing that may go unattended is due within ${within} days` };
    });
  },
});
