import { rmSync } from "node:fs";
import type { AccessKeys, Rotator } from "../rotation/context.ts";
import { seconds } from "../rotation/plan.ts";
import { writeAtomic } from "../lib/atomic.ts";
import { FindingError } from "../lib/finding.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import { loopback } from "../schemas/fields.ts";
import { LOCAL } from "../schemas/layout.ts";
import { openPeppers } from "../seal/pepper.ts";
import type { Declared } from "../stacks/read.ts";
import type { Context, OptionSpec } from "./command.ts";
import { sandboxFor } from "./doctoring.ts";
import { exposedPrints } from "./exposure.ts";
import { readValue } from "./read-value.ts";
import { sealingOf } from "./sealing.ts";
import { heldBefore } from "./value-history.ts";

// What the commands that rotate have in common.

/** Flags of everything that moves a rotation on. */
export const rotatorOptions: readonly OptionSpec[] = [
  { flags: "--file <file>", description: "read a guided rotation's new value from this file" },
  { flags: "--wait <duration>", description: "wait so long for an overlap to end, such as 10m (60s otherwise)" },
  { flags: "--confirm <what>", description: "done by hand: an integration that holds a copy was told; or event: the receiver takes the new endpoint's", many: true },
  { flags: "--cut-now", description: "make a cut without an overlap now, whatever the hour" },
  { flags: "--settle <duration>", description: "how long a provider may take to know a new credential and to forget an old one (15s otherwise)" },
  { flags: "--sandbox", description: "ask the loopback sandbox instead of the providers" },
];
const usage = (message: string): FindingError => new FindingError({ code: "USAGE", severity: "error", message, hint: "durations are such as 30s, 15m, 24h, 7d" }, 2);
export function durationOf(options: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const text = options[name];
  if (typeof text !== "string") return undefined;
  const n = seconds(text);
  if (n === null) throw usage(`--${name} wants a duration, not "${text}"`);
  return n;
}
/** Without a terminal and without --yes nothing is changed. Throws FindingError NOT_CONFIRMED. */
export function mustConfirm(context: Context, command: string): void {
  if (!context.yes && !context.interactive) throw new FindingError({ code: "NOT_CONFIRMED", severity: "error", message: "nothing was changed: without a terminal, --yes is needed", hint: `${command} --yes` }, 2);
}

/** Runs with everything that a rotation wants of the outside; what was opened is closed again. Throws FindingError. */
export async function withRotator<T>(context: Context, env: string, options: Readonly<Record<string, unknown>>, run: (r: Rotator) => Promise<T>): Promise<T> {
  const sealing = sealingOf(context, env);
  const d = sealing.declared;
  const useSandbox = env === LOCAL || options["sandbox"] === true;
  if (options["sandbox"] === true && !here(d)) throw new FindingError({ code: "SANDBOX_ADDRESS", severity: "error", message: `${env} delivers to a store that isn't on this machine: its credentials aren't rotated at the sandbox`, path: env, hint: "leave --sandbox out" }, 2);
  const [{ providerPorts }, { createHttp }, { openStore }, { controlFile }, { signersOf }, peppers] = await Promise.all([
    import("../rotation/ports.ts"), import("../lib/http.ts"), import("../providers/stores/index.ts"), import("../doctor/control-file.ts"), import("./rotation-signers.ts"), openPeppers(context.root, d.name, d.tier, sealing.identities),
  ]);
  const { once } = signersOf(context, env, d.tier, sealing.people);
  const sandbox = useSandbox ? await sandboxFor(context) : null;
  const ca = sandbox?.ca ?? undefined;
  const http = createHttp({ env: context.env, ...(ca !== undefined && { ca }) });
  const controls = controlFile(context.root, context.clock);
  let asked = false;
  const receive = async (): Promise<string | null> => {
    // A pipe is read once; it belongs to the first that asks.
    if (asked && !context.interactive) return null;
    asked = true;
    if (typeof options["file"] !== "string" && context.stdin.isTTY && !context.interactive) return null;
    const value = await readValue(context, options["file"]);
    return value === "" ? null : value;
  };
  try {
    return await run({
      root: context.root, clock: context.clock, signal: context.signal, env: context.env,
      ...providerPorts({ http, declared: d, signal: context.signal, clock: context.clock, sandbox: sandbox?.urls ?? null, ...(ca !== undefined && { ca }), controls }),
      store: openStore({ root: context.root, env: context.env, clock: context.clock }, d.name, d.environment.store),
      accessKeys: async (): Promise<AccessKeys> => (await import("../rotation/access-keys.ts")).awsAccessKeys(d.environment.store.kind === "aws" ? d.environment.store : null),
      write: writeAtomic, remove: (f) => { rmSync(f, { force: true }); },
      wait: (ms) => new Promise((done) => {
        const timer = setTimeout(done, ms);
        context.signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
      }),
      say: (text) => { context.progress(null); context.say(text); },
      declared: d, project: sealing.project, people: sealing.people, ...(once && { once }), signer: sealing.signer, exposed: exposedPrints(context.root),
      ...(env !== LOCAL && { heldBefore: (e: Pick<ExpectedSecret, "path" | "spec">, value: string) => heldBefore(context.root, context.env, e.path, value, e.spec.human === true, peppers) }), identities: sealing.identities, peppers, sandbox: useSandbox, receive,
      options: {
        waitMs: (durationOf(options, "wait") ?? 60) * 1000, settleMs: (durationOf(options, "settle") ?? (useSandbox ? 1 : 15)) * 1000, now: options["cutNow"] === true,
        confirmed: (options["confirm"] as string[] | undefined) ?? [], ...(options["grace"] !== undefined && { graceSeconds: durationOf(options, "grace") ?? 0 }),
      },
    });
  } finally {
    controls.save();
    await http.close();
    await sandbox?.close();
  }
}
/** Whether an environment's store is on this machine. */
function here(d: Declared): boolean {
  const s = d.environment.store;
  return s.kind === "file" || (s.kind === "aws" && s.endpoint !== undefined && loopback(new URL(s.endpoint).hostname)) || (s.kind === "vault" && loopback(new URL(s.address).hostname));
}
