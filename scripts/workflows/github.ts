import { BUNDLE, workflows, type Job, type Options, type Step, type Value, type Workflow } from "./table.ts";

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
export const githubWorkflows = (o: Options): Record<string, string> => Object.fromEntries(workflows(o).map((w) => [`.github/workflows/${w.id}.yml`, render(w)]));

const NOTE = "# Generated from the table of workflows: stackseal init writes it where it is missing.";
function render(w: Workflow): string {
  const on = w.on === "pull-request" ? ["  pull_request:"] : w.on === "merge" ? ["  push:", "    branches: [main]", "  workflow_dispatch:"] : ["  schedule:", `    - cron: "${w.on.cron}"`, "  workflow_dispatch:"];
  // A pull request's older run is pointless; a deployment must end.
  const group = w.on === "pull-request" ? `${w.concurrency}-\${{ github.ref }}` : w.concurrency;
  return [NOTE, `name: ${w.name}`, "on:", ...on, "permissions: {}", "concurrency:", `  group: ${group}`, `  cancel-in-progress: ${String(w.on === "pull-request")}`, "jobs:", ...w.jobs.flatMap(job), ""].join("\n");
}
function job(j: Job): string[] {
  return [
    `  ${j.id}:`, `    name: ${JSON.stringify(j.name)}`, ...(j.needs ? [`    needs: [${j.needs.join(", ")}]`] : []), "    runs-on: ubuntu-24.04", "    timeout-minutes: 30",
    ...(j.environment !== undefined ? [`    environment: ${j.environment}`] : []),
    "    permissions:", "      contents: read", ...(j.oidc === true ? ["      id-token: write"] : []),
    ...(j.digest === true ? ["    outputs:", "      digest: ${{ steps.digest.outputs.digest }}"] : []),
    "    steps:", ...j.steps.flatMap(step),
    ...(j.digest === true ? ["      - name: Say the digest", "        id: digest", `        run: echo "digest=$(sha256sum ${BUNDLE} | cut -d' ' -f1)" >> "$GITHUB_OUTPUT"`] : []),
  ];
}
const uses = (a: { readonly uses: string; readonly version: string }, options: readonly string[] = []): string[] => [`      - uses: ${a.uses} # ${a.version}`, ...(options.length ? ["        with:", ...options.map((x) => `          ${x}`)] : [])];
function step(s: Step): string[] {
  switch (s.kind) {
    case "checkout": return uses(ACTIONS.checkout, ["fetch-depth: 0", "persist-credentials: false"]);
    case "node": return uses(ACTIONS.node, ["node-version: 20"]);
    case "pulumi": return uses(ACTIONS.pulumi, [`pulumi-version: ${PULUMI}`]);
    case "keep": return uses(ACTIONS.upload, [`name: ${s.name}`, ...(s.path.includes("\n") ? ["path: |", ...s.path.split("\n").map((l) => `  ${l}`)] : [`path: ${JSON.stringify(s.path)}`]), `retention-days: ${s.days}`, "if-no-files-found: error"]);
    case "fetch": return uses(ACTIONS.download, [`name: ${s.name}`]);
    case "cloud": return uses(ACTIONS.aws, ["role-to-assume: ${{ vars.DEPLOYER_ROLE_ARN }}", "aws-region: ${{ vars.AWS_REGION }}", "mask-aws-account-id: true"]);
    case "run": return [
      `      - name: ${JSON.stringify(s.name)}`, ...(s.name === "Remove the identity" ? ["        if: always()"] : []),
      ...(s.env ? ["        env:", ...Object.entries(s.env).map(([k, v]) => `          ${k}: ${value(v)}`)] : []), `        run: ${scalar(s.run)}`,
    ];
  }
}
const scalar = (text: string): string => (/^[A-Za-z][^#:]*$/.test(text) ? text : `|\n          ${text}`);
function value(v: Value): string {
  switch (v.of) {
    case "base": return "origin/${{ github.base_ref }}";
    case "digest": return "${{ needs.bundle.outputs.digest }}";
    case "identity": return "${{ runner.temp }}/identity.age";
    case "variable": return `\${{ vars.${v.name} }}`;
  }
}
