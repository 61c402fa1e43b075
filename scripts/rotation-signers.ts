import { peopleIn } from "../history/people-history.ts";
import { Git } from "../lib/git.ts";
import { PROTECTED } from "../lib/protected-base.ts";
import type { Tier } from "../schemas/access.ts";
import { LOCAL, PEOPLE_FILE } from "../schemas/layout.ts";
import type { People } from "../schemas/people.ts";
import { entitled, type Signers } from "../rotation/signers.ts";
import { readPeople } from "../seal/deploy.ts";
import { publicBlob } from "../seal/signature.ts";
import type { Context } from "./command.ts";

/** Whose signatures count in an environment's rotation records: people.yaml as it stands, and as it ever stood on the protected branch. Throws FindingError. */
export function signersOf(context: Pick<Context, "root" | "env">, environment: string, tier: Tier, people: People = readPeople(context.root, environment)): Signers {
  const git = new Git(context.root, context.env);
  const tip = environment === LOCAL ? null : (git.commits(PROTECTED).find((c) => c !== null) ?? null);
  // A history that was cut off can't tell that somebody never stood there.
  if (tip === null || git.state.shallow) return { people, tier };
  let said: ReturnType<typeof peopleIn> | null = null;
  const all = (): ReturnType<typeof peopleIn> => {
    const commits = (git.text(["log", "--first-parent", "-m", "--format=%H", tip, "--", PEOPLE_FILE]) ?? "").split("\n").filter(Boolean);
    return git.versions(PEOPLE_FILE, commits).flatMap((text) => (text === null ? [] : peopleIn(text)));
  };
  return {
    people, tier,
    once: (name, key, right, cls) => (said ??= all()).some((p) => p.name === name && p.role !== null && entitled({ role: p.role, tiers: p.tiers }, right, cls, tier) && p.signing.some((l) => publicBlob(l).equals(publicBlob(key)))),
  };
}
