import type { SecretClass } from "../../schemas/access.ts";
import { stackName, type StackPart } from "../../schemas/layout.ts";
import { deployerOf, hostEnvironment } from "./names.ts";
import { run, type Job, type Place, type Step, type Variables } from "./step.ts";
import { PLAN, TIER_ORDER, type Kit } from "./kit.ts";

const OPENER: Variables = { SOPS_AGE_KEY_FILE: { of: "identity" } };
const SIGNER: Variables = { STACKSEAL_SIGNING_KEY: { of: "signing" } };

/** A stack a job: what was approved and nothing else, then the doctor. What staging was found to be is signed before production's jobs may begin. */
export function deployJobs(kit: Kit): Job[] {
  return kit.o.places.flatMap((p) => {
    const classes: SecretClass[] = p.payments ? ["standard", "payments"] : ["standard"];
    return [...classes.map((cls) => deploy(kit, p, cls)), ...(p.tier === "staging" ? [staged(kit, p, classes)] : [])];
  });
}
export const jobOf = (p: Pick<Place, "name">, cls: SecretClass): string => `deploy-${stackName(p.name, cls)}`;
export const fetchIdentity = (kit: Kit, p: Place, role: string, more: Variables = {}): Step =>
  run("Fetch the machine's age identity", kit.cli(`identity fetch --env ${p.name} --role ${role}`), { ...OPENER, ...more });
export const forget = (variables: Variables): Step => run("Remove the identity", `rm -f ${Object.keys(variables).map((v) => `"$${v}"`).join(" ")}`, variables, true);
export const exportState = (kit: Kit, p: Place, part: StackPart, folder = "", always = false): Step =>
  run(`Export the state of ${stackName(p.name, part)}`, kit.cli(`export --env ${p.name} --part ${part} --file ${folder}${stackName(p.name, part)}.json`), kit.backend(p), always);
export { OPENER };

function deploy(kit: Kit, p: Place, cls: SecretClass): Job {
  const stack = stackName(p.name, cls);
  const role = deployerOf(cls);
  const production = p.tier === "production";
  return {
    id: jobOf(p, cls), name: cls === "payments" ? `Deploy ${p.name}'s payments (Super Admins release it)` : `Deploy ${p.name}`, stage: "deploy",
    needs: ["bundle", ...(cls === "payments" ? [jobOf(p, "standard")] : before(kit, p))], environment: hostEnvironment(p, role), oidc: true,
    // Production asks the code host who approved the pull request.
    ...(production && { grants: ["pull-requests: read"] as const }),
    steps: [
      ...kit.unpack, ...(production ? stagings(kit).map((s): Step => ({ kind: "fetch", name: `staged-${s.name}`, into: "approvals" })) : []), { kind: "pulumi" }, ...kit.cloud(p, role), fetchIdentity(kit, p, role),
      run("Deploy what was approved", kit.cli(`up --env ${p.name} --part ${cls} --plan ${PLAN}${production ? ' --base "$BASE"' : ""} --yes`), { ...kit.backend(p), ...OPENER, ...(production && { BASE: { of: "before" }, GITHUB_TOKEN: { of: "token" } }) }),
      ...(p.tier === "staging"
        ? [run("Doctor", kit.cli(`doctor --env ${p.name} --part ${cls} --json > doctor-${stack}.json`), OPENER), exportState(kit, p, cls), { kind: "keep", name: `deployed-${stack}`, path: `doctor-${stack}.json\n${stack}.json`, days: 7 } as const]
        : [run("Doctor", kit.cli(`doctor --env ${p.name} --part ${cls}`), OPENER)]),
      forget(OPENER),
    ],
  };
}
const stagings = (kit: Kit): readonly Place[] => kit.o.places.filter((p) => p.tier === "staging");
/** A tier waits for the one before it: what staging refuses never reaches production. */
function before(kit: Kit, p: Place): string[] {
  const lower = TIER_ORDER.slice(0, TIER_ORDER.indexOf(p.tier)).reverse().find((t) => kit.o.places.some((x) => x.tier === t));
  return kit.o.places.filter((x) => x.tier === lower).flatMap((x) => (x.tier === "staging" ? [`staged-${x.name}`] : [jobOf(x, x.payments ? "payments" : "standard")]));
}
/** Signs, with the deployer's own key, that staging is what the plan says and was found valid. */
function staged(kit: Kit, p: Place, classes: readonly SecretClass[]): Job {
  const stacks = classes.map((cls) => stackName(p.name, cls));
  const foundation = stackName(p.name, "foundation");
  const flags = (flag: string, files: readonly string[]): string => files.map((f) => `--${flag} ${f}.json`).join(" ");
  return {
    id: `staged-${p.name}`, name: `Sign what ${p.name} was found to be`, stage: "deploy", needs: ["bundle", ...classes.map((cls) => jobOf(p, cls))], environment: hostEnvironment(p, "deployer"), oidc: true,
    steps: [
      ...kit.unpack, ...stacks.map((s): Step => ({ kind: "fetch", name: `deployed-${s}` })), { kind: "pulumi" }, ...kit.cloud(p, "deployer"), fetchIdentity(kit, p, "deployer", SIGNER),
      exportState(kit, p, "foundation"),
      run("Sign", kit.cli(`staged ${PLAN} --env ${p.name} ${flags("state", [...stacks, foundation])} ${flags("doctor", stacks.map((s) => `doctor-${s}`))}`), SIGNER),
      { kind: "keep", name: `staged-${p.name}`, path: `${PLAN}.${p.name}.staged.json`, days: 7 }, forget({ ...OPENER, ...SIGNER }),
    ],
  };
}
