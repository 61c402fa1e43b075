import { FindingError } from "../../lib/finding.ts";
import { SECRET, SIGNATURE, UNKNOWN } from "../../lib/pulumi-value.ts";
import { policyCodes } from "../codes.ts";
import type { GraphResource } from "./graph.ts";

interface Written {
  readonly urn?: unknown;
  readonly type?: unknown;
  readonly inputs?: unknown;
  readonly outputs?: unknown;
  readonly protect?: unknown;
  readonly delete?: unknown;
  readonly propertyDependencies?: unknown;
}

/**
 * The resources of `pulumi stack export`. A secret that the export keeps encrypted is unknown here: a rule that needs it says so.
 * Throws FindingError STATE_UNREADABLE (exit 2) where the text is no export.
 */
export function graphOfExport(text: string, file: string): GraphResource[] {
  const fail = (message: string): FindingError => new FindingError(policyCodes.finding("STATE_UNREADABLE", { message: `${file}: ${message}`, hint: "pulumi stack export --file state.json, or stackseal export" }), 2);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw fail("this is no JSON");
  }
  const deployment = (document as { deployment?: { resources?: unknown } } | null)?.deployment;
  const resources = deployment === undefined ? undefined : (deployment.resources ?? []);
  if (!Array.isArray(resources)) throw fail("this is no stack export (deployment.resources is missing)");
  return (resources as Written[]).flatMap((r): GraphResource[] => {
    if (typeof r !== "object" || typeof r.urn !== "string" || typeof r.type !== "string") throw fail("a resource without a URN or a type");
    // What waits for its deletion is no longer there for anybody.
    if (r.delete === true) return [];
    const from = Object.fromEntries(Object.entries(map(r.propertyDependencies)).map(([k, v]) => [k, Array.isArray(v) ? v.map(String) : []]));
    return [{ urn: r.urn, type: r.type, name: r.urn.split("::").slice(3).join("::"), inputs: map(plain(r.inputs)), outputs: map(plain(r.outputs)), protect: r.protect === true, from }];
  });
}
const map = (v: unknown): Record<string, unknown> => (typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : {});
function plain(v: unknown): unknown {
  if (Array.isArray(v)) return v.map(plain);
  if (typeof v !== "object" || v === null) return v;
  const m = v as Record<string, unknown>;
  if (m[SIGNATURE] === SECRET) return typeof m["plaintext"] === "string" ? plain(JSON.parse(m["plaintext"])) : "value" in m ? plain(m["value"]) : UNKNOWN;
  return Object.fromEntries(Object.entries(m).filter(([k]) => k !== "__internal").map(([k, x]) => [k, plain(x)]));
}
