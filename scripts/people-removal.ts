import type { Finding } from "../lib/finding.ts";
import { readPeople } from "../seal/deploy.ts";
import { readJournal } from "../seal/people-change.ts";
import type { Context, Result } from "./command.ts";
import { askExposure, exposureText } from "./exposure.ts";
import { changePeople, memberOf, syncPeople } from "./people.ts";

/** Takes somebody out of people.yaml and every recipient list, with new pepper generations and the list of what they could know. Throws FindingError with nothing written. */
export async function removePerson(context: Context, name: string, reason: "departure" | "compromise"): Promise<Result> {
  // The interrupted removal of the same person is finished, not asked again.
  if (readJournal(context.root)?.gone.includes(name)) return syncPeople(context);
  const { entry } = memberOf(readPeople(context.root, ""), name);
  const said: Finding[] = [];
  let open = 0;
  const result = await changePeople(context, {
    what: `remove ${name}`, edit: { op: "remove", name }, gone: [name], departure: true,
    also: async (_was, _is, _concerned, signer) => {
      const { exposure, findings } = await askExposure(context, { name, recipients: entry.recipients, reason, by: signer.name });
      said.push(...findings);
      open = exposure.lines.length;
      return [exposureText(context.root, exposure)];
    },
  });
  return { ...result, findings: [...(result.findings ?? []), ...said], text: `${result.text ?? ""}${open ? `\n${open} values in force that ${name} could know must be issued anew: the list says which, by when and how` : ""}` };
}
