import { PULUMI } from "./github.ts";
import { BUNDLE, workflows, type Job, type Options, type Step, type Value, type Workflow } from "./table.ts";

/** `.gitlab-ci.yml` of the same table. A schedule says which of its jobs it is for by the variable SCHEDULE: nightly or quarterly. */
export function gitlabPipeline(o: Options): string {
  const all = workflows(o);
  const seen = new Set<string>();
  const jobs = all.flatMap((w) => w.jobs.flatMap((j) => {
    // The bundle is one job for both that want it.
    if (seen.has(j.id)) return [];
    seen.add(j.id);
    return job(j, all.filter((x) => x.jobs.some((y) => y.id === j.id)));
  }));
  return ["# Generated from the table of workflows: stackseal init writes it where it is missing.", "stages: [judge, build, deploy, watch]", "default:", "    image: node:20-bookworm", "    interruptible: false", "variables:", '    GIT_DEPTH: "0"', ...jobs, ""].join("\n");
}
const rule = (w: Workflow): string => (w.on === "pull-request" ? '$CI_PIPELINE_SOURCE == "merge_request_event"' : w.on === "merge" ? '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH' : `$CI_PIPELINE_SOURCE == "schedule" && $SCHEDULE == "${w.id}"`);

function job(j: Job, where: readonly Workflow[]): string[] {
  const stage = j.digest === true ? "build" : j.id.startsWith("deploy-") ? "deploy" : j.id.startsWith("watch-") ? "watch" : "judge";
  const kept = j.steps.flatMap((s) => (s.kind === "keep" ? s.path.split("\n") : []));
  const variables = Object.assign({}, ...j.steps.map((s) => (s.kind === "run" ? s.env ?? {} : {}))) as Record<string, Value>;
  const named = Object.entries(variables).flatMap(([k, v]) => { const x = value(v); return x === null ? [] : [`        ${k}: ${JSON.stringify(x)}`]; });
  const script = j.steps.flatMap(lines);
  const after = j.steps.some((s) => s.kind === "run" && s.name === "Remove the identity");
  return [
    `${j.id}:`, `    stage: ${stage}`,
    ...(j.steps.some((s) => s.kind === "pulumi") ? [`    image: pulumi/pulumi-nodejs:${PULUMI}`] : []),
    ...(j.needs ? [`    needs: [${j.needs.join(", ")}]`] : []),
    ...(j.environment !== undefined ? [`    environment: ${j.environment}`, `    resource_group: ${j.environment}`] : []),
    ...(j.oidc === true ? ["    id_tokens:", "        AWS_TOKEN:", "            aud: sts.amazonaws.com"] : []),
    "    rules:", ...where.map((w) => `        - if: ${JSON.stringify(rule(w)).replaceAll('\\"', '"').replace(/^"|"$/g, "'")}${stage === "deploy" ? "\n          when: manual" : ""}`),
    ...(named.length ? ["    variables:", ...named] : []),
    ...(script.some((l) => l.includes("$SOPS_AGE_KEY_FILE")) ? ["    before_script:", "        - export SOPS_AGE_KEY_FILE=\"$CI_BUILDS_DIR/identity.age\""] : []),
    "    script:", ...script.map((l) => `        - ${JSON.stringify(l)}`),
    ...(j.digest === true ? [`        - ${JSON.stringify(`echo "DIGEST=$(sha256sum ${BUNDLE} | cut -d' ' -f1)" > digest.env`)}`] : []),
    ...(after ? ["    after_script:", '        - rm -f "$CI_BUILDS_DIR/identity.age"'] : []),
    ...(kept.length || j.digest === true ? ["    artifacts:", "        expire_in: 7 days", "        paths:", ...kept.map((p) => `            - ${JSON.stringify(p)}`), ...(j.digest === true ? ["        reports:", "            dotenv: digest.env"] : [])] : []),
  ];
}
function lines(s: Step): string[] {
  if (s.kind === "run") return s.name === "Remove the identity" ? [] : [s.run];
  // The token goes into a file that the AWS SDK reads by itself; the role is a variable of the environment.
  if (s.kind === "cloud") return ['umask 077 && echo "$AWS_TOKEN" > "$CI_BUILDS_DIR/token" && export AWS_WEB_IDENTITY_TOKEN_FILE="$CI_BUILDS_DIR/token" AWS_ROLE_ARN="$DEPLOYER_ROLE_ARN"'];
  return [];
}
function value(v: Value): string | null {
  switch (v.of) {
    case "base": return "origin/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME";
    // The digest comes by the bundle job's dotenv report, the identity's file by before_script, variables by the environment.
    case "digest": case "identity": case "variable": return null;
  }
}
