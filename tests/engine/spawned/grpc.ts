import { spawn } from "node:child_process";
import { grpc } from "../../../engine/embedded/rpc.ts";

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
  return { address: `127.0.0.1:${String(port)}`, close: () => { server.forceShutdown(); } };
}

export interface Plugin {
  readonly address: string;
  readonly stop: () => Promise<void>;
}
/** Starts a plugin that prints its port on the first line of standard output. Rejects when it ends first or says nothing for `timeoutMs`. It never outlives this process's orderly end. */
export async function startPlugin(argv: readonly string[], options: { readonly cwd?: string; readonly env: Readonly<Record<string, string | undefined>>; readonly timeoutMs?: number }): Promise<Plugin> {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { ...(options.cwd !== undefined && { cwd: options.cwd }), env: options.env, stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.resume(); // what a plugin says there may quote what it was sent
  const kill = (): void => { child.kill("SIGKILL"); };
  process.once("exit", kill);
  const exited = new Promise<void>((done) => { child.once("exit", () => { done(); }); child.once("error", () => { done(); }); });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill();
    const timer = setTimeout(kill, 2000);
    await exited;
    clearTimeout(timer);
    process.off("exit", kill);
  };
  let timer: NodeJS.Timeout | undefined;
  try {
    const port = await new Promise<string>((done, fail) => {
      let out = "";
      timer = setTimeout(() => { fail(new Error("it didn't name its port in time")); }, options.timeoutMs ?? 30_000);
      child.stdout.on("data", (d: Buffer) => {
        out += d.toString();
        const m = /^(\d+)\s/.exec(out);
        if (m) done(m[1] as string);
      });
      child.once("error", fail);
      child.once("exit", (code) => { fail(new Error(`it ended with ${code === null ? "a signal" : `exit code ${String(code)}`} before it named its port`)); });
    });
    return { address: `127.0.0.1:${port}`, stop };
  } catch (e) {
    await stop();
    throw e;
  } finally {
    clearTimeout(timer);
  }
}
