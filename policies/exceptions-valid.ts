import { addDays, isoDate } from "../lib/clock.ts";
import { nearest } from "../lib/nearest.ts";
import { EXCEPTION_DAYS, EXCEPTIONS_FILE, type Exception } from "../schemas/exceptions.ts";
import { activeOn, members } from "../schemas/people.ts";
import type { Facts } from "./kit/facts.ts";
import { definePolicy, FIXED } from "./policy.ts";

const entry = (over: Partial<Record<keyof Exception, string>>): string => {
  const e = { rule: "recovery-window", resource: "urn:pulumi:dev::stackseal::aws:secretsmanager/secret:Secret::hubspot", reason: "The sandbox account is emptied every night.", owner: "super-admin-2", expires: "2026-12-24", link: "https://git.example/acme/platform/pull/1", ...over };
  return `exceptions:\n    - { ${Object.entries(e).filter(([, v]) => v !== "").map(([k, v]) => `${k}: "${v}"`).join(", ")} }\n`;
};
const FILE = EXCEPTIONS_FILE;

/** Why an exception doesn't stand; none where it does. Whether it is used is told by what was judged. */
export function faultsOf(e: Exception, index: number, f: Facts, ruleIds: readonly string[]): { message: string; key: keyof Exception; hint?: string }[] {
  const today = isoDate(f.now);
  const owner = (f.people ? members(f.people) : []).find((m) => m.name === e.owner && !m.machine);
  // Whoever moved its last day wrote it as much as who began it.
  const lines = ["rule", ...Object.keys(e)].map((k) => f.locate(FILE, ["exceptions", index, k]).line);
  const authors = f.git.authors(FILE, Math.min(...lines), Math.max(...lines)).flatMap((a) => [a.name, a.email.split("@")[0]?.replace(/^\d+\+/, "")]);
  const same = (text: string): boolean => [e.owner, owner?.entry.handle].some((n) => n?.toLowerCase() === text.toLowerCase());
  const near = nearest(e.rule, ruleIds);
  const [file = ""] = (e.path ?? "").split("#");
  return [
    ...(ruleIds.includes(e.rule) ? [] : [{ message: `no policy is named "${e.rule}"`, key: "rule" as const, hint: near === null ? "stackseal policies lists them" : `did you mean ${near}?` }]),
    ...(FIXED.includes(e.rule) ? [{ message: e.rule === "exceptions-valid" ? "the rule about exceptions has none" : `${e.rule} has no exceptions: a Super Admin signs`, key: "rule" as const }] : []),
    ...(e.expires < today ? [{ message: `the exception expired on ${e.expires}`, key: "expires" as const }] : []),
    ...(e.expires > isoDate(addDays(f.now, EXCEPTION_DAYS)) ? [{ message: `the exception runs longer than ${EXCEPTION_DAYS} days`, key: "expires" as const, hint: `at most until ${isoDate(addDays(f.now, EXCEPTION_DAYS))}` }] : []),
    ...(owner === undefined || !activeOn(owner, today) ? [{ message: `its owner ${e.owner} is no active person of people.yaml`, key: "owner" as const }] : []),
    ...(authors.some((n) => (n ?? "") !== "" && same(n as string)) ? [{ message: `its owner ${e.owner} wrote it: somebody else must answer for it`, key: "owner" as const }] : []),
    ...(/[*?[\]]/.test(e.resource ?? "") || /[*?[\]]/.test(file) ? [{ message: "an exception names one resource or one place, not a pattern", key: (e.resource === undefined ? "path" : "resource") }] as { message: string; key: keyof Exception }[] : []),
    ...(e.resource !== undefined && !/^urn:pulumi:[^:]+::[^:]+::.+::.+$/.test(e.resource) ? [{ message: "a resource is named by its URN (stackseal preview --json shows it)", key: "resource" as const }] : []),
    ...(e.path !== undefined && (file.endsWith("/") || !/\.[a-z]+$/.test(file)) ? [{ message: "an exception for a whole folder is too wide", key: "path" as const }] : []),
  ];
}

export const exceptionsValid = definePolicy({
  id: "exceptions-valid",
  title: "Every exception is owned by somebody else than its author, ends within 90 days, is used, and no wider than one place",
  severity: "high",
  level: "mandatory",
  remediation: "Mend or remove it in policies/exceptions.yaml.",
  chapter: "Regular Reviews",
  passes: [{ says: "accepts a project without exceptions", project: () => undefined }],
  breaks: [
    { says: "rejects an expired exception", project: (p) => { p.write(FILE, entry({ expires: "2026-11-01" })); } },
    { says: "rejects an exception of half a year", project: (p) => { p.write(FILE, entry({ expires: "2027-05-01" })); } },
    { says: "rejects an exception for a rule that doesn't exist", project: (p) => { p.write(FILE, entry({ rule: "recovery-windows" })); } },
    { says: "rejects an owner whom nobody knows", project: (p) => { p.write(FILE, entry({ owner: "nobody-1" })); } },
    { says: "rejects an owner who wrote it", project: (p) => { p.write(FILE, entry({ owner: "super-admin-2" })); p.commit("super-admin-2"); } },
    { says: "rejects an owner who moved its last day", project: (p) => { p.write(FILE, `exceptions:\n    - ${entry({}).split("{ ")[1]?.replace(" }\n", "").split(", ").join("\n      ") ?? ""}\n`); p.commit("super-admin-1"); p.replace(FILE, "2026-12-24", "2026-12-31"); p.commit("super-admin-2"); } },
    { says: "rejects an exception for what a Super Admin must sign", project: (p) => { p.write(FILE, entry({ rule: "people-signed", resource: "", path: "policies/config.json" })); } },
    { says: "rejects a file for one violation in it", project: (p) => { p.replace("stacks/prod/environment.yaml", "+442000000000", "+15005550006"); p.write(FILE, entry({ rule: "production-live-accounts", resource: "", path: "stacks/prod/environment.yaml" })); } },
    { says: "rejects a section for one violation in it", project: (p) => { p.replace("stacks/prod/environment.yaml", "+442000000000", "+15005550006"); p.write(FILE, entry({ rule: "production-live-accounts", resource: "", path: "stacks/prod/environment.yaml#integrations" })); } },
    { says: "rejects a pattern of resources", project: (p) => { p.write(FILE, entry({ resource: "urn:pulumi:dev::stackseal::aws:secretsmanager/secret:Secret::*" })); } },
    { says: "rejects a whole folder", project: (p) => { p.write(FILE, entry({ resource: "", path: "stacks/prod/" })); } },
    { says: "rejects an unused exception for a place in a file", project: (p) => { p.write(FILE, entry({ rule: "from-domain-allowed", resource: "", path: "stacks/prod/environment.yaml#integrations.smtp.from.address" })); } },
    { says: "rejects a file that covers two violations", project: (p) => {
      p.replace("stacks/prod/environment.yaml", "+442000000000", "+15005550006");
      p.replace("stacks/prod/environment.yaml", "acme.my.salesforce.com", "acme--qa.sandbox.my.salesforce.com");
      p.write(FILE, entry({ rule: "production-live-accounts", resource: "", path: "stacks/prod/environment.yaml" }));
    } },
    { says: "rejects an exception for the rule about exceptions", project: (p) => { p.write(FILE, entry({ rule: "exceptions-valid" })); } },
  ],
});
