import { awsSettings, type AwsPlace } from "../../providers/aws/connect.ts";
import type { Drift } from "./secrets.ts";

type Env = Readonly<Record<string, string | undefined>>;
/** An event of CloudTrail, as far as an author is looked for. */
export interface TrailEvent {
  readonly name: string;
  readonly readOnly: boolean;
  readonly who: string;
  /** The event's own text: requests name what they change in many ways. */
  readonly text: string;
}
const SERVICES: Readonly<Partial<Record<Drift["kind"], readonly string[]>>> = {
  secret: ["secretsmanager"], version: ["secretsmanager"], policy: ["secretsmanager", "iam"], key: ["kms"], role: ["iam"], bucket: ["s3"], rule: ["events"], target: ["events"], topic: ["sns"], subscription: ["sns"], trail: ["cloudtrail"], schedule: ["scheduler"],
};
/** What a request may call the drifted thing: by name, or by the last part of its ARN. */
const namesOf = (f: Drift, aliases: ReadonlyMap<string, string>): string[] => [f.name, ...(aliases.has(f.name) ? [aliases.get(f.name) ?? ""] : []), ...(f.name.startsWith("arn:") ? [f.name.slice(f.name.lastIndexOf(":") + 1).replace(/^(role|policy|oidc-provider)\//, "")] : [])].filter((x) => x !== "");

/** The latest writer among events, newest first, that names the thing; null where none does. Reads and refused tries are nobody's change. */
export function authorOf(f: Drift, events: readonly TrailEvent[], aliases: ReadonlyMap<string, string> = new Map()): string | null {
  const names = namesOf(f, aliases);
  const named = (text: string): boolean => names.some((n) => text.includes(`"${n}"`) || text.includes(`:${n}"`) || text.includes(`/${n}"`) || new RegExp(`[:/"]${n.replace(/[.*+?^$()|[\]\\{}]/g, "\\$&")}-[A-Za-z0-9]{6}"`).test(text));
  return events.find((e) => !e.readOnly && !/"errorCode":"[^"]/.test(e.text) && named(e.text))?.who ?? null;
}
/** Looks who changed what, in CloudTrail's own 90 days of management events; nothing is asked twice. An author is a help, not the finding: without the right to look, nobody is named. */
export async function withAuthors(found: readonly Drift[], at: AwsPlace, env: Env, aliases: ReadonlyMap<string, string>): Promise<Drift[]> {
  const ct = await import("@aws-sdk/client-cloudtrail");
  const client = new ct.CloudTrailClient(awsSettings(at, env));
  const cache = new Map<string, Promise<TrailEvent[]>>();
  const look = (AttributeKey: "EventSource" | "ResourceName", AttributeValue: string, pages: number): Promise<TrailEvent[]> => {
    const key = `${AttributeKey} ${AttributeValue}`;
    const known = cache.get(key);
    if (known) return known;
    const asking = (async () => {
      const out: TrailEvent[] = [];
      try {
        let NextToken: string | undefined;
        for (let i = 0; i < pages && (i === 0 || NextToken !== undefined); i++) {
          const r = await client.send(new ct.LookupEventsCommand({ LookupAttributes: [{ AttributeKey, AttributeValue }], MaxResults: 50, ...(NextToken !== undefined && { NextToken }) }));
          for (const e of r.Events ?? []) out.push({ name: e.EventName ?? "", readOnly: e.ReadOnly === "true" || /^(Get|Describe|List|Head|Lookup)/.test(e.EventName ?? ""), who: whoIn(e.CloudTrailEvent) ?? e.Username ?? "", text: `${e.CloudTrailEvent ?? ""}${JSON.stringify((e.Resources ?? []).map((x) => x.ResourceName))}` });
          NextToken = r.NextToken;
        }
      } catch {
        return out;
      }
      return out;
    })();
    cache.set(key, asking);
    return asking;
  };
  const out: Drift[] = [];
  for (const f of found) {
    let by: string | null = null;
    for (const name of namesOf(f, aliases)) by ??= authorOf(f, await look("ResourceName", name, 1), aliases);
    // Not every service says which resource an event is about: then its latest events are read for the name.
    for (const service of SERVICES[f.kind] ?? []) by ??= authorOf(f, await look("EventSource", `${service}.amazonaws.com`, 4), aliases);
    out.push({ ...f, by: by === "" ? null : by });
  }
  client.destroy();
  return out;
}
/** The role and session, or the user, from an event's own text. */
function whoIn(text: string | undefined): string | null {
  try {
    const { arn, userName } = (JSON.parse(text ?? "") as { userIdentity?: { arn?: string; userName?: string } }).userIdentity ?? {};
    return arn?.replace(/^arn:aws[a-z-]*:(sts|iam)::\d+:/, "") ?? userName ?? null;
  } catch {
    return null;
  }
}
