import type { Finding } from "../lib/finding.ts";
import { engineCodes } from "../engine/codes.ts";
import type { Diagnostic, Violation } from "../engine/index.ts";
import { policyCodes } from "../policies/codes.ts";

/** What policies say, as findings; `place` tells where a resource is declared. */
export const policyFindings = (violations: readonly Pick<Violation, "policy" | "level" | "urn" | "message" | "unknown">[], place: (urn: string) => Pick<Finding, "at"> = () => ({})): Finding[] =>
  violations.map((v) => {
    if (v.unknown) return engineCodes.finding("POLICY_NOT_YET", { message: `${v.policy} can't be told yet: ${v.message}`, path: v.urn, ...place(v.urn) });
    return policyCodes.finding(v.level === "mandatory" ? "POLICY_VIOLATION" : "POLICY_ADVICE", { message: `${v.policy}: ${v.message}`, path: v.urn, ...place(v.urn) });
  });
/** What an engine says: errors, and whatever has a code. `hint`: what helps where it names nothing itself. */
export const engineFindings = (diagnostics: readonly Diagnostic[], hint: string | null = "mend it and run again: what was done is kept"): Finding[] =>
  diagnostics.filter((x) => x.severity === "error" || x.code !== undefined).map((x) => {
    const said = { message: x.message, path: x.urn, ...(x.severity === "error" && x.code !== "ENGINE_CANCELLED" && (x.hint ?? hint) !== null && { hint: x.hint ?? hint ?? "" }) };
    if (x.code === undefined || x.code in engineCodes.table) return engineCodes.finding((x.code ?? "ENGINE_FAILED") as keyof typeof engineCodes.table, said);
    // A provider's own code: the message says what to do.
    return { code: x.code, severity: x.severity, ...said };
  });
