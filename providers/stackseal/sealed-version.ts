import { createHash } from "node:crypto";
import type { CheckFailure, DiffResult, ReadResult, Written } from "../../lib/provider.ts";
import { UNKNOWN, type Props, type Value } from "../../lib/pulumi-value.ts";
import type { SecretClass } from "../../schemas/access.ts";
import { FINGERPRINT, ISSUE_ID, type Claims } from "../../schemas/claims.ts";
import type { Store as DeclaredStore } from "../../schemas/environment.ts";
import { integrationOf } from "../../schemas/integrations/index.ts";
import { storeSecretName } from "../../schemas/layout.ts";
import type { ProviderContext } from "../context.ts";
import { asReference, declaredCompanions, declaredEnvironment, integrationIn, linkFailures, referenceFailures, resolveReference, variablesFor, type Reference, type Sealed } from "../declared.ts";
import { changeKind, diffResult, fail, failure, listOf, mapOf, noSecrets, refuse, shape, text, type Rule } from "../input.ts";
import type { Resource } from "../resource.ts";
import { FileStore } from "../stores/file.ts";
import { openStore } from "../stores/index.ts";
import { versionOf, versionWith, type Store, type StoreSecret } from "../stores/contract.ts";
import type { Site } from "../urn.ts";
import { equal, hasUnknown, isMap, asText } from "../values.ts";

interface SealedValue extends Reference {
  readonly variable: string;
}
const matches = (pattern: RegExp, what: string): Rule => (v, p) => (typeof v === "string" && pattern.test(v) ? [] : [failure(p, "INPUT_INVALID", `must be ${what}`)]);
const inputs = shape({
  store: { required: true, rule: shape({ kind: { required: true, rule: matches(/^(aws|vault|file)$/, "aws, vault or file") }, region: { rule: text }, accountId: { rule: text }, endpoint: { rule: text }, address: { rule: text }, mount: { rule: text }, namespace: { rule: text } }) },
  secretId: { required: true, rule: text },
  values: {
    required: true,
    rule: listOf(shape({
      variable: { required: true, rule: matches(/^[A-Z][A-Z0-9_]*$/, "the name of an environment variable") }, key: { required: true, rule: text },
      issueId: { required: true, rule: matches(ISSUE_ID, "an issue id") }, fingerprint: { required: true, rule: matches(FINGERPRINT, "a fingerprint") },
    })),
  },
  tags: { rule: mapOf(text) },
});

const list = (v: Value | undefined): Value[] => (Array.isArray(v) ? v : []);
const valuesOf = (p: Props): SealedValue[] => list(p["values"]).map((v) => ({ ...asReference(v), variable: asText(isMap(v) ? v["variable"] : undefined) }));
const byVariable = (a: Pick<SealedValue, "variable">, b: Pick<SealedValue, "variable">): number => (a.variable < b.variable ? -1 : a.variable > b.variable ? 1 : 0);

/**
 * The store's version id: a hash of environment, secret, variables, keys and issue ids.
 * It is the pointer into git: the same issues always have the same id, so a mere re-seal delivers nothing.
 * Companions are plain settings that go with a credential, as a user name with its password: another one is another version.
 */
export function versionIdOf(environment: string, secretId: string, values: readonly Pick<SealedValue, "variable" | "key" | "issueId">[], companions: Readonly<Record<string, string>> = {}): string {
  const paired = Object.entries(companions).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(["stackseal-version-1", environment, secretId, [...values].sort(byVariable).map((v) => [v.variable, v.key, v.issueId]), ...(paired.length ? [paired] : [])])).digest("hex");
}

/** `stackseal:index:SealedVersion`: opens sealed credentials at apply time, in memory, and puts them into the declared store as one version. */
export class SealedVersion implements Resource {
  readonly type = "stackseal:index:SealedVersion";
  private readonly context: ProviderContext;
  private readonly sealed: Sealed;
  /** Ids created in this deployment: a replacement with the same id must not be deleted after it was created. */
  private readonly created = new Set<string>();
  constructor(context: ProviderContext, sealed: Sealed) {
    this.context = context;
    this.sealed = sealed;
  }

  check(site: Site, news: Props, raw: Props): CheckFailure[] {
    const cls = site.class;
    if (cls === null) return [failure("", "STACK_PART", "the foundation stack delivers no credential")];
    const secretId = news["secretId"];
    const values = list(news["values"]);
    const integration = typeof secretId === "string" ? (secretId.split("/").at(-1) ?? "") : "";
    const target = secretId !== UNKNOWN && secretId !== undefined && (!integrationOf(integration) || secretId !== storeSecretName(site.environment, cls, integration));
    const seen = new Set<string>();
    return [
      ...noSecrets(raw), ...inputs(news, ""),
      ...(target ? [failure("secretId", "REFERENCE_TARGET", `must be the secret of an integration of ${site.environment}, class ${cls}`)] : []),
      ...(Array.isArray(news["values"]) && values.length === 0 ? [failure("values", "INPUT_INVALID", "must name at least one credential")] : []),
      ...values.flatMap((v, i) => (isMap(v) ? this.checkValue(v, i, cls, target ? "" : integration, seen) : [])),
      ...linkFailures(this.context.root, site.environment, cls, "values"),
    ];
  }
  private checkValue(v: Props, i: number, cls: SecretClass, integration: string, seen: Set<string>): CheckFailure[] {
    const at = `values[${i}]`;
    const failures = referenceFailures(v["key"], cls, `${at}.key`);
    const { key, variable } = { key: v["key"], variable: v["variable"] };
    if (failures.length || typeof key !== "string" || key === UNKNOWN || typeof variable !== "string" || variable === UNKNOWN) return failures;
    const twice = seen.has(variable);
    seen.add(variable);
    return [
      ...(integration !== "" && integrationIn(key) !== integration ? [failure(`${at}.key`, "REFERENCE_TARGET", `a credential of ${integrationIn(key)} in the secret of ${integration}`)] : []),
      ...(variablesFor(key).includes(variable) ? [] : [failure(`${at}.variable`, "REFERENCE_VARIABLE", "not a variable of this credential")]),
      ...(twice ? [failure(`${at}.variable`, "REFERENCE_VARIABLE", "stands twice in this secret")] : []),
    ];
  }

  diff(olds: Props, outputs: Props, news: Props, ignore: readonly string[]): DiffResult {
    const changes: Record<string, { kind: "add" | "delete" | "update"; replace: boolean; inputDiff?: boolean }> = {};
    for (const k of ["store", "secretId", "tags"]) if (!ignore.includes(k) && !equal(olds[k], news[k])) changes[k] = { kind: changeKind(olds[k], news[k]), replace: k !== "tags" };
    if (!ignore.includes("values")) Object.assign(changes, valueChanges(olds, news));
    // What a refresh found: another version is in force than the one that was delivered.
    const expected = outputs["versionId"];
    if (!Object.keys(changes).length && expected !== undefined && !hasUnknown(news) && this.tokenOf(news) !== expected) changes["versionId"] = { kind: "update", replace: false, inputDiff: false };
    return diffResult(changes);
  }
  /** The environment in a version id is that of the secret's name, which Check holds against the URN. */
  private tokenOf(p: Props): string {
    const secretId = asText(p["secretId"]);
    const values = valuesOf(p);
    return versionIdOf(secretId.split("/")[1] ?? "", secretId, values, declaredCompanions(this.context.root, secretId, values.map((v) => v.key)));
  }

  async create(site: Site, given: Props, preview: boolean): Promise<Written> {
    refuse(this.check(site, given, given), site.name);
    if (preview) return { id: "", outputs: { ...given, versionId: hasUnknown(given) ? UNKNOWN : this.tokenOf(given) } };
    const outputs = await this.deliver(site, given);
    const id = asText(given["secretId"]);
    this.created.add(id);
    return { id, outputs };
  }
  async update(site: Site, id: string, _oldInputs: Props, _oldOutputs: Props, given: Props, preview: boolean): Promise<Written> {
    refuse(this.check(site, given, given), site.name);
    if (preview) return { id, outputs: { ...given, versionId: hasUnknown(given) ? UNKNOWN : this.tokenOf(given) } };
    return { id, outputs: await this.deliver(site, given) };
  }
  async read(site: Site, id: string, inputs: Props, outputs: Props): Promise<ReadResult> {
    const store = this.storeOf(site, outputs["store"] ?? inputs["store"] ?? null);
    const found = await store?.describe(asText(outputs["secretId"] ?? inputs["secretId"] ?? id));
    const current = versionWith(found ?? null, "current");
    return found?.ours && current ? { id, inputs, outputs: { ...outputs, versionId: current.id } } : { id: "", inputs: {}, outputs: {} };
  }
  async delete(site: Site, id: string, inputs: Props, outputs: Props): Promise<void> {
    if (this.created.has(id)) return;
    await this.storeOf(site, outputs["store"] ?? inputs["store"] ?? null)?.remove(id);
  }

  private async deliver(site: Site, given: Props): Promise<Props> {
    const cls = site.class as SecretClass;
    const store = this.declaredStore(site, given["store"] ?? null);
    const unsealed = await this.sealed.open(site.environment, cls);
    const values = valuesOf(given);
    const resolved = values.map((v) => ({ ...v, ...resolveReference(v, unsealed) }));
    const name = asText(given["secretId"]);
    const companions = declaredCompanions(this.context.root, name, values.map((v) => v.key));
    const versionId = versionIdOf(site.environment, name, values, companions);
    const before = await store.describe(name);
    if (before && !before.ours) throw fail("STORE_FOREIGN", "the store's secret doesn't carry our ownership tag: it isn't overwritten", name, "remove or rename it, or tag it managed-by: stackseal after having looked at it");
    if (this.context.rollback?.includes(name) !== true) refuseOlder(name, versionId, before, resolved);
    const tags = Object.fromEntries(Object.entries(isMap(given["tags"]) ? given["tags"] : {}).map(([k, v]) => [k, asText(v)]));
    await store.put({
      name, versionId, tags,
      values: { ...companions, ...Object.fromEntries(resolved.map((v) => [v.variable, v.value])) },
      notes: Object.fromEntries(resolved.map((v) => [v.variable, `${v.claims.issuedAt} ${v.claims.issueId}`])),
    });
    // Putting a version that exists already may leave the label where it was: what counts is what readers get.
    if (versionWith(await store.describe(name), "current")?.id !== versionId) throw fail("STORE_NOT_CURRENT", "the store doesn't have the delivered version in force", name, "run again; if it stays so, look who else writes this secret");
    return { ...given, versionId };
  }
  /** The store that environment.yaml declares. Throws STORE_MISMATCH where the program says another. */
  private declaredStore(site: Site, said: Value): Store {
    const declared = declaredEnvironment(this.context.root, site.environment).store;
    const expected: Record<string, unknown> = { ...declared };
    const given = isMap(said) ? said : {};
    const other = [...new Set(["kind", ...Object.keys(given)])].filter((k) => given[k] !== expected[k]);
    if (other.length) throw fail("STORE_MISMATCH", `${site.environment} declares the store ${declared.kind} in ${this.context.root}; the resource names another ${other.join(", ")}`, site.name, "preview again");
    return openStore(this.context, site.environment, declared);
  }
  /** The store where a version of the past lies; null where nothing of it can be reached, or be ours to clear. */
  private storeOf(site: Site, said: Value): Store | null {
    const store = (isMap(said) ? said : {}) as unknown as DeclaredStore;
    if (store.kind === "file") return new FileStore(this.context.root, site.environment, this.context.env, this.context.clock);
    return openStore(this.context, site.environment, store);
  }
}

function valueChanges(olds: Props, news: Props): Record<string, { kind: "add" | "delete" | "update"; replace: boolean }> {
  const [was, is] = [valuesOf(olds), valuesOf(news)];
  const old = new Map(was.map((v) => [v.variable, v]));
  const gone = was.some((v) => !is.some((w) => w.variable === v.variable));
  const out: Record<string, { kind: "add" | "delete" | "update"; replace: boolean }> = gone ? { values: { kind: "update", replace: false } } : {};
  is.forEach((v, i) => {
    const o = old.get(v.variable);
    if (!o) out[`values[${i}]`] = { kind: "add", replace: false };
    else for (const k of ["key", "issueId", "fingerprint"] as const) if (o[k] !== v[k]) out[`values[${i}].${k}`] = { kind: "update", replace: false };
  });
  return out;
}
/** Refuses what was in force before, or was issued before what is in force now: going back is a decision of its own. */
function refuseOlder(name: string, versionId: string, store: StoreSecret | null, values: readonly { readonly variable: string; readonly issueId: string; readonly claims: Claims }[]): void {
  const current = versionWith(store, "current");
  if (!current || current.id === versionId) return;
  const hint = `if that is meant: stackseal rollback --env ${name.split("/")[1] ?? ""} --secret ${name} --to ${versionId.slice(0, 12)}`;
  if (versionOf(store, versionId)) throw fail("ISSUE_OLDER", "this version was in force before and was replaced since", name, hint);
  const older = values.find((v) => {
    const [issuedAt = "", issueId] = (current.notes[v.variable] ?? "").split(" ");
    return issueId !== undefined && issueId !== v.issueId && v.claims.issuedAt < issuedAt;
  });
  if (older) throw fail("ISSUE_OLDER", `${older.variable}: the sealed issue is older than the one in force`, name, hint);
}
