import { readText } from "../../lib/document.ts";
import { FindingError } from "../../lib/finding.ts";
import { CodeHost } from "../changes/code-host.ts";
import { changeCodes } from "../changes/codes.ts";
import { readComment } from "../changes/comment-data.ts";
import { confirm } from "../confirm.ts";
import { defineCommand } from "../command.ts";
import { renderComment } from "../render/comment.ts";

export default defineCommand({
  name: "comment",
  summary: "Post the comment on a pull or merge request, or change the one that is there; printed where there is no token",
  wants: "none",
  args: [{ name: "<document>", description: "what `preview --save-comment` wrote" }],
  options: [{ flags: "--pull <number>", description: "the request; else the one that STACKSEAL_PULL_HEAD (OWNER:BRANCH@COMMIT), GITHUB_REF or GitLab's CI_MERGE_REQUEST_IID names" }, { flags: "--dry-run", description: "print it and post nothing" }],
  examples: ["stackseal preview --save-comment comment.json && stackseal comment comment.json", "GITHUB_TOKEN=… GITHUB_REPOSITORY=acme/credentials stackseal comment comment.json --pull 12 --yes", "GITLAB_TOKEN=… CI_API_V4_URL=https://gitlab.com/api/v4 CI_PROJECT_ID=42 stackseal comment comment.json --pull 7 --yes"],
  run: async (context, [file = ""], options) => {
    const { text, findings } = readText(context.root, file, 16 << 20);
    if (text === null) throw new FindingError(findings, 2);
    const document = readComment(text);
    if (!document) throw new FindingError(changeCodes.finding("COMMENT_UNREADABLE", { message: `${file} isn't what preview --save-comment writes`, hint: "nothing of it was posted; look at the job that made it" }), 2);
    const body = renderComment(document);
    const [{ createHttp }, { postComment, pullOf }] = await Promise.all([import("../../lib/http.ts"), import("../changes/post-comment.ts")]);
    const http = createHttp({ env: context.env });
    try {
      const host = options["dryRun"] === true ? null : CodeHost.of(context.env, http, context.signal);
      if (!host) return { exit: 0, json: { posted: "printed", pull: null, length: body.length }, text: body };
      const pull = await pullOf(host, context.env, options["pull"] as string | undefined);
      const no = await confirm(context, `Comment on ${host.repository} ${pull}?`, `stackseal comment ${file} --pull ${pull}`);
      if (no) return { exit: 2, findings: [no] };
      const posted = await postComment(host, pull, body);
      return { exit: 0, json: { posted, pull, length: body.length }, text: `${host.repository}${host.host === "gitlab" ? "!" : "#"}${pull}: comment ${posted}\n` };
    } finally {
      await http.close();
    }
  },
});
