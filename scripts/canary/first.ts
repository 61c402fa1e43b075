import type { Finding } from "../../lib/finding.ts";
import type { Declared } from "../../stacks/read.ts";
import { placeOf } from "../../stacks/access/place.ts";
import type { Caller } from "../caller.ts";
import type { Context, OptionSpec } from "../command.ts";
import { projectName } from "../deployment.ts";
import { durationOf } from "../rotator.ts";
import { canaryFindings } from "./state.ts";
import { CANARY_WAIT_MS, tryCanary, type Tried } from "./try.ts";

export const CANARY_OPTION: OptionSpec = { flags: "--canary-wait <duration>", description: "how long the first deployment waits for the canary's alert (15m; 0s: don't try)" };

/** `state`: heard and recorded now, recorded before, not tried (why stands in `findings`), or tried and lost. */
export interface FirstCanary {
  readonly state: "heard" | "recorded" | "untried" | "lost";
  readonly findings: readonly Finding[];
  readonly heard: Tried["heard"];
  readonly written: string | null;
  readonly text: string;
}
/**
 * The canary of an environment's first deployment, and of the first one after its alerts were changed: tried by who may listen (super-admin), where events
 * of calls are made (an emulator makes none: there only with `--canary-wait`). What can't be tried now is said, with the command. Null where there are no such alerts.
 */
export async function firstCanary(context: Context, d: Declared, caller: Caller | null, options: Readonly<Record<string, unknown>>): Promise<FirstCanary | null> {
  const p = placeOf(d, projectName(context.root)), s = d.environment.store;
  const secret = p?.secrets.payments[0];
  if (!p || s.kind !== "aws" || secret === undefined) return null;
  const asked = canaryFindings(context.root, p);
  if (asked.length === 0) return { state: "recorded", findings: [], heard: [], written: null, text: "" };
  const untried = (why: string): FirstCanary => ({ state: "untried", heard: [], written: null, text: "", findings: asked.map((f) => (f.code.startsWith("CANARY_") ? { ...f, message: `${f.message}; not tried now: ${why}` } : f)) });
  const wait = durationOf(options, "canaryWait");
  if (wait === 0) return untried("--canary-wait 0s");
  if (caller?.role !== "super-admin" && caller?.role !== "root") return untried(`${caller?.role ?? "who is at hand"} may not listen`);
  if (s.endpoint !== undefined && wait === undefined) return untried("an emulator makes no events of calls");
  const t = await tryCanary(context, p, s, secret, wait === undefined ? CANARY_WAIT_MS : wait * 1000);
  return { ...t, state: t.written === null ? "lost" : "heard" };
}
