import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../../lib/atomic.ts";
import { isoDate } from "../../lib/clock.ts";
import type { Role, Tier } from "../../schemas/access.ts";
import { humanPepperFile, pepperFile, PEOPLE_FILE } from "../../schemas/layout.ts";
import type { People } from "../../schemas/people.ts";
import { signatureFile, signatureOver } from "../../seal/file-signature.ts";
import { pepperRecipients, unique } from "../../seal/recipients.ts";
import { newPepper, sealPeppers } from "../../seal/seed.ts";
import { scalar } from "../../seal/write.ts";
import { readPeople } from "../../seal/deploy.ts";
import { SOPS_CONFIG, sopsConfig, type Place } from "../../seal/sops-config.ts";
import type { Context } from "../command.ts";
import { modeline } from "./declarations.ts";
import { keyOf, recipientIn, signingKeyIn } from "./keys.ts";
import type { Ledger } from "./ledger.ts";
import { MADE_FOR, type Plan } from "./plan.ts";

const TIERS: readonly Tier[] = ["development", "staging", "production"];

export interface Made {
  /** What the shell must be told: variable → file. */
  readonly exports: Readonly<Record<string, string>>;
  /** Identities of machines that wait to be put where their jobs fetch them. */
  readonly machines: readonly { readonly name: string; readonly role: Role; readonly file: string; readonly signing: string | null; readonly environment: string }[];
}
/** People with the caller as Super Admin, two deployers and a rotator an environment, the signature, peppers and `.sops.yaml`; what is there stays. */
export async function makePeople(context: Context, plan: Plan, places: readonly Place[], ledger: Ledger): Promise<Made> {
  const now = context.clock.now();
  const exports: Record<string, string> = {};
  const machines: { name: string; role: Role; file: string; signing: string | null; environment: string }[] = [];
  if (existsSync(join(plan.root, PEOPLE_FILE))) {
    ledger.kept(PEOPLE_FILE, "people");
    // What an earlier run made here, which its reader may not have seen: it was killed, or its words have scrolled away.
    const key = join(plan.keys, `${plan.person}.ssh`);
    if (existsSync(key) && context.env["STACKSEAL_SIGNING_KEY"] === undefined) exports["STACKSEAL_SIGNING_KEY"] = key;
    if (existsSync(plan.identity) && context.env["SOPS_AGE_KEY_FILE"] !== plan.identity) exports["SOPS_AGE_KEY_FILE"] = plan.identity;
  }
  else {
    mkdirSync(plan.keys, { recursive: true, mode: 0o700 });
    writeAtomic(join(plan.keys, MADE_FOR), `${plan.root}\n`, 0o600);
    const { key, file } = keyOf(context, plan, ledger);
    if (file !== null) exports["STACKSEAL_SIGNING_KEY"] = file;
    const recipient = await recipientIn(plan.identity, ledger);
    if (context.env["SOPS_AGE_KEY_FILE"] !== plan.identity) exports["SOPS_AGE_KEY_FILE"] = plan.identity;
    const from = JSON.stringify(isoDate(now));
    const lines = [
      "people:", `    ${plan.person}:`, "        role: super-admin", `        tiers: [${TIERS.join(", ")}]`, `        recipients: [${recipient}]`, `        signing: [${JSON.stringify(key.publicLine)}]`,
      ...(plan.handle !== undefined ? [`        handle: ${scalar(plan.handle)}`] : []), `        from: ${from}`, "machines:",
    ];
    for (const p of places) for (const [name, role] of [[`deployer-${p.name}`, "deployer"], [`deployer-${p.name}-payments`, "payments-deployer"], [`rotator-${p.name}`, "rotator"]] as const satisfies readonly (readonly [string, Role])[]) {
      const at = join(plan.keys, `${name}.age`);
      // Staging's deployer signs what it found there: production asks for it. A rotator signs what it seals.
      const signs = role === "rotator" || (role === "deployer" && p.tier === "staging") ? signingKeyIn(join(plan.keys, `${name}.ssh`), name, ledger) : null;
      lines.push(`    ${name}:`, `        role: ${role}`, `        tiers: [${p.tier}]`, `        recipients: [${await recipientIn(at, ledger)}]`, ...(signs ? [`        signing: [${JSON.stringify(signs.publicLine)}]`] : []), `        from: ${from}`);
      machines.push({ name, role, file: at, signing: signs?.file ?? null, environment: p.name });
    }
    const text = `${modeline("people", "../")}${lines.join("\n")}\n`;
    // The signature first: people without one would want it by hand after a crash.
    writeAtomic(join(plan.root, signatureFile(PEOPLE_FILE)), signatureOver(PEOPLE_FILE, text, key));
    ledger.file(PEOPLE_FILE, text, `you as ${plan.person}, and the machines; signed by you`);
  }
  const people = readPeople(plan.root, "");
  await peppers(plan.root, people, places, now, ledger);
  ledger.file(SOPS_CONFIG, sopsConfig(people, places, isoDate(now)), "who may open what, for the sops CLI");
  return { exports, machines };
}
async function peppers(root: string, people: People, places: readonly Place[], now: Date, ledger: Ledger): Promise<void> {
  const on = isoDate(now);
  const file = async (name: string, generation: "g1" | "h1", tiers: readonly Tier[]): Promise<void> => {
    if (existsSync(join(root, name))) ledger.kept(name, "peppers");
    else ledger.file(name, await sealPeppers({ [generation]: newPepper() }, unique(pepperRecipients(people, on, tiers)).map((r) => r.recipient), now), "a new pepper, sealed");
  };
  if (places[0]) await file(pepperFile(places[0].name), "g1", TIERS);
  for (const [name, tier] of new Map(places.map((p) => [humanPepperFile(p.name, p.tier), p.tier]))) await file(name, "h1", [tier]);
}
