import type { Finding } from "../lib/finding.ts";
import { Git } from "../lib/git.ts";
import { LOCAL, WORK_DIR } from "../schemas/layout.ts";
import { stackCodes } from "../stacks/codes.ts";
import type { Context } from "./command.ts";

/** Files of the work folder that the index has: its keys, state and caches are this machine's, and committed ones would be everybody's. None outside git. */
export function judgeWorkDir(context: Pick<Context, "root" | "env">): Finding[] {
  return (new Git(context.root, context.env).tracked(WORK_DIR) ?? []).map((file) => stackCodes.finding("WORK_DIR_TRACKED", {
    message: `${WORK_DIR} is this machine's own: keys of ${LOCAL}, state and caches; committed, it is in every clone`, at: { file, line: 1, column: 1 },
    hint: `git rm -r --cached ${WORK_DIR}, and keep ${WORK_DIR}/ in .gitignore`,
  }));
}
