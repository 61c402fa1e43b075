import { deployJobs } from "./deploy.ts";
import { account } from "./names.ts";
import { nightlyJobs, quarterlyJobs } from "./watch.ts";
import { BUNDLE, COMMENT, fetchNotes, PLAN, SUMMARY, VERDICT, type Kit } from "./kit.ts";
import { run, type Job, type Options, type Step, type Variables, type Workflow } from "./step.ts";

// One table of what runs where; github.ts and gitlab.ts write it down in their hosts' words. Every `run` is a command that a person can run in a clone.

const BEFORE: Variables = { BASE: { of: "before" } };
const NOTER = { of: "text", text: "stackseal" } as const;

export function workflows(given: Options): Workflow[] {
  // Of another store nobody's role is known: such an environment is checked and previewed, and deployed by hand.
  const o: Options = { ...given, places: given.places.filter((p) => p.aws !== null) };
  const cli = (words: string): string => `${o.own ? "node dist/cli.js" : "npx --no-install stackseal"} ${words}`;
  const install: Step[] = [{ kind: "checkout" }, { kind: "node" }, run("Install from the lockfile, without scripts", "npm ci --ignore-scripts"), ...(o.own ? [run("Build", "npm run build")] : [])];
  const kit: Kit = {
    o, cli, install,
    unpack: [
      { kind: "fetch", name: BUNDLE }, { kind: "node" },
      run("Refuse another bundle than the one that was built", `echo "$DIGEST  ${BUNDLE}" | sha256sum --check --strict`, { DIGEST: { of: "digest" } }),
      run("Unpack", `tar -xzf ${BUNDLE}`),
    ],
    cloud: (p, role) => (p.aws ? [{ kind: "cloud", roleArn: account(p).roleArn(role), region: p.aws.region }] : []),
    // The state holds no value of a credential, so there is nothing for a passphrase to hide.
    backend: (p) => ({ PULUMI_BACKEND_URL: { of: "text", text: account(p).backend }, PULUMI_CONFIG_PASSPHRASE: { of: "text", text: "" } }),
  };
  const bundle = (merged: boolean): Job => ({
    id: "bundle", name: "Build the bundle and its plan, without any credential", stage: "build", digest: true,
    steps: [
      // On the main branch itself a change is judged against what stood there before it, by whatever way it came.
      ...install, merged ? run("Check", cli(`check --base "$BASE" --save-verdict ${VERDICT}`), BEFORE) : run("Check", cli("check")),
      ...(merged ? [run("Plan, and what reviewers read before they release it", cli(`preview --base "$BASE" --save-plan ${PLAN} --format markdown | ${SUMMARY}`), BEFORE)] : []),
      run("Pack", `tar --exclude=./${BUNDLE} -czf ../${BUNDLE} . && mv ../${BUNDLE} .`), { kind: "keep", name: BUNDLE, path: BUNDLE, days: 7 },
      ...(merged ? [{ kind: "keep", name: VERDICT, path: VERDICT, days: 7, always: true } as const] : []),
    ],
  });
  // Who may write to the repository runs nothing but git, and writes no branch.
  const verdict: Job = {
    id: "verdict", name: "Note the policies' verdict on the merged commit", stage: "build", needs: ["bundle"], always: true, grants: ["contents: write"],
    steps: [
      { kind: "checkout", token: true }, { kind: "fetch", name: VERDICT, apart: true }, fetchNotes,
      run("Note", `git notes --ref stackseal add -f -F "$VERDICT" HEAD`, { VERDICT: { of: "kept", name: VERDICT }, GIT_AUTHOR_NAME: NOTER, GIT_AUTHOR_EMAIL: NOTER, GIT_COMMITTER_NAME: NOTER, GIT_COMMITTER_EMAIL: NOTER }),
      run("Push it", "git push origin refs/notes/stackseal"),
    ],
  };
  const check: Job = {
    id: "check", name: "Check and preview, without any secret", stage: "judge",
    steps: [
      // Each looks, whatever the one before it found: what is wrong is what the comment is for.
      ...install, run("Check", cli("check")), run("Scan", cli("scan --format github"), undefined, true),
      run("Preview, on the lines", cli(`preview --base "$BASE" --format github --save-comment ${COMMENT}`), { BASE: { of: "base" } }, true),
      { kind: "keep", name: COMMENT, path: COMMENT, days: 7, always: true },
    ],
  };
  const comment: Job = {
    id: "comment", name: "Comment", stage: "judge", grants: ["actions: read", "pull-requests: write"],
    steps: [...install, { kind: "fetch", name: COMMENT, of: "judged", apart: true }, run("One comment, changed in place", cli(`comment "$COMMENT" --yes`), { COMMENT: { of: "kept", name: COMMENT }, GITHUB_TOKEN: { of: "token" }, STACKSEAL_PULL_HEAD: { of: "head" } })],
  };
  const test: Job = { id: "test", name: "Types, lint and tests", stage: "judge", steps: [...install, run("Types", "npm run typecheck"), run("Lint", "npm run lint"), run("Test", "npm test")] };
  return [
    { id: "pull-request", name: "Pull request", on: "pull-request", concurrency: "pull-request", jobs: [check, ...(o.own ? [test] : [])] },
    { id: "comment", name: "Comment", on: "judged", concurrency: "comment", jobs: [comment] },
    { id: "deploy", name: "Deploy", on: "merge", concurrency: "deploy", jobs: [bundle(true), verdict, ...deployJobs(kit)] },
    { id: "nightly", name: "Nightly", on: { cron: "17 3 * * *" }, concurrency: "nightly", jobs: [bundle(false), ...nightlyJobs(kit)] },
    { id: "quarterly", name: "Quarterly", on: { cron: "41 4 1 1,4,7,10 *" }, concurrency: "quarterly", jobs: quarterlyJobs(kit) },
  ];
}
