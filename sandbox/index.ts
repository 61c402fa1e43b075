import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../lib/atomic.ts";
import { SANDBOX_RUNNING, SANDBOX_SERVICES, sandboxVariable, type SandboxService } from "../schemas/sandbox.ts";
import { startStripe, type StripeSandbox } from "./stripe.ts";

export interface Sandbox {
  readonly urls: Readonly<Record<SandboxService, string>>;
  /** What a program needs to find it: variable → address. */
  readonly env: Readonly<Record<string, string>>;
  readonly stripe: StripeSandbox;
  close(): Promise<void>;
}
export interface SandboxOptions {
  /** Where the fakes keep what they were told; the same folder again is the same account. */
  readonly stateDir: string;
  /** Stripe's port; a free one otherwise. */
  readonly port?: number;
  /** Between deliveries that are tried again. */
  readonly retryMs?: number;
}

/** Starts the loopback fakes on 127.0.0.1, and leaves their addresses in the folder while they run. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const stripe = await startStripe(options.stateDir, options.port, options.retryMs === undefined ? {} : { retryMs: options.retryMs });
  const urls: Record<SandboxService, string> = { stripe: stripe.url };
  const file = join(options.stateDir, SANDBOX_RUNNING);
  const running = `${JSON.stringify({ pid: process.pid, urls })}\n`;
  writeAtomic(file, running, 0o600);
  return {
    urls, stripe,
    env: Object.fromEntries(SANDBOX_SERVICES.map((s) => [sandboxVariable(s), urls[s]])),
    close: async () => {
      // Another sandbox may have started on the same folder since: its note stays.
      if (readSafely(file) === running) rmSync(file, { force: true });
      await stripe.close();
    },
  };
}
function readSafely(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
