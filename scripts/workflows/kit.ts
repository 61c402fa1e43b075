import type { Role, Tier } from "../../schemas/access.ts";
import { run, type Options, type Place, type Step, type Variables } from "./step.ts";

export const BUNDLE = "bundle.tgz";
/** Signed approvals stand beside the plan; they may be committed, the plan is made anew by each run. */
export const PLAN = "approvals/plan.json";
/** What the pull request's job hands to the one that comments: fields, not Markdown. */
export const COMMENT = "comment.json";
/** What the policies said of the merged commit: two words and rules' names. */
export const VERDICT = "verdict.txt";
/** All notes, also where there are none yet. */
export const fetchNotes: Step = run("What was noted of earlier commits", `git fetch origin "+refs/notes/*:refs/notes/*"`);
/** Prints, and at GitHub shows beside the job what was printed. */
export const SUMMARY = 'tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"';

/** The commands and steps that jobs have in common. */
export interface Kit {
  readonly o: Options;
  readonly cli: (words: string) => string;
  /** From a checkout to a built command line, with the lockfile's versions and none of their scripts. */
  readonly install: readonly Step[];
  /** From the bundle, refused where its digest is another. */
  readonly unpack: readonly Step[];
  /** A role's short-lived credentials; nothing where the environment's store isn't AWS. */
  readonly cloud: (p: Place, role: Role) => readonly Step[];
  readonly backend: (p: Place) => Variables;
}
export const TIER_ORDER: readonly Tier[] = ["development", "staging", "production"];
