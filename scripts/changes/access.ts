import { allows, CLASSES, VERBS, type AccessClass, type Tier } from "../../schemas/access.ts";
import { activeOn, members, type People } from "../../schemas/people.ts";

export interface AccessChange {
  readonly who: string;
  readonly role: string;
  readonly change: "gains" | "loses";
  readonly tier: Tier;
  readonly class: AccessClass;
  readonly verbs: readonly string[];
}
interface Right { readonly who: string; readonly role: string; readonly tier: Tier; readonly class: AccessClass; readonly verbs: readonly string[] }

function rights(people: People | null, on: string): Map<string, Right> {
  const out = new Map<string, Right>();
  for (const m of people ? members(people).filter((x) => activeOn(x, on)) : [])
    for (const tier of m.entry.tiers)
      for (const cls of CLASSES) {
        const verbs = VERBS.filter((v) => allows(m.entry.role, cls, tier, v));
        if (verbs.length) out.set(`${m.name}\n${tier}\n${cls}`, { who: m.name, role: m.entry.role, tier, class: cls, verbs });
      }
  return out;
}
/** Who may do what more, or less, than at the base: by people.yaml on both sides under the access matrix as it is now. */
export function accessChanges(old: People | null, now: People | null, on: string): AccessChange[] {
  const before = rights(old, on);
  const after = rights(now, on);
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((key): AccessChange[] => {
    const a = before.get(key);
    const b = after.get(key);
    const gained = (b?.verbs ?? []).filter((v) => a?.verbs.includes(v) !== true);
    const lost = (a?.verbs ?? []).filter((v) => b?.verbs.includes(v) !== true);
    return [
      ...(b && gained.length ? [{ ...b, change: "gains" as const, verbs: gained }] : []),
      ...(a && lost.length ? [{ ...a, change: "loses" as const, verbs: lost }] : []),
    ];
  });
}
