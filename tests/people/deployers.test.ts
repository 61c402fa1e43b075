import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { as, clean, commit, copyOf, makeBase, read, write, type Base } from "./fixture.ts";

describe("an environment's two deployers", () => {
  let base: Base;
  let dir: string;
  beforeAll(async () => {
    base = await makeBase();
    dir = copyOf(base);
    write(dir, "stacks/dev/environment.yaml", read(dir, "stacks/dev/environment.yaml").replace(/^store: .*$/m, "store: { kind: file }"));
    write(dir, "stacks/dev/payments.yaml", read(dir, "stacks/dev/payments.yaml").replace(/^ {4}mode: test$/m, "    mode: test\n    apiBase: sandbox"));
    commit(dir, "Keep dev in files");
  }, 120_000);
  afterAll(() => { clean(base); });
  const up = (who: string, ...more: string[]) => as(base, who, dir, ["up", "--env", "dev", "--yes", ...more]);
  const steps = (r: ReturnType<typeof up>): number => ((r.json["environments"] as { steps: unknown[] }[] | undefined)?.[0]?.steps ?? []).length;

  it.each([["deployer-dev", "dev-payments", "standard"], ["deployer-dev-payments", "dev", "payments"]])("%s alone deploys nothing of an environment whose %s it can't open", (who, other, own) => {
    const r = up(who);
    const finding = (r.json["findings"] as { code: string; message: string; hint: string }[]).find((f) => f.code === "IDENTITY_OTHER_STACK");
    expect([r.status, steps(r)]).toEqual([2, 0]);
    expect(finding?.message).toContain(`not ${other}`);
    expect(finding?.hint).toContain(`--part ${own}`);
    // Its own stack is its job.
    const done = up(who, "--part", own);
    expect(done.codes).not.toContain("IDENTITY_OTHER_STACK");
    expect(steps(done)).toBeGreaterThan(1);
  }, 240_000);
});
