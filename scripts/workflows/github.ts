import { BUNDLE } from "./kit.ts";
import type { Job, Options, Step, Value, Workflow } from "./step.ts";
import { workflows } from "./table.ts";

/** Actions by full commit id: a tag can be moved, a commit can't. */
export const ACTIONS = {
  checkout: { uses: "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8", version: "v5.0.0" },
  node: { uses: "actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020", version: "v4.4.0" },
  upload: { uses: "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02", version: "v4.6.2" },
  download: { uses: "actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093", version: "v4.3.0" },
  aws: { uses: "aws-actions/configure-aws-credentials@a03048d87541d1d9fcf2ecf528a4a65ba9bd7838", version: "v5.0.0" },
  pulumi: { uses: "pulumi/actions@8e5e406f4007fca908480587cb9893c07090f58d", version: "v7" },
} as const;
/** The Pulumi CLI that the workflows install. */
export const PULUMI = "3.248.0";

/** File → text, relative to the project's root. */
export const githubWorkflows = (o: Options): Record<string, string> => Object.fromEntries(workflows(o).filter((w) => w.jobs.length > 0).map((w) => [`.github/workflows/${w.id}.yml`, render(w)]));

const NOTE = "# Generated from the table of workflows and the declared environments: stackseal workflows --write";
function trigger(w: Workflow): string[] {
  if (w.on === "pull-request") return ["  pull_request:"];
  if (w.on === "merge") return ["  push:", "    # Whichever of them is the default branch: the first job runs there alone, and the others want it.", "    branches: [main, master, trunk]", "  workflow_dispatch:"];
  if (w.on === "judged") return ["  workflow_run:", "    workflows: [Pull request]", "    types: [completed]"];
  return ["  schedule:", `    - cron: "${w.on.cron}"`, "  workflow_dispatch:"];
}
function render(w: Workflow): string {
  // A pull request's older run is pointless; a deployment must end.
  const each = w.on === "pull-request" ? "-${{ github.ref }}" : w.on === "judged" ? "-${{ github.event.workflow_run.head_repository.full_name }}-${{ github.event.workflow_run.head_branch }}" : "";
  return [NOTE, `name: ${w.name}`, "on:", ...trigger(w), "permissions: {}", "defaults:", "  run:", "    # Not the host's default: that one forgets what fails before a pipe.", "    shell: bash", "concurrency:", `  group: ${w.concurrency}${each}`, `  cancel-in-progress: ${String(w.on === "pull-request")}`, "jobs:", ...w.jobs.flatMap((j) => job(j, w)), ""].join("\n");
}
const DEFAULT_BRANCH = "github.ref_name == github.event.repository.default_branch";
function job(j: Job, w: Workflow): string[] {
  return [
    `  ${j.id}:`, `    name: ${JSON.stringify(j.name)}`, ...(j.needs ? [`    needs: [${j.needs.join(", ")}]`] : []),
    ...(w.on === "judged" ? ["    if: github.event.workflow_run.event == 'pull_request'"] : []), ...(j.always === true ? [`    if: always() && ${DEFAULT_BRANCH}`] : w.on === "merge" && j.digest === true ? [`    if: ${DEFAULT_BRANCH}`] : []), "    runs-on: ubuntu-24.04", "    timeout-minutes: 30",
    ...(j.environment !== undefined ? [`    environment: ${j.environment}`] : []),
    "    permissions:", ...(j.grants?.includes("contents: write") === true ? [] : ["      contents: read"]), ...(j.oidc === true ? ["      id-token: write"] : []), ...(j.grants ?? []).map((g) => `      ${g}`),
    ...(j.digest === true ? ["    outputs:", "      digest: ${{ steps.digest.outputs.digest }}"] : []),
    "    steps:", ...j.steps.flatMap(step),
    ...(j.digest === true ? ["      - name: Say the digest", "        id: digest", `        run: echo "digest=$(sha256sum ${BUNDLE} | cut -d' ' -f1)" >> "$GITHUB_OUTPUT"`] : []),
  ];
}
const APART = "${{ runner.temp }}/kept";
const uses = (a: { readonly uses: string; readonly version: string }, options: readonly string[] = [], always = false): string[] => [`      - uses: ${a.uses} # ${a.version}`, ...(always ? ["        if: always()"] : []), ...(options.length ? ["        with:", ...options.map((x) => `          ${x}`)] : [])];
function step(s: Step): string[] {
  switch (s.kind) {
    case "checkout": return uses(ACTIONS.checkout, ["fetch-depth: 0", `persist-credentials: ${String(s.token === true)}`]);
    case "node": return uses(ACTIONS.node, ["node-version: 20"]);
    case "pulumi": return uses(ACTIONS.pulumi, [`pulumi-version: ${PULUMI}`]);
    case "keep": return uses(ACTIONS.upload, [`name: ${s.name}`, ...(s.path.includes("\n") ? ["path: |", ...s.path.split("\n").map((l) => `  ${l}`)] : [`path: ${JSON.stringify(s.path)}`]), `retention-days: ${s.days}`, "if-no-files-found: error"], s.always);
    case "fetch": return uses(ACTIONS.download, [`name: ${s.name}`, ...(s.apart ? [`path: ${APART}`] : s.into !== undefined ? [`path: ${s.into}`] : []), ...(s.of === "judged" ? ["run-id: ${{ github.event.workflow_run.id }}", "github-token: ${{ github.token }}"] : [])]);
    case "cloud": return uses(ACTIONS.aws, [`role-to-assume: ${s.roleArn}`, `aws-region: ${s.region}`]);
    case "run": return [
      `      - name: ${JSON.stringify(s.name)}`, ...(s.always === true ? ["        if: always()"] : []),
      ...(s.env ? ["        env:", ...Object.entries(s.env).map(([k, v]) => `          ${k}: ${value(v)}`)] : []), `        run: ${scalar(s.run)}`,
    ];
  }
}
const scalar = (text: string): string => (/^[A-Za-z][^#:]*$/.test(text) ? text : `|\n          ${text}`);
function value(v: Value): string {
  switch (v.of) {
    case "base": return "origin/${{ github.base_ref }}";
    case "before": return "${{ github.event.before || 'HEAD^' }}";
    case "digest": return "${{ needs.bundle.outputs.digest }}";
    case "identity": return "${{ runner.temp }}/identity.age";
    case "signing": return "${{ runner.temp }}/signing.key";
    case "token": return "${{ github.token }}";
    // By the environment, never into the line that the shell reads: a branch may be called anything.
    case "head": return "${{ github.event.workflow_run.head_repository.owner.login }}:${{ github.event.workflow_run.head_branch }}@${{ github.event.workflow_run.head_sha }}";
    case "kept": return `${APART}/${v.name}`;
    case "text": return JSON.stringify(v.text);
  }
}
