import { resolve } from "node:path";
import { hasErrors, type Finding } from "../../lib/finding.ts";
import { withFolder } from "../../audit/bundle/open.ts";
import type { ObjectLock } from "../../audit/bundle/locked.ts";
import type { Stamped } from "../../audit/bundle/stamped.ts";
import { verifyBundle } from "../../audit/bundle/verify.ts";
import { defineCommand } from "../command.ts";
import { askBucket } from "../evidence-bucket.ts";
import { fileGiven } from "../evidence.ts";
import { painter } from "../render/paint.ts";
import { toolVersion } from "../tool-version.ts";

const text = (v: unknown): string | undefined => (typeof v === "string" ? v : undefined);

export default defineCommand({
  name: "audit verify",
  summary: "Check an evidence bundle: signature, every file, the history in this clone, the chain to the former bundle",
  args: [{ name: "<dir>", description: "the bundle's folder, or its tar" }],
  wants: "none",
  options: [
    { flags: "--allowed-signers <file>", description: "who may sign, as ssh-keygen reads it; get it from somewhere else than the bundle and the clone" },
    { flags: "--previous <dir>", description: "the former bundle's folder or tar, as you received it then" },
    { flags: "--timestamp <file>", description: "an RFC 3161 time stamp over the manifest; otherwise the manifest.json.tsr beside it, if there is one" },
    { flags: "--ask-store", description: "ask the locked bucket of the receipt beside the manifest (audit lock); otherwise its time is only recorded" },
    { flags: "--timestamp-ca <file>", description: "the time stamp authority's certificates, PEM, from somewhere else than the bundle" },
  ],
  examples: ["stackseal -C clone audit verify evidence/2026Q4 --allowed-signers signers --previous evidence/2026Q3"],
  run: async (context, args, options) => {
    const dir = args[0] as string;
    const allowed = text(options["allowedSigners"]), previous = text(options["previous"]);
    const stamp = text(options["timestamp"]), authority = text(options["timestampCa"]);
    const label = dir.replace(/\/+$/, ""), formerLabel = previous?.replace(/\/+$/, "") ?? "";
    const verify = (here: string, found: readonly Finding[], former: string | null): ReturnType<typeof verifyBundle> => verifyBundle({
      root: context.root, env: context.env, signal: context.signal, dir: here, label, now: context.clock.now(), version: toolVersion(), found,
      previous: former === null ? null : { dir: former, label: formerLabel }, allowed: allowed === undefined ? null : fileGiven(context, allowed).toString("utf8"),
      stamp: stamp === undefined ? null : fileGiven(context, stamp), authority: authority === undefined ? null : fileGiven(context, authority),
      ask: options["askStore"] === true ? askBucket(context) : null,
      onProgress: (done, total) => { context.progress(`reading history: ${done} of at most ${total} commits`); },
    });
    const v = await withFolder(resolve(context.root, dir), label, (here, found) =>
      previous === undefined ? verify(here, found, null) : withFolder(resolve(context.root, previous), formerLabel, (former, more) => verify(here, [...found, ...more], former)));
    context.progress(null);
    const ok = !hasErrors(v.findings);
    const p = painter(context.color);
    const m = v.manifest;
    return {
      exit: ok ? 0 : 1, findings: v.findings,
      json: { bundle: dir, signer: v.signer, period: m?.period ?? null, git: m?.git ?? null, chain: v.chain, rebuilt: v.rebuilt, recorded: v.recorded, timeStamp: v.timeStamp, objectLock: v.objectLock },
      text: `${p.bold(dir)}: ${ok ? p.green("holds") : p.red("does not hold")}\n${m ? `  period     ${m.period.since} to ${m.period.until}, ${m.git.commits} commits up to ${m.git.head.slice(0, 12)}\n` : ""}  signed by  ${v.signer ?? "nobody who may"}\n  chain      ${v.chain === "first" ? "the first: it names no former bundle" : v.chain}\n  from git   ${v.rebuilt.length} files made anew from this clone and equal\n  recorded   ${v.recorded.length ? `${v.recorded.join(", ")}: held by hash and signature, not made anew` : "nothing"}\n  time stamp ${v.timeStamp ? stampText(v.timeStamp) : "none"}\n${v.objectLock ? `  bucket     ${lockText(v.objectLock)}\n` : ""}`,
    };
  },
});
const lockText = (l: ObjectLock): string => `took it ${l.at}, ${l.mode === null ? "no lock" : `${l.mode} until ${l.retainUntil ?? "?"}`}: ${{ checked: "asked, and it has these bytes since then", recorded: "recorded; the bucket wasn't asked (--ask-store)", contradicted: "the bucket says OTHERWISE" }[l.store]}`;
/** Exactly what it shows, and no more. */
function stampText(t: Stamped): string {
  const who = { good: `its authority's signature is good: it existed then`, bad: "its authority's signature is NOT good", "not checked": "its digest fits; the authority's signature wasn't checked (--timestamp-ca FILE)" }[t.authority];
  return `${t.at} over ${t.over} (${t.file}): ${who}`;
}
