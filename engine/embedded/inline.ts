import { FindingError } from "../../lib/finding.ts";
import type { Deployment } from "./deployment.ts";
import { messageOf, monitorService, unannounced } from "./monitor.ts";
import { direct } from "./rpc.ts";
import { runStack, withSdk } from "./sdk-hooks.ts";

export interface ProgramLimits {
  readonly timeoutMs: number;
  /** The program is known to leave nothing behind that could declare something after it ended. */
  readonly tidy?: boolean;
}

export function tooLong(d: Deployment, limits: ProgramLimits): void {
  const urns = [...d.inFlight.values()], more = urns.length > 3 ? ` and ${String(urns.length - 3)} more` : "";
  const why = urns.length ? `it waits for ${urns.slice(0, 3).join(", ")}${more}` : "no registration is under way: it waits for a promise of its own";
  d.context.say("error", `the program didn't end within ${String(Math.round(limits.timeoutMs / 1000))} s: ${why}`, undefined, "ENGINE_TIMEOUT");
  d.context.stop("error");
}

/** What a program declared before it failed is still done, as in a process of its own, which ends when nothing is left to wait for. */
async function quiet(d: Deployment): Promise<void> {
  for (let still = 0; still < 5; still++) {
    await new Promise((done) => setTimeout(done, 5));
    if (d.inFlight.size > 0) still = 0;
    await d.idle();
  }
}

/** Runs a program in this process: the SDK talks to the engine through its monitor slot, without gRPC. Resolves to whether it ended as it should; never rejects for what the program does. */
export async function runInProcess(d: Deployment, program: () => unknown, limits: ProgramLimits): Promise<boolean> {
  const { context: c } = d, service = monitorService(d);
  // After a failure the SDK's outputs never settle, and it throws the failure again as rejections that nobody handles.
  let ok = true as boolean;
  const failed = (e: unknown): void => {
    ok = false;
    if (c.stopped) return;
    const refused = e instanceof FindingError ? e : unannounced(messageOf(e));
    if (refused) c.fail(refused);
    else if (!c.told(e)) c.say("error", `the program failed: ${messageOf(e)}`, undefined, "PROGRAM_FAILED");
  };
  process.on("unhandledRejection", failed);
  // The SDK takes a stack for every promise, half of a large program's time; nobody is shown one.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((done) => { timer = setTimeout(() => { ok = false; tooLong(d, limits); done(); }, limits.timeoutMs); });
  const before = c.onStop, stopped = new Promise<void>((done) => { c.onStop = () => { before(); done(); }; });
  try {
    if (!c.stopped) await withSdk({ ...c.settings, tidy: limits.tidy === true, monitor: direct(service.monitor), engine: direct(service.engine) }, async () => {
      await Promise.race([runStack(program).catch((e: unknown) => { failed(e); return quiet(d); }), late, stopped.then(() => d.idle())]);
      await new Promise((done) => setImmediate(done));
      return ok && c.stopped === null;
    });
  } finally {
    clearTimeout(timer);
    Error.stackTraceLimit = stackTraceLimit;
    process.off("unhandledRejection", failed);
    // Rejections that come late, of a run that is over, are nobody's.
    if (c.stopped) {
      const swallow = (): void => undefined;
      process.on("unhandledRejection", swallow);
      setTimeout(() => { process.off("unhandledRejection", swallow); }, 200).unref();
    }
  }
  return ok && c.stopped === null;
}
