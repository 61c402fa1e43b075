import { existsSync, readFileSync } from "node:fs";
import { FindingError } from "../lib/finding.ts";
import type { Context } from "./command.ts";
import { interrupted } from "./confirm.ts";

const LIMIT = 64 << 10;
const usage = (code: string, message: string, hint?: string): FindingError => new FindingError({ code, severity: "error", message, hint }, 2);

/** The value: from a file, a pipe (one final newline is the pipe's own), or a prompt without echo. */
export async function readValue(context: Context, file: unknown): Promise<string> {
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
        if (ch === "\u0003") { end(); fail(interrupted()); return; }
        if (ch === "\r" || ch === "\n" || ch === "\u0004") { end(); done(text); return; }
        text = ch === "\u007f" || ch === "\b" ? text.slice(0, -1) : text + ch;
      }
    };
    stdin.on("data", take);
    stdin.resume();
  });
}
