import { existsSync, readFileSync } from "node:fs";
import { FindingError } from "../../lib/finding.ts";
import { REASONS, type Reason } from "../../schemas/claims.ts";
import { defineCommand, type Context } from "../command.ts";
import { expectedOf, maySeal, sealingOf, sealNew } from "../sealing.ts";
import { knownEnvironments } from "./check.ts";

const LIMIT = 64 << 10;
const usage = (code: string, message: string, hint?: string): FindingError => new FindingError({ code, severity: "error", message, hint }, 2);

/** The value: from a file, a pipe (one final newline is the pipe's own), or a prompt without echo. */
async function readValue(context: Context, file: unknown): Promise<string> {
  if (typeof file === "string") {
    if (!existsSync(file)) throw usage("VALUE_FILE", "--file names a file that isn't there");
    const bytes = readFileSync(file);
    if (bytes.length > LIMIT) throw usage("VALUE_FILE", "the value is larger than 64 KiB");
    return bytes.toString("utf8").replace(/\r?\n$/, "");
  }
  if (!context.stdin.isTTY) {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const c of context.stdin) {
      chunks.push(Buffer.from(c as Buffer));
      if ((size += (c as Buffer).length) > LIMIT) throw usage("VALUE_FILE", "the value is larger than 64 KiB");
    }
    return Buffer.concat(chunks).toString("utf8").replace(/\r?\n$/, "");
  }
  return prompt(context);
}
function prompt(context: Context): Promise<string> {
  const { stdin } = context;
  stdin.setRawMode(true); // before the question: what is typed ahead isn't echoed either
  context.say("value (not shown): ");
  stdin.setEncoding("utf8");
  return new Promise((done, fail) => {
    let text = "";
    const end = (): void => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.off("data", take);
      context.say("\n");
    };
    const take = (chunk: string | Buffer): void => {
      for (const ch of String(chunk)) {
        if (ch === "\u0003") { end(); fail(usage("INTERRUPTED", "nothing was changed")); return; }
        if (ch === "\r" || ch === "\n" || ch === "\u0004") { end(); done(text); return; }
        text = ch === "\u007f" || ch === "\b" ? text.slice(0, -1) : text + ch;
      }
    };
    stdin.on("data", take);
    stdin.resume();
  });
}
export default defineCommand({
  name: "secret set",
  summary: "Seal a new value: from a pipe, a prompt without echo or a file, never an argument",
  wants: "one",
  args: [{ name: "<path>", description: "such as stripe.secretKey" }],
  options: [{ flags: "--reason <reason>", description: "why the value is new", choices: REASONS }, { flags: "--file <file>", description: "read the value from this file" }],
  examples: ["printf %s \"$TOKEN\" | stackseal secret set twilio.authToken --env dev --reason initial", "stackseal secret set stripe.secretKey --env prod --reason scheduled"],
  run: async (context, [path = ""], options) => {
    const [env = ""] = knownEnvironments(context);
    if (typeof options["reason"] !== "string") throw usage("USAGE_REASON", `--reason is missing: ${REASONS.join(", ")}`);
    const sealing = sealingOf(context, env);
    const e = expectedOf(sealing.declared.expected, path, env);
    maySeal(sealing, e);
    const value = await readValue(context, options["file"]);
    const claims = await sealNew(sealing, e, value, options["reason"] as Reason);
    return { exit: 0, json: { path, environment: env, issueId: claims.issueId, fingerprint: claims.fingerprint }, text: `sealed ${path} of ${env}: issue ${claims.issueId}, by ${claims.sealedBy}. Next: stackseal preview --env ${env}` };
  },
});
