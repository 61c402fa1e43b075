import { existsSync } from "node:fs";
import { join } from "node:path";
import type { SecretClass } from "../../schemas/access.ts";
import { REASONS, type Reason } from "../../schemas/claims.ts";
import { sealedFile } from "../../schemas/layout.ts";
import { adopt, type Adopted } from "../../seal/adopt.ts";
import { openPeppers } from "../../seal/pepper.ts";
import { defineCommand } from "../command.ts";
import { expectedOf, judgeNew, maxAgeOf, maySeal, sealingOf } from "../sealing.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "secret sign",
  summary: "Adopt what the sops CLI wrote: judge it, write its claims and sign them",
  wants: "one",
  args: [{ name: "[paths...]", description: "only these; otherwise all that aren't validly signed" }],
  options: [{ flags: "--reason <reason>", description: "why a value is new; wanted where one is", choices: REASONS }],
  examples: ["sops set stacks/dev/secrets.sops.yaml '[\"twilio\"][\"authToken\"][\"value\"]' … && stackseal secret sign --env dev --reason scheduled"],
  run: async (context, paths, options) => {
    const [env = ""] = knownEnvironments(context);
    const s = sealingOf(context, env);
    const named = paths.map((p) => expectedOf(s.declared.expected, p, env));
    for (const e of named) maySeal(s, e);
    const peppers = await openPeppers(s.root, env, s.declared.tier, s.identities);
    const done: Adopted[] = [];
    for (const cls of ["standard", "payments"] as const satisfies readonly SecretClass[]) {
      const own = named.filter((e) => e.spec.class === cls).map((e) => e.path);
      if ((paths.length && own.length === 0) || !existsSync(join(s.root, sealedFile(env, cls)))) continue;
      const some = s.declared.expected.find((e) => e.spec.class === cls);
      if (paths.length === 0 && some && !allowed(() => { maySeal(s, some); })) continue;
      done.push(...await adopt({ root: s.root, environment: env, tier: s.declared.tier, class: cls, expected: s.declared.expected, paths: own, reason: (options["reason"] as Reason | undefined) ?? null, maxAgeDays: (e) => maxAgeOf(s.declared, e), judge: (e, value) => judgeNew(s, e, value, peppers), people: s.people, identities: s.identities, peppers, signer: s.signer, now: s.now }));
    }
    const text = done.length === 0 ? `nothing to sign in ${env}: every value is signed` : done.map((a) => `signed ${a.path} of ${env}${a.change === "value" ? `: a new value, issue ${a.claims.issueId}` : ""}`).join("\n");
    return { exit: 0, json: { signed: done.map((a) => ({ path: a.path, change: a.change, issueId: a.claims.issueId })) }, text };
  },
});
function allowed(ask: () => void): boolean {
  try {
    ask();
    return true;
  } catch {
    return false;
  }
}
