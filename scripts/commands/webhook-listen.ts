import { FindingError } from "../../lib/finding.ts";
import type { Received } from "../../doctor/webhooks/receiver.ts";
import { defineCommand } from "../command.ts";
import { printable } from "../render/paint.ts";
import { schemeFrom, schemeOptions, secretFrom } from "../webhooking.ts";

const line = (r: Received): string => `${r.at.toISOString()} ${r.verified.ok ? (r.replay ? "↻" : "✓") : "✗"} ${r.method} ${printable(r.path)} ${r.bytes} bytes${r.type === null ? "" : ` ${r.type}`}: ${r.replay ? "a replay: taken before, and rightly signed all the same" : r.verified.message}${r.verified.ok && !r.replay ? "" : `  ${r.replay ? "WEBHOOK_REPLAY" : r.verified.code}`}`;

export default defineCommand({
  name: "webhook listen",
  summary: "A receiver on loopback that verifies what comes and prints it, until Ctrl-C",
  wants: "any",
  options: [...schemeOptions, { flags: "--port <port>", description: "a free one otherwise" }, { flags: "--public-url <url>", description: "what the sender calls, where a tunnel stands in between (Twilio and HubSpot sign it)" }, { flags: "--count <n>", description: "end after so many" }],
  examples: ["stackseal webhook listen --env local --credential outbound-webhooks.crm-sync.signingSecret --port 8000", "stackseal webhook listen --scheme twilio --env dev --credential twilio.authToken --public-url https://abc.tunnel.example"],
  run: async (context, _args, options) => {
    const scheme = schemeFrom(options);
    const number = (name: string, max: number): number => {
      const n = Number(options[name] ?? 0);
      if (!Number.isInteger(n) || n < 0 || n > max) throw new FindingError({ code: "USAGE_NUMBER", severity: "error", message: `--${name} wants a number from 1 to ${max}` }, 2);
      return n;
    };
    const [port, count] = [number("port", 65535), number("count", 100_000)];
    const secret = await secretFrom(context, options);
    const { receive } = await import("../../doctor/webhooks/receiver.ts");
    const all: Received[] = [];
    let enough: () => void = () => undefined;
    const ended = new Promise<void>((done) => { enough = done; });
    const receiver = await receive({
      scheme, secret, port, publicUrl: (options["publicUrl"] as string | undefined) ?? null, now: () => context.clock.now(),
      each: (r) => {
        all.push(r);
        context.out(`${line(r)}\n`);
        if (count > 0 && all.length >= count) enough();
      },
    }).catch((e: unknown) => {
      if ((e as NodeJS.ErrnoException).code !== "EADDRINUSE") throw e;
      throw new FindingError({ code: "USAGE_PORT", severity: "error", message: `port ${port} is taken`, hint: "leave --port out for a free one" }, 2);
    });
    context.say(`listening for ${scheme.title} at ${receiver.url}; Ctrl-C stops it\n`);
    context.signal.addEventListener("abort", () => { enough(); }, { once: true });
    if (context.signal.aborted) enough();
    await ended;
    // The last answer is still on its way.
    await new Promise((done) => setTimeout(done, 50));
    await receiver.close();
    return { exit: all.every((r) => r.verified.ok && !r.replay) ? 0 : 1, json: { received: all.map((r) => ({ at: r.at.toISOString(), path: r.path, bytes: r.bytes, type: r.type, code: r.replay ? "WEBHOOK_REPLAY" : r.verified.code, id: r.verified.id, ageSeconds: r.verified.ageSeconds })) } };
  },
});
