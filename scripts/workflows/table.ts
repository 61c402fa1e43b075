import type { Tier } from "../../schemas/access.ts";

// One table of what runs where; github.ts and gitlab.ts write it down in their hosts' words. Every `run` is a command that a person can run in a clone.

export type Step =
  | { readonly kind: "run"; readonly name: string; readonly run: string; readonly env?: Readonly<Record<string, Value>> }
  /** The repository with its whole history (the rules on dates read it), without a token left behind. */
  | { readonly kind: "checkout" }
  | { readonly kind: "node" }
  | { readonly kind: "pulumi" }
  | { readonly kind: "keep"; readonly name: string; readonly path: string; readonly days: number }
  | { readonly kind: "fetch"; readonly name: string }
  /** Short-lived credentials of the role that the environment's own variable names, by OIDC. */
  | { readonly kind: "cloud" };
/** What a host fills in: the branch to compare with, the digest of the bundle, the age identity's file, variables of the environment. */
export type Value = { readonly of: "base" } | { readonly of: "digest" } | { readonly of: "identity" } | { readonly of: "variable"; readonly name: string };

export interface Job {
  readonly id: string;
  readonly name: string;
  readonly needs?: readonly string[];
  /** The host's environment: its reviewers release the job. */
  readonly environment?: string;
  /** May ask the host for an identity token; nothing else is granted to any job but reading the repository. */
  readonly oidc?: boolean;
  /** The job's outputs hold the bundle's digest. */
  readonly digest?: boolean;
  readonly steps: readonly Step[];
}
export interface Workflow {
  readonly id: string;
  readonly name: string;
  readonly on: "pull-request" | "merge" | { readonly cron: string };
  /** What is never run twice at a time. */
  readonly concurrency: string;
  readonly jobs: readonly Job[];
}
export interface Place {
  readonly name: string;
  readonly tier: Tier;
}
export interface Options {
  /** Environments but `local`, in the order in which a change reaches them. */
  readonly places: readonly Place[];
  /** The repository of stackseal itself: it builds the program and runs its own tests. */
  readonly own: boolean;
}
export const BUNDLE = "bundle.tgz";

const run = (name: string, command: string, env?: Readonly<Record<string, Value>>): Step => ({ kind: "run", name, run: command, ...(env && { env }) });
const SECRET_OPENER: Readonly<Record<string, Value>> = { SOPS_AGE_KEY_FILE: { of: "identity" } };

export function workflows(o: Options): Workflow[] {
  const cli = (words: string): string => `${o.own ? "node dist/cli.js" : "npx --no-install stackseal"} ${words}`;
  const pack = o.own ? "policies" : "node_modules/stackseal/policies";
  const install: Step[] = [{ kind: "checkout" }, { kind: "node" }, run("Install from the lockfile, without scripts", "npm ci --ignore-scripts"), ...(o.own ? [run("Build", "npm run build")] : [])];
  const unpack: Step[] = [
    { kind: "fetch", name: BUNDLE }, { kind: "node" },
    run("Refuse another bundle than the one that was built", `echo "$DIGEST  ${BUNDLE}" | sha256sum --check --strict`, { DIGEST: { of: "digest" } }),
    run("Unpack", `tar -xzf ${BUNDLE}`),
  ];
  const identity = (machine: string): Step => run("Fetch the deployer's age identity",
    `umask 077 && aws secretsmanager get-secret-value --secret-id stackseal/identities/${machine} --query SecretString --output text > "$SOPS_AGE_KEY_FILE"`, SECRET_OPENER);
  const forget = run("Remove the identity", 'rm -f "$SOPS_AGE_KEY_FILE"', SECRET_OPENER);
  const backend: Readonly<Record<string, Value>> = { PULUMI_BACKEND_URL: { of: "variable", name: "PULUMI_BACKEND_URL" } };
  const bundle: Job = {
    id: "bundle", name: "Build the bundle, without any credential", digest: true,
    steps: [...install, run("Check", cli("check")), run("Pack", `tar --exclude=./${BUNDLE} -czf ../${BUNDLE} . && mv ../${BUNDLE} .`), { kind: "keep", name: BUNDLE, path: BUNDLE, days: 7 }],
  };
  const deploy = (p: Place, payments: boolean, needs: readonly string[]): Job => {
    const stack = payments ? `${p.name}-payments` : p.name;
    return {
      id: `deploy-${stack}`, name: payments ? `Deploy ${p.name}'s payments (Super Admins release it)` : `Deploy ${p.name}`, needs: ["bundle", ...needs], environment: stack, oidc: true,
      steps: [...unpack, { kind: "pulumi" }, { kind: "cloud" }, identity(`deployer-${stack}`),
        run("Deploy", `pulumi up --stack ${stack} --yes --skip-preview --non-interactive --policy-pack ${pack}`, { ...backend, ...SECRET_OPENER }), forget],
    };
  };
  // A tier waits for the one before it: what staging refuses never reaches production.
  const order: readonly Tier[] = ["development", "staging", "production"];
  const before = (p: Place): string[] => {
    const lower = [...order].slice(0, order.indexOf(p.tier)).reverse().find((t) => o.places.some((x) => x.tier === t));
    return o.places.filter((x) => x.tier === lower).flatMap((x) => [`deploy-${x.name}`, `deploy-${x.name}-payments`]);
  };
  const watch = (p: Place): Job => ({
    id: `watch-${p.name}`, name: `Watch ${p.name}`, needs: ["bundle"], environment: `${p.name}-watch`, oidc: true,
    steps: [
      ...unpack, run("Due dates", cli(`rotate due --env ${p.name}`)), { kind: "pulumi" }, { kind: "cloud" }, identity(`deployer-${p.name}`),
      run("Drift of the resources", `pulumi preview --stack ${p.name} --refresh --expect-no-changes --non-interactive`, { ...backend, ...SECRET_OPENER }),
      run("Export the state", `pulumi stack export --stack ${p.name} --file state.json`, backend),
      run("Policies on what is deployed", cli(`policies --env ${p.name} --state state.json`)),
      run("Doctor", cli(`doctor --env ${p.name}`), SECRET_OPENER), forget,
    ],
  });
  return [
    {
      id: "pull-request", name: "Pull request", on: "pull-request", concurrency: "pull-request",
      jobs: [
        { id: "check", name: "Check and preview, without any secret", steps: [...install, run("Check", cli("check")), run("Scan", cli("scan")), run("Preview", cli('preview --base "$BASE"'), { BASE: { of: "base" } })] },
        ...(o.own ? [{ id: "test", name: "Types, lint and tests", steps: [...install, run("Types", "npm run typecheck"), run("Lint", "npm run lint"), run("Test", "npm test")] }] : []),
      ],
    },
    { id: "deploy", name: "Deploy", on: "merge", concurrency: "deploy", jobs: [bundle, ...o.places.flatMap((p) => [deploy(p, false, before(p)), deploy(p, true, [`deploy-${p.name}`])])] },
    { id: "nightly", name: "Nightly", on: { cron: "17 3 * * *" }, concurrency: "nightly", jobs: [bundle, ...o.places.map(watch)] },
    {
      id: "quarterly", name: "Quarterly", on: { cron: "41 4 1 1,4,7,10 *" }, concurrency: "quarterly",
      jobs: [{
        id: "evidence", name: "What an auditor reads, from git alone",
        steps: [...install, run("Every change of a credential, a setting, a recipient or a role", cli("audit log --format csv > audit-log.csv")),
          ...o.places.map((p) => run(`Rotations of ${p.name}`, cli(`rotations --env ${p.name} --format csv > rotations-${p.name}.csv`))),
          run("Who has access", cli("people list --json > people.json")), { kind: "keep", name: "evidence", path: "*.csv\npeople.json", days: 90 }],
      }],
    },
  ];
}
