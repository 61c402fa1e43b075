import type { GuidedRotation } from "../../schemas/rotation.ts";
import { rotationCodes } from "../codes.ts";
import type { Strategy, Task } from "../strategy.ts";

/** The page where a person acts, with the declared settings filled in. */
export const pageOf = (page: string, settings: Readonly<Record<string, unknown>>): string => page.replace(/\{(\w+)\}/g, (all, k: string) => (typeof settings[k] === "string" || typeof settings[k] === "number" ? encodeURIComponent(String(settings[k])) : all));

/** What only a person can do at the provider: the exact steps, then the same machine. */
export function guided(spec: GuidedRotation): Strategy {
  return {
    obtain: async (t) => {
      const page = spec.page === undefined ? null : pageOf(spec.page, t.settings);
      if (t.r.receive) t.r.say(`${t.e.path}, at its provider:\n${[...(page !== null ? [`open ${page}`] : []), ...spec.steps].map((s, i) => `  ${i + 1}. ${s}`).join("\n")}\n`);
      const value = (await t.r.receive?.()) ?? null;
      return value !== null ? { value, minted: {} } : { exit: 0, wait: waiting(t, spec, page) };
    },
    revoke: null,
    discard: (t) => {
      t.r.say(`the new ${t.e.path} isn't used: remove it at its provider\n`);
      return Promise.resolve({});
    },
  };
}
const waiting = (t: Task, spec: GuidedRotation, page: string | null) => rotationCodes.finding("ROTATION_VALUE_WANTED", {
  message: `${t.e.path} waits for its new value: ${[...(page !== null ? [`open ${page}`] : []), ...spec.steps].map((s, i) => `${i + 1}. ${s}`).join("; ")}`,
  path: t.e.path, hint: `then: stackseal rotate resume ${t.record().rotation} --env ${t.r.declared.name} (asks for the value without echo, or takes it from a pipe or --file)`,
});
