import type { CheckFailure, DiffResult, Provider, Written } from "../../lib/provider.ts";
import { SECRET, SIGNATURE, UNKNOWN, type Props, type Value } from "../../lib/pulumi-value.ts";
import { aliasFault, policyFaults } from "../../schemas/iam/document.ts";
import { awsFailure } from "../../providers/aws/errors.ts";
import { providerCodes } from "../../providers/codes.ts";
import { fail, type Code } from "../../providers/input.ts";
import { Emulator } from "./endpoint.ts";
import { list, map, text, texts, type AwsType } from "./type.ts";
import { rule, subscription, target, topic, topicPolicy, trail } from "./types/alerts.ts";
import { bucket, bucketParts } from "./types/buckets.ts";
import { alias, key, replicaKey } from "./types/keys.ts";
import { oidc, policy, role, rolePolicy } from "./types/roles.ts";
import { secret, secretPolicy } from "./types/secrets.ts";
import { parameter, schedule, scheduleGroup } from "./types/settings.ts";

/** The types that the program uses, and no other. */
export const awsTypes: readonly AwsType[] = [secret, secretPolicy, key, alias, replicaKey, role, rolePolicy, policy, oidc, bucket, ...bucketParts, trail, topic, topicPolicy, subscription, rule, target, parameter, scheduleGroup, schedule];

const SETTINGS = ["region", "allowedAccountIds", "ignoreTags", "endpoints", "s3UsePathStyle", "skipMetadataApiCheck", "skipCredentialsValidation", "skipRegionValidation", "version"];
const typeOf = (urn: string): string => (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
const failure = (property: string, reason: string): CheckFailure => ({ property, reason });

/** Settings arrive as text where an engine is old: what is no text there is JSON. */
function setting(v: Value | undefined): Value | undefined {
  if (typeof v !== "string" || !/^[[{]/.test(v)) return v;
  try {
    return JSON.parse(v) as Value;
  } catch {
    return v;
  }
}
function plain(v: Value): Value {
  if (Array.isArray(v)) return v.map(plain);
  if (typeof v !== "object" || v === null) return v;
  if (v[SIGNATURE] === SECRET) return plain(v["value"] ?? null);
  return Object.fromEntries(Object.entries(v).filter(([k, e]) => !k.startsWith("__") && e !== null).map(([k, e]) => [k, plain(e)]));
}
/** What went wrong, by its code: our own texts begin with theirs, the SDK's errors are told as the stores tell them. */
async function coded<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (e) {
    const m = e instanceof Error && !("$metadata" in e) ? /^([A-Z][A-Z_]+): ([\s\S]+)$/.exec(e.message) : null;
    throw m?.[1] !== undefined && m[1] in providerCodes.table ? fail(m[1] as Code, m[2] ?? "", what) : awsFailure(e, what);
  }
}
const nameIn = (urn: string, p: Props): string => [p["name"], p["bucket"], p["secretArn"]].find((x): x is string => typeof x === "string" && x !== UNKNOWN) ?? urn.split("::").at(-1) ?? urn;
const props = (p: Props): Props => plain(p) as Props;
const same = (a: Value | undefined, b: Value | undefined): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const sorted = (v: Value | undefined): Value => (Array.isArray(v) ? v.map(sorted) : typeof v === "object" && v !== null ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, e]) => [k, sorted(e)])) : (v ?? null));

/** Pulumi's provider `aws` for the types in use, onto an emulator on loopback: another address is refused in CheckConfig and again in Configure. */
export function sandboxAws(env: Readonly<Record<string, string | undefined>>): Provider {
  let emulator: Emulator | null = null;
  const known = (urn: string): AwsType => {
    const t = awsTypes.find((x) => x.type === typeOf(urn));
    if (!t) throw new Error(`RESOURCE_UNKNOWN: the sandbox's AWS has no ${typeOf(urn)}: deploy with the Pulumi CLI`);
    return t;
  };
  const at = (): Emulator => {
    if (!emulator) throw new Error("SANDBOX_ADDRESS: the provider isn't configured with an emulator's address");
    return emulator;
  };
  const endpointOf = (p: Props): string => {
    const all = [...new Set(list(setting(p["endpoints"])).flatMap((e) => Object.values(map(e)).map(text)))];
    return all.length === 1 ? (all[0] as string) : "";
  };
  const make = (p: Props): Emulator => new Emulator(endpointOf(p), text(p["region"]), texts(setting(p["allowedAccountIds"]))[0] ?? "", env);
  return {
    checkConfig: (_urn, _olds, news) => {
      const p = props(news);
      const failures = Object.keys(p).filter((k) => !SETTINGS.includes(k)).map((k) => failure(k, "no such setting of the sandbox's AWS"));
      if (!JSON.stringify(p).includes(UNKNOWN))
        try {
          make(p).close();
        } catch (e) {
          failures.push(failure("endpoints", (e as Error).message));
        }
      return Promise.resolve({ inputs: news, failures });
    },
    // A changed setting makes no other resources: they are looked for where the new one says.
    diffConfig: (_urn, olds, _outputs, news) => {
      const diffs = SETTINGS.filter((k) => k !== "version" && !same(setting(props(olds)[k]), setting(props(news)[k])));
      return Promise.resolve({ changes: diffs.length > 0 ? "some" : "none", replaces: [], diffs, deleteBeforeReplace: false });
    },
    configure: async (_urn, _id, inputs) => {
      const e = make(props(inputs));
      const { STSClient, GetCallerIdentityCommand } = await import("@aws-sdk/client-sts");
      const { Account } = await coded(e.account, () => e.client(STSClient).send(new GetCallerIdentityCommand({})));
      if (e.account !== "" && Account !== e.account) throw fail("STORE_ACCOUNT", `the emulator's account is ${Account ?? "?"}; the environment declares ${e.account}`, e.account, "correct store.accountId");
      emulator = e;
      return { acceptSecrets: true, supportsPreview: true };
    },
    check: (urn, _olds, news) => {
      const t = known(urn);
      const p = props(news);
      const failures = [
        ...Object.keys(p).filter((k) => !t.properties.includes(k)).map((k) => failure(k, "INPUT_UNKNOWN: no such argument")),
        ...Object.entries(t.policies ?? {}).flatMap(([k, kind]) => (typeof p[k] === "string" && p[k] !== UNKNOWN ? policyFaults(kind, p[k]).map((f) => failure(k, `${f.code}: ${f.message}`)) : [])),
      ];
      const bad = t === alias && typeof p["name"] === "string" ? aliasFault(p["name"]) : null;
      return Promise.resolve({ inputs: news, failures: bad === null ? failures : [...failures, failure("name", `INPUT_INVALID: ${bad}`)] });
    },
    diff: (urn, _id, oldInputs, _oldOutputs, newInputs, ignoreChanges): Promise<DiffResult> => {
      const t = known(urn);
      const [was, is] = [props(oldInputs), props(newInputs)];
      const diffs = t.properties.filter((k) => !ignoreChanges.includes(k) && !same(was[k], is[k]));
      const replaces = diffs.filter((k) => t.replaces.includes(k));
      return Promise.resolve({
        changes: diffs.length > 0 ? "some" : "none", diffs, replaces, deleteBeforeReplace: replaces.length > 0 && replaces.every((k) => !["name", "bucket", "url"].includes(k)),
        detailed: Object.fromEntries(diffs.map((k) => [k, { kind: replaces.includes(k) ? ("update-replace" as const) : ("update" as const), inputDiff: true }])),
      });
    },
    create: async (urn, inputs, { preview }): Promise<Written> => {
      const p = props(inputs);
      if (preview) return { id: "", outputs: { ...inputs, arn: UNKNOWN } };
      const made = await coded(nameIn(urn, p), () => known(urn).create(at(), p));
      return { id: made.id, outputs: { ...p, ...made.outputs } };
    },
    update: async (urn, id, oldInputs, oldOutputs, newInputs, { preview }): Promise<Written> => {
      const t = known(urn);
      const p = props(newInputs);
      if (preview) return { id, outputs: { ...oldOutputs, ...newInputs } };
      const made = await coded(nameIn(urn, p), () => (t.update ? t.update(at(), id, p, props(oldInputs)) : t.create(at(), p)));
      return { id, outputs: { ...p, ...made.outputs } };
    },
    read: async (urn, id, inputs, outputs) => {
      const there = (await coded(id, () => known(urn).exists?.(at(), id, props(Object.keys(inputs).length > 0 ? inputs : outputs)) ?? Promise.resolve(true)));
      return there ? { id, inputs, outputs } : { id: "", inputs: {}, outputs: {} };
    },
    delete: async (urn, id, inputs, outputs) => { await coded(id, () => known(urn).delete(at(), id, props(Object.keys(inputs).length > 0 ? inputs : outputs))); },
    invoke: (token) => Promise.reject(new Error(`RESOURCE_UNKNOWN: no function ${token} here`)),
    getSchema: () => Promise.resolve(JSON.stringify({ name: "aws", version: "7.48.0" })),
    cancel: () => Promise.resolve(),
    close: () => {
      emulator?.close();
      return Promise.resolve();
    },
  };
}
