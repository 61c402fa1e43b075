import type { Tier } from "../../schemas/access.ts";

// The words of the table: what a step, a job and a workflow are, whatever host runs them.

export type Step =
  | { readonly kind: "run"; readonly name: string; readonly run: string; readonly env?: Readonly<Record<string, Value>>; readonly always?: boolean }
  /** The repository with its whole history (the rules on dates read it), without a token left behind, but where git itself must ask the host again. */
  | { readonly kind: "checkout"; readonly token?: boolean }
  | { readonly kind: "node" }
  | { readonly kind: "pulumi" }
  | { readonly kind: "keep"; readonly name: string; readonly path: string; readonly days: number; readonly always?: boolean }
  /**
   * What another job kept; `of: "judged"` is the run whose end started this one. `apart`: outside the work tree, for a job that may do more than the one
   * that kept it: whatever else stands in there can't take the place of a file that this job runs.
   */
  | { readonly kind: "fetch"; readonly name: string; readonly into?: string; readonly of?: "judged"; readonly apart?: true }
  /** Short-lived credentials of a role, by OIDC. */
  | { readonly kind: "cloud"; readonly roleArn: string; readonly region: string };

/** What a host fills in; everything else stands in the table as it is. */
export type Value =
  | { readonly of: "base" | "before" | "digest" | "identity" | "signing" | "token" | "head" }
  /** A file that was fetched apart. */
  | { readonly of: "kept"; readonly name: string }
  | { readonly of: "text"; readonly text: string };
export type Variables = Readonly<Record<string, Value>>;

export type Grant = "contents: write" | "pull-requests: read" | "pull-requests: write" | "actions: read";
export interface Job {
  readonly id: string;
  readonly name: string;
  readonly stage: "judge" | "build" | "deploy" | "watch";
  readonly needs?: readonly string[];
  /** The host's environment: its reviewers release the job. */
  readonly environment?: string;
  /** May ask the host for an identity token. */
  readonly oidc?: boolean;
  /** The job's outputs hold the bundle's digest. */
  readonly digest?: boolean;
  /** Runs on the main branch alone, whatever became of the jobs that it needs. */
  readonly always?: boolean;
  /** What it may do at the host besides reading the repository. */
  readonly grants?: readonly Grant[];
  readonly steps: readonly Step[];
}
export interface Workflow {
  readonly id: string;
  readonly name: string;
  /** `judged`: after the pull request's workflow ended, with the main branch's own code. */
  readonly on: "pull-request" | "merge" | "judged" | { readonly cron: string };
  /** What is never run twice at a time. */
  readonly concurrency: string;
  readonly jobs: readonly Job[];
}
/** An environment but `local`: what its jobs need to know of its account. */
export interface Place {
  readonly name: string;
  readonly tier: Tier;
  /** Null where the store isn't AWS: then nothing is fetched by OIDC. */
  readonly aws: { readonly accountId: string; readonly region: string } | null;
  /** Whether it has a payments' stack. */
  readonly payments: boolean;
}
export interface Options {
  /** In the order in which a change reaches them. */
  readonly places: readonly Place[];
  /** The repository of stackseal itself: it builds the program and runs its own tests. */
  readonly own: boolean;
}
export const run = (name: string, command: string, env?: Variables, always?: boolean): Step => ({ kind: "run", name, run: command, ...(env && { env }), ...(always === true && { always }) });
