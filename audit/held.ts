import type { Finding } from "../lib/finding.ts";
import type { Git } from "../lib/git.ts";
import { peopleIn } from "../history/people-history.ts";
import { walkVersions } from "../history/read.ts";
import { readSealedText } from "../history/sealed-text.ts";
import { PEOPLE_FILE } from "../schemas/layout.ts";

/** For how long a recipient's key could open an environment's sealed file, by the commits that brought it and took it away. Instants; `until` null while it lasts. */
export interface Held {
  readonly environment: string;
  readonly class: string;
  /** By people.yaml, now or ever; null where it never named the recipient. */
  readonly name: string | null;
  readonly recipient: string;
  readonly from: string;
  readonly until: string | null;
  /** How many different issues of credentials the file carried meanwhile. */
  readonly values: number;
}
interface Span { from: number; until: number; readonly issues: Set<string> }
const FILE = /^stacks\/([^/]+)\/(secrets|payments)\.sops\.yaml$/;

/** Who could open which sealed file and when, from every commit that `head` reaches. Throws GIT_FAILED. */
export async function heldOver(git: Git, head: string, progress: (text: string) => void): Promise<{ readonly held: readonly Held[]; readonly findings: readonly Finding[] }> {
  const spans = new Map<string, Span[]>();
  const names = new Map<string, { name: string; from: number }>();
  const walk = await walkVersions(git, (v) => {
    if (v.file === PEOPLE_FILE) {
      for (const n of peopleIn(v.text)) for (const r of n.recipients) if (v.from >= (names.get(r)?.from ?? -1)) names.set(r, { name: n.name, from: v.from });
      return;
    }
    const m = FILE.exec(v.file);
    const sealed = m && readSealedText(v.text);
    if (!m || !sealed) return;
    const issues = new Set(sealed.leaves.map((l) => `${l.path} ${l.issueId}`));
    for (const r of new Set(sealed.recipients)) {
      const key = `${m[1] as string} ${m[2] === "payments" ? "payments" : "standard"} ${r}`;
      const own = spans.get(key);
      if (own) own.push({ from: v.from, until: v.until, issues });
      else spans.set(key, [{ from: v.from, until: v.until, issues }]);
    }
  }, { refs: [head], tip: head, disk: false, paths: ["stacks/*.yaml"], progress });
  const held = [...spans].flatMap(([key, all]) => {
    const [environment = "", cls = "", recipient = ""] = key.split(" ");
    return joined(all).map((s): Held => ({ environment, class: cls, name: names.get(recipient)?.name ?? null, recipient, from: instant(s.from), until: s.until === Infinity ? null : instant(s.until), values: s.issues.size }));
  });
  return { held: held.sort((a, b) => cmp(b.from, a.from) || cmp(a.environment, b.environment) || cmp(a.class, b.class) || cmp(a.recipient, b.recipient)), findings: walk.findings };
}
const cmp = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const instant = (seconds: number): string => new Date(seconds * 1000).toISOString();
/** Spans that touch are one. */
function joined(all: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const s of [...all].sort((a, b) => a.from - b.from)) {
    const last = out.at(-1);
    if (!last || s.from > last.until) out.push({ from: s.from, until: s.until, issues: new Set(s.issues) });
    else {
      last.until = Math.max(last.until, s.until);
      for (const i of s.issues) last.issues.add(i);
    }
  }
  return out;
}
