import { readText } from "../../lib/document.ts";
import { FindingError } from "../../lib/finding.ts";
import { canAsk, CodeHost } from "../changes/code-host.ts";
import { changeCodes } from "../changes/codes.ts";
import { readComment } from "../changes/comment-data.ts";
import { confirm } from "../confirm.ts";
import { defineCommand } from "../command.ts";
import { renderComment } from "../render/comment.ts";

export default defineCommand({
  name: "comment",
  summary: "Post the comment on a pull request, or change the one that is there; printed where there is no token",
  wants: "none",
  args: [{ name: "<document>", description: "what `preview --save-comment` wrote" }],
  options: [{ flags: "--pull <number>", description: "the pull request; else the one that STACKSEAL_PULL_HEAD (OWNER:BRANCH@COMMIT) or GITHUB_REF names" }, { flags: "--dry-run", description: "print it and post nothing" }],
  examples: ["stackseal preview --save-comment comment.json && stackseal comment comment.json", "GITHUB_TOKEN=… GITHUB_REPOSITORY=acme/credentials stackseal comment comment.json --pull 12 --yes"],
  run: async (context, [file = ""], options) => {
    const { text, findings } = readText(context.root, file, 16 << 20);
    if (text === null) throw new FindingError(findings, 2);
    const document = readComment(text);
    if (!document) throw new FindingError(changeCodes.finding("COMMENT_UNREADABLE", { message: `${file} isn't what preview --save-comment writes`, hint: "nothing of it was posted; look at the job that made it" }), 2);
    const body = renderComment(document);
    if (options["dryRun"] === true || !canAsk(context.env)) return { exit: 0, json: { posted: "printed", pull: null, length: body.length }, text: body };
    const { createHttp } = await import("../../lib/http.ts");
    const { postComment, pullOfHead } = await import("../changes/post-comment.ts");
    const http = createHttp({ env: context.env });
    try {
      const host = new CodeHost(context.env, http, context.signal);
      const named = options["pull"] === undefined ? /^refs\/pull\/(\d+)\//.exec(context.env["GITHUB_REF"] ?? "")?.[1] : (options["pull"] as string);
      if (named !== undefined && !/^[1-9]\d{0,9}$/.test(named)) throw new FindingError(changeCodes.finding("PULL_UNKNOWN", { message: `--pull wants a number, not "${named}"` }), 2);
      const pull = named !== undefined ? Number(named) : await pullOfHead(host, context.env["STACKSEAL_PULL_HEAD"] ?? "");
      const no = await confirm(context, `Comment on pull request ${pull} of ${host.repository}?`, `stackseal comment ${file} --pull ${pull}`);
      if (no) return { exit: 2, findings: [no] };
      const posted = await postComment(host, pull, body);
      return { exit: 0, json: { posted, pull, length: body.length }, text: `${host.repository}#${pull}: comment ${posted}\n` };
    } finally {
      await http.close();
    }
  },
});
