import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { FindingError, type Finding } from "../../lib/finding.ts";
import { deploymentIn, graphOfDeployment, type Graph } from "../../engine/graph.ts";
import { environmentOfStack } from "../../schemas/layout.ts";
import type { Declared } from "../../stacks/read.ts";
import type { Context } from "../command.ts";
import { baseFindings, findBase, gitOf, readBase, type Base } from "./base.ts";
import { changeCodes } from "./codes.ts";

/** What a preview compares with. */
export type Against =
  | { readonly kind: "nothing"; readonly why: string }
  | { readonly kind: "base"; readonly base: Base }
  /** The Pulumi CLI compares with its own state. */
  | { readonly kind: "deployed" }
  | { readonly kind: "state"; readonly stacks: ReadonlyMap<string, Graph> };

/** What the command line asks to compare with; `findings` tell what of it can't be used. Throws FindingError (exit 2) for a ref or a file that isn't one. */
export async function againstOf(context: Context, options: Readonly<Record<string, unknown>>, now: readonly Declared[] = []): Promise<{ readonly against: Against; readonly findings: readonly Finding[] }> {
  const states = options["state"] as readonly string[] | undefined;
  if (states?.length) return { against: { kind: "state", stacks: readStates(context, states) }, findings: [] };
  const git = gitOf(context);
  const found = findBase(git, options["base"] as string | undefined);
  if (typeof found === "string") return { against: { kind: "nothing", why: found }, findings: [] };
  const base = await readBase(context, git, found, now);
  if (!base) return { against: { kind: "nothing", why: `this project isn't in ${found.ref} (${found.commit.slice(0, 12)})` }, findings: [] };
  return { against: { kind: "base", base }, findings: baseFindings(base) };
}

function readStates(context: Context, files: readonly string[]): Map<string, Graph> {
  const out = new Map<string, Graph>();
  for (const file of files) {
    let document: unknown;
    try {
      document = JSON.parse(readFileSync(resolve(context.root, file), "utf8"));
    } catch {
      throw unreadable(file, "can't be read as JSON");
    }
    const d = deploymentIn(document);
    const graph = graphOfDeployment(document);
    if (!d || !graph) throw unreadable(file, "is no stack export");
    if (d.version > 3) throw unreadable(file, `is of deployment version ${d.version}; 3 is read here`);
    const stack = graph[0]?.urn.split("::")[0]?.slice("urn:pulumi:".length) ?? stackNamed(document);
    if (stack === null) throw unreadable(file, "holds no resource, and doesn't tell its stack");
    out.set(stack, graph);
  }
  const foreign = context.envs.length ? [...out.keys()].filter((s) => !context.envs.includes(environmentOfStack(s).environment)) : [];
  if (foreign.length) throw new FindingError(foreign.map((s) => changeCodes.finding("STATE_OTHER_STACK", { message: `the state is of the stack ${s}`, hint: `--env ${environmentOfStack(s).environment}` })), 2);
  return out;
}
/** A file backend's checkpoint names its stack: `organization/project/dev`, or `dev`. */
function stackNamed(document: unknown): string | null {
  const stack = (document as { checkpoint?: { stack?: unknown } }).checkpoint?.stack;
  return typeof stack === "string" && stack !== "" ? (stack.split("/").at(-1) ?? null) : null;
}
const unreadable = (file: string, why: string): FindingError => new FindingError(changeCodes.finding("STATE_UNREADABLE", { message: `${file} ${why}`, hint: "pulumi stack export -s STACK --file F (without --show-secrets)" }), 2);

/** The first line of a preview: what it is, and what it compares with. */
export function describeAgainst(a: Against): string {
  if (a.kind === "state") return `compared with what is deployed (${[...a.stacks.keys()].join(", ")})`;
  if (a.kind === "deployed") return "compared with what is deployed, by its own state";
  if (a.kind === "nothing") return `compared with nothing, so everything is new: ${a.why}`;
  const { base: b } = a;
  return `compared with the ${b.ref.startsWith("merge base") ? b.ref : `base ${b.ref}`} (${b.commit.slice(0, 12)}), ${b.program === "own" ? "by the base's own program" : `by the current program on the base's declarations: ${b.why ?? ""}`}${b.cached ? ", cached" : ""}`;
}

/** The same for programs. */
export function againstJson(a: Against): Record<string, unknown> {
  if (a.kind === "state") return { kind: a.kind, stacks: [...a.stacks.keys()] };
  if (a.kind === "deployed") return { kind: a.kind };
  if (a.kind === "nothing") return { kind: a.kind, why: a.why };
  return { kind: a.kind, ref: a.base.ref, commit: a.base.commit, program: a.base.program, ...(a.base.why !== undefined && { why: a.base.why }) };
}
