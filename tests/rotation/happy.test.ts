import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { advance } from "../../rotation/machine.ts";
import { propose, wayOf } from "../../rotation/start.ts";
import { makeWorld, type World } from "./world.ts";

let w: World;
beforeAll(async () => { w = await makeWorld(); }, 60_000);
afterAll(async () => { await w.close(); });

describe("rotations", () => {
  it.each(["twilio.authToken", "vonage.apiSecret", "calcom.apiKey", "smtp.password", "salesforce.consumerSecret", "outbound-webhooks.crm-sync.signingSecret"])("%s", async (path) => {
    const before = await w.value(path);
    const r = await w.rotator({}, { say: (t) => { process.stderr.write(t); } });
    const rec = await propose(r, { path, reason: "scheduled" });
    const done = await advance(await w.rotator(), rec.rotation, wayOf(r));
    expect(done.waiting).toBeNull();
    expect(done.record.steps.at(-1)!.step).toBe("closed");
    expect(await w.value(path)).not.toBe(before);
  }, 30_000);
});
