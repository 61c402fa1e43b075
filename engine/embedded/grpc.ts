import * as grpc from "@grpc/grpc-js";
import { spawn, type ChildProcess } from "node:child_process";

const MAX = 400 * 1024 * 1024;
/** Pulumi's own message limit; the default of 4 MB is too small for large states. */
export const channel = { "grpc.max_receive_message_length": MAX, "grpc.max_send_message_length": MAX };

/** Serves on a free loopback port. */
export async function listen(register: (s: grpc.Server) => void): Promise<{ readonly address: string; readonly close: () => void }> {
  const server = new grpc.Server(channel);
  register(server);
  const port = await new Promise<number>((done, fail) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (e, p) => { if (e) fail(e); else done(p); });
  });
  return { address: `127.0.0.1:${port}`, close: () => { server.forceShutdown(); } };
}

export interface Plugin {
  readonly child: ChildProcess;
  readonly address: string;
  readonly stop: () => Promise<void>;
}
/** Starts a plugin that prints its port on the first line of standard output. Rejects when it ends first or says nothing for `timeoutMs`. */
export async function startPlugin(argv: readonly string[], options: { readonly cwd?: string; readonly env: Readonly<Record<string, string | undefined>>; readonly timeoutMs?: number }): Promise<Plugin> {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { ...(options.cwd !== undefined && { cwd: options.cwd }), env: options.env, stdio: ["ignore", "pipe", "pipe"] });
  let trouble = "";
  child.stderr.on("data", (d: Buffer) => { trouble = (trouble + d.toString()).slice(-2000); });
  const exited = new Promise<void>((done) => { child.once("exit", () => { done(); }); });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill();
    const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
    await exited;
    clearTimeout(timer);
  };
  try {
    const port = await new Promise<string>((done, fail) => {
      let out = "";
      const timer = setTimeout(() => { fail(new Error(`${command} didn't name its port in time`)); }, options.timeoutMs ?? 30_000);
      child.stdout.on("data", (d: Buffer) => {
        out += d.toString();
        const m = /^(\d+)\s/.exec(out);
        if (m) { clearTimeout(timer); done(m[1] as string); }
      });
      child.once("error", (e) => { clearTimeout(timer); fail(e); });
      child.once("exit", (code) => { clearTimeout(timer); fail(new Error(`the plugin ended with ${code ?? "a signal"} before it named its port\n${trouble}`)); });
    });
    return { child, address: `127.0.0.1:${port}`, stop };
  } catch (e) {
    await stop();
    throw e;
  }
}
