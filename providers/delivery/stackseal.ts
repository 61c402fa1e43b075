import { createHash } from "node:crypto";
import type { CheckFailure, Provider } from "../../lib/provider.ts";
import { UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import { integrations } from "../../schemas/integrations/index.ts";
import { storeSecretName } from "../../schemas/layout.ts";
import { base, diffProps, jsonSame } from "./base.ts";
import { placeOf, storeFor, unsealer, type Place, type Delivery } from "./place.ts";
import { checkReference, resolve, type Reference } from "./reference.ts";
import schema from "../stackseal/schema.json" with { type: "json" };

interface SealedValue extends Reference {
  readonly variable: string;
}
const valuesOf = (p: Props): SealedValue[] => (Array.isArray(p["values"]) ? (p["values"] as unknown as SealedValue[]) : []);
const kindOf = (p: Props): string => String((p["store"] as { kind?: unknown } | undefined)?.kind ?? "");

/** The store's version id: a hash of environment, path, variables and issue ids, so that it points into git and a re-seal delivers nothing. */
export const versionToken = (environment: string, secretId: string, values: readonly SealedValue[]): string =>
  createHash("sha256").update(JSON.stringify([environment, secretId, values.map((v) => [v.variable, v.key, v.issueId]).sort()])).digest("hex");

function failuresOf(urn: string, news: Props): CheckFailure[] {
  const place = placeOf(urn);
  const names = integrations.map((i) => storeSecretName(place.environment, place.class, i.id));
  const id = news["secretId"];
  return [
    ...(id !== UNKNOWN && (typeof id !== "string" || !names.includes(id)) ? [{ property: "secretId", reason: `REFERENCE_OUTSIDE: not a secret of ${place.environment}, class ${place.class}` }] : []),
    ...valuesOf(news).flatMap((v, i) => checkReference(v, place, `values[${i}].key`)),
    ...(place.part === "foundation" ? [{ property: "values", reason: "REFERENCE_OUTSIDE: the foundation stack delivers no credential" }] : []),
  ];
}

/** The provider `stackseal`: delivers sealed credentials to a store at apply time, in memory. */
export function stacksealProvider(context: Delivery): Provider {
  const unseal = unsealer(context);
  const deliver = async (urn: string, inputs: Props): Promise<Props> => {
    const place: Place = placeOf(urn);
    const failures = failuresOf(urn, inputs);
    if (failures[0]) throw new Error(failures[0].reason);
    const values = valuesOf(inputs);
    const name = String(inputs["secretId"]);
    const unsealed = await unseal(place);
    const versionId = versionToken(place.environment, name, values);
    const store = storeFor(context, place.environment, kindOf(inputs));
    await store.put(name, versionId, Object.fromEntries(values.map((v) => [v.variable, resolve(v, place, unsealed)])));
    const now = await store.describe(name);
    if (now?.current !== versionId) throw new Error(`STORE_VERIFY: ${name} is not at the version that was delivered`);
    return { ...inputs, versionId };
  };
  return {
    ...base,
    getSchema: () => Promise.resolve(JSON.stringify(schema)),
    check: (urn, _olds, news) => Promise.resolve({ inputs: news, failures: failuresOf(urn, news) }),
    diff: (_urn, _id, olds, _outs, news, ignore) => Promise.resolve(diffProps(olds, news, ["store", "secretId", "values", "tags"], ["store", "secretId"], (_k, a, b) => jsonSame(a, b), ignore)),
    create: async (urn, inputs, { preview }) => {
      const { environment } = placeOf(urn);
      if (preview) return { id: "", outputs: { ...inputs, versionId: versionToken(environment, String(inputs["secretId"]), valuesOf(inputs)) } };
      return { id: `${environment}/${String(inputs["secretId"])}`, outputs: await deliver(urn, inputs) };
    },
    update: async (urn, id, _olds, _outs, news, { preview }) => ({ id, outputs: preview ? { ...news, versionId: versionToken(placeOf(urn).environment, String(news["secretId"]), valuesOf(news)) } : await deliver(urn, news) }),
    read: async (urn, id, inputs, outputs) => {
      const name = String(outputs["secretId"] ?? inputs["secretId"]);
      const found = await storeFor(context, placeOf(urn).environment, kindOf(outputs)).describe(name);
      return found ? { id, inputs, outputs: { ...outputs, versionId: found.current } } : { id: "", inputs: {}, outputs: {} };
    },
    delete: async (urn, _id, _inputs, outputs) => {
      await storeFor(context, placeOf(urn).environment, kindOf(outputs)).remove(String(outputs["secretId"]));
    },
  };
}
