import { PULUMI } from "./github.ts";
import { BUNDLE } from "./kit.ts";
import type { Job, Options, Step, Value, Workflow } from "./step.ts";
import { workflows } from "./table.ts";

/** `.gitlab-ci.yml` of the same table. A schedule says which of its jobs it is for by the variable SCHEDULE: nightly or quarterly. The comment's job is one of the merge request's own pipeline: GitLab starts none for it on the main branch. */
export function gitlabPipeline(o: Options): string {
  const all = workflows(o);
  const seen = new Set<string>();
  const jobs = all.flatMap((w) => w.jobs.flatMap((j) => {
    // The bundle is one job for all that want it.
    if (seen.has(j.id)) return [];
    seen.add(j.id);
    return job(j, all.filter((x) => x.jobs.some((y) => y.id === j.id)));
  }));
  return ["# Generated from the table of workflows and the declared environments: stackseal workflows --write", "stages: [judge, build, deploy, watch]", "default:", "    image: node:20-bookworm", "    interruptible: false", "variables:", '    GIT_DEPTH: "0"', ...jobs, ""].join("\n");
}
const rule = (w: Workflow): string => (w.on === "pull-request" || w.on === "judged" ? '$CI_PIPELINE_SOURCE == "merge_request_event"' : w.on === "merge" ? '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH' : `$CI_PIPELINE_SOURCE == "schedule" && $SCHEDULE == "${w.id}"`);

function job(j: Job, where: readonly Workflow[]): string[] {
  const runs = j.steps.flatMap((s) => (s.kind === "run" ? [s] : []));
  // What another run kept is another job's of the same pipeline here.
  const needs = [...(j.needs ?? []), ...(j.steps.some((s) => s.kind === "fetch" && s.of === "judged") ? ["check"] : [])];
  const kept = j.steps.flatMap((s) => (s.kind === "keep" ? s.path.split("\n") : []));
  const always = j.steps.some((s) => s.kind === "keep" && s.always === true);
  const variables = Object.assign({}, ...runs.map((s) => s.env ?? {})) as Record<string, Value>;
  const named = Object.entries(variables).flatMap(([k, v]) => { const x = value(v); return x === null ? [] : [`        ${k}: ${JSON.stringify(x)}`]; });
  // Paths of runners stand in variables that aren't known before the job runs.
  const exports = Object.entries(variables).flatMap(([k, v]) => (v.of === "identity" ? [`export ${k}="$CI_BUILDS_DIR/identity.age"`] : v.of === "signing" ? [`export ${k}="$CI_BUILDS_DIR/signing.key"`] : []));
  const after = runs.filter((s) => s.always === true && s.run.startsWith("rm "));
  // GitLab's lines end with the first that fails. Those that look whatever the one before them found, and that one, say so at the end.
  const first = runs.findIndex((s) => s.always === true && !after.includes(s));
  const looking = first < 0 ? [] : runs.slice(Math.max(0, first - 1)).filter((s) => !after.includes(s));
  const places = j.steps.flatMap((s) => (s.kind === "fetch" && s.into !== undefined ? [s.into] : []));
  return [
    `${j.id}:`, `    stage: ${j.stage}`,
    ...(j.steps.some((s) => s.kind === "pulumi") ? [`    image: pulumi/pulumi-nodejs:${PULUMI}`] : []),
    ...(needs.length ? [`    needs: [${needs.join(", ")}]`] : []),
    ...(j.environment !== undefined ? [`    environment: ${j.environment}`, `    resource_group: ${j.environment}`] : []),
    ...(j.oidc === true ? ["    id_tokens:", "        AWS_TOKEN:", "            aud: sts.amazonaws.com"] : []),
    "    rules:", ...where.map((w) => `        - if: '${rule(w)}'${j.stage === "deploy" ? "\n          when: manual" : j.always === true || w.on === "judged" ? "\n          when: always" : ""}`),
    ...(named.length ? ["    variables:", ...named] : []),
    ...(exports.length ? ["    before_script:", ...exports.map((l) => `        - ${l}`)] : []),
    "    script:", ...j.steps.flatMap((s) => (s.kind === "run" && looking.includes(s) ? [`${s.run} || FAILED=1`] : lines(s, after.includes(s as never)))).map((l) => `        - ${JSON.stringify(l)}`),
    ...(looking.length ? [`        - ${JSON.stringify('test -z "$FAILED"')}`] : []),
    ...(j.digest === true ? [`        - ${JSON.stringify(`echo "DIGEST=$(sha256sum ${BUNDLE} | cut -d' ' -f1)" > digest.env`)}`] : []),
    ...(after.length ? ["    after_script:", '        - rm -f "$CI_BUILDS_DIR/identity.age" "$CI_BUILDS_DIR/signing.key"'] : []),
    ...(kept.length || j.digest === true ? ["    artifacts:", "        expire_in: 7 days", ...(always ? ["        when: always"] : []), "        paths:", ...kept.map((p) => `            - ${JSON.stringify(p)}`), ...(j.digest === true ? ["        reports:", "            dotenv: digest.env"] : [])] : []),
    ...(places.length && kept.length === 0 ? [`    # Artifacts of the jobs it needs stand where those jobs kept them: ${[...new Set(places)].join(", ")}.`] : []),
  ];
}
function lines(s: Step, left: boolean): string[] {
  if (s.kind === "run") return left ? [] : [s.run];
  // The token goes into a file that the AWS SDK reads by itself.
  if (s.kind === "cloud") return [`umask 077 && echo "$AWS_TOKEN" > "$CI_BUILDS_DIR/token" && export AWS_WEB_IDENTITY_TOKEN_FILE="$CI_BUILDS_DIR/token" AWS_ROLE_ARN="${s.roleArn}" AWS_REGION="${s.region}"`];
  return [];
}
function value(v: Value): string | null {
  switch (v.of) {
    case "base": return "origin/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME";
    case "before": return "$CI_COMMIT_BEFORE_SHA";
    case "text": return v.text;
    case "kept": return v.name;
    // The digest comes by the bundle job's dotenv report, files by before_script. A job's own token asks for no approval and writes no note: approvals are signed ones, and the comment takes the project's GITLAB_TOKEN.
    case "digest": case "identity": case "signing": case "token": case "head": return null;
  }
}
