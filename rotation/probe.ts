import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import type { Probed, Rotator, Subject } from "./context.ts";
import type { Settings } from "./deliver.ts";

interface About {
  readonly r: Rotator;
  readonly e: Pick<ExpectedSecret, "path" | "kind" | "integration">;
  readonly settings: Settings;
}
/** A value of the rotated credential, with the settings that go with it. */
export const subjectOf = (t: About, value: string, settings?: Readonly<Record<string, string>>): Subject => ({ path: t.e.path, kind: t.e.kind, integration: t.e.integration, value, settings: { ...t.settings, ...settings } });

/** Asks until the verdict is the wanted one, or the provider had time enough to settle; the last answer counts. */
export async function settled(t: About, subject: Subject, want: "valid" | "invalid"): Promise<Probed> {
  let waited = 0;
  for (let pause = 100; ; pause = Math.min(2_000, pause * 2)) {
    const p = await t.r.probe(subject);
    if (p.verdict === want || p.verdict === "skipped" || waited >= t.r.options.settleMs || t.r.signal.aborted) return p;
    await t.r.wait(pause);
    waited += pause;
  }
}
