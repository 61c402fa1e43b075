import { join } from "node:path";
import { SANDBOX_DIR } from "../../schemas/sandbox.ts";
import { defineCommand } from "../command.ts";

export default defineCommand({
  name: "sandbox",
  summary: "Run the loopback fakes until Ctrl-C",
  wants: "none",
  options: [{ flags: "--port <port>", description: "Stripe's port (a free one otherwise)" }],
  examples: ["stackseal sandbox", "stackseal sandbox --port 12111"],
  run: async (context, _args, options) => {
    const port = Number(options["port"] ?? 0);
    if (!Number.isInteger(port) || port < 0 || port > 65535) return { exit: 2, findings: [{ code: "USAGE_PORT", severity: "error", message: "--port wants a number from 1 to 65535" }] };
    const { startSandbox } = await import("../../sandbox/index.ts");
    let sandbox;
    try {
      sandbox = await startSandbox({ stateDir: join(context.root, SANDBOX_DIR), port });
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== "EADDRINUSE") throw e;
      return { exit: 2, findings: [{ code: "USAGE_PORT", severity: "error", message: `port ${port} is taken`, hint: "leave --port out for a free one" }] };
    }
    for (const [k, v] of Object.entries(sandbox.env)) context.out(`export ${k}=${v}\n`);
    context.say("the sandbox runs on 127.0.0.1; Ctrl-C stops it\n");
    await new Promise<void>((done) => { if (context.signal.aborted) done(); else context.signal.addEventListener("abort", () => { done(); }); });
    await sandbox.close();
    return { exit: 0, json: { urls: sandbox.urls } };
  },
});
