import { resolve } from "node:path";
import { hasErrors } from "../../lib/finding.ts";
import { verifyBundle } from "../../audit/bundle/verify.ts";
import { defineCommand } from "../command.ts";
import { fileGiven } from "../evidence.ts";
import { painter } from "../render/paint.ts";
import { toolVersion } from "../tool-version.ts";

const text = (v: unknown): string | undefined => (typeof v === "string" ? v : undefined);

export default defineCommand({
  name: "audit verify",
  summary: "Check an evidence bundle: signature, every file, the history in this clone, the chain to the former bundle",
  args: [{ name: "<dir>", description: "the bundle's folder" }],
  wants: "none",
  options: [
    { flags: "--allowed-signers <file>", description: "who may sign, as ssh-keygen reads it; get it from somewhere else than the bundle and the clone" },
    { flags: "--previous <dir>", description: "the former bundle, as you received it then" },
  ],
  examples: ["stackseal -C clone audit verify evidence/2026Q4 --allowed-signers signers --previous evidence/2026Q3"],
  run: async (context, args, options) => {
    const dir = args[0] as string;
    const allowed = text(options["allowedSigners"]), previous = text(options["previous"]);
    const v = await verifyBundle({
      root: context.root, env: context.env, signal: context.signal, dir: resolve(context.root, dir), label: dir.replace(/\/+$/, ""), now: context.clock.now(), version: toolVersion(),
      previous: previous === undefined ? null : { dir: resolve(context.root, previous), label: previous.replace(/\/+$/, "") }, allowed: allowed === undefined ? null : fileGiven(context, allowed).toString("utf8"),
      onProgress: (done, total) => { context.progress(`reading history: ${done} of at most ${total} commits`); },
    });
    context.progress(null);
    const ok = !hasErrors(v.findings);
    const p = painter(context.color);
    const m = v.manifest;
    return {
      exit: ok ? 0 : 1, findings: v.findings,
      json: { bundle: dir, signer: v.signer, period: m?.period ?? null, git: m?.git ?? null, chain: v.chain, rebuilt: v.rebuilt, recorded: v.recorded, timeStamp: m?.timeStamp ?? null },
      text: `${p.bold(dir)}: ${ok ? p.green("holds") : p.red("does not hold")}\n${m ? `  period     ${m.period.since} to ${m.period.until}, ${m.git.commits} commits up to ${m.git.head.slice(0, 12)}\n` : ""}  signed by  ${v.signer ?? "nobody who may"}\n  chain      ${v.chain === "first" ? "the first: it names no former bundle" : v.chain}\n  from git   ${v.rebuilt.length} files made anew from this clone and equal\n  recorded   ${v.recorded.length ? `${v.recorded.join(", ")}: held by hash and signature, not made anew` : "nothing"}\n  time stamp ${m?.timeStamp ? `${m.timeStamp.file}, over ${m.timeStamp.over}: recorded; its authority's signature isn't checked here` : "none"}\n`,
    };
  },
});
