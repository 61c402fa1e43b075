import type { Graph } from "../../engine/graph.ts";
import type { Props, Value } from "../../lib/pulumi-value.ts";
import type { PublicCredential } from "./credentials.ts";

const isMap = (v: Value | undefined): v is Props => typeof v === "object" && v !== null && !Array.isArray(v);

/** The credentials that a deployment carries, by the issue ids of its sealed versions. Of one that is declared still, everything that a state doesn't tell is taken as it is now. */
export function deployedCredentials(graph: Graph, now: readonly PublicCredential[]): PublicCredential[] {
  const out = new Map<string, PublicCredential>();
  for (const r of graph.filter((x) => x.type === "stackseal:index:SealedVersion"))
    for (const v of Array.isArray(r.inputs["values"]) ? r.inputs["values"] : []) {
      const [path, issueId, fingerprint] = isMap(v) ? [v["key"], v["issueId"], v["fingerprint"]] : [];
      if (typeof path !== "string" || typeof issueId !== "string" || typeof fingerprint !== "string") continue;
      const known = now.find((c) => c.path === path);
      const parts = path.split(".");
      const gone = { path, kind: `${parts[0] ?? ""}.${parts.at(-1) ?? ""}`, class: r.urn.includes("-payments::") ? ("payments" as const) : ("standard" as const), leaf: "", recipients: [] };
      out.set(path, { ...(known ?? gone), claims: { kind: known?.kind ?? gone.kind, maxAgeDays: 1, reason: "initial", sealedBy: "", issuedAt: "", ...known?.claims, issueId, fingerprint } });
    }
  return [...out.values()];
}
