import { join } from "node:path";
import { WORK_DIR } from "../../schemas/layout.ts";
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
    const { startStripe } = await import("../../sandbox/stripe.ts");
    const stripe = await startStripe(join(context.root, WORK_DIR, "sandbox"), port);
    context.out(`export STACKSEAL_STRIPE_SANDBOX=${stripe.url}\n`);
    context.say("the sandbox runs on 127.0.0.1; Ctrl-C stops it\n");
    await new Promise<void>((done) => { if (context.signal.aborted) done(); else context.signal.addEventListener("abort", () => { done(); }); });
    await stripe.close();
    return { exit: 0 };
  },
});
