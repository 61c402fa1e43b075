import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FindingError } from "../../lib/finding.ts";
import type { CheckFailure, DiffResult, ReadResult, Written } from "../../lib/provider.ts";
import { UNKNOWN, type Props, type Value } from "../../lib/pulumi-value.ts";
import { onThisMachine } from "../../schemas/fields.ts";
import { paymentsFile, signingSecretName } from "../../schemas/layout.ts";
import { SANDBOX_DIR, SANDBOX_RUNNING, sandboxVariable } from "../../schemas/sandbox.ts";
import type { ProviderContext } from "../context.ts";
import { asReference, declaredEnvironment, declaredPayments, linkFailures, referenceFailures, resolveReference, type Sealed } from "../declared.ts";
import { changeKind, diffResult, fail, failure, noSecrets, refuse } from "../input.ts";
import type { Resource } from "../resource.ts";
import { FileStore } from "../stores/file.ts";
import { openStore } from "../stores/index.ts";
import { versionOf, versionWith, type Store } from "../stores/contract.ts";
import type { Site } from "../urn.ts";
import { asSet, asText, equal, map, texts } from "../values.ts";
import { StripeClient, type StripeEndpoint } from "./client.ts";
import { createForm, liveInputs, outputsOf, sync } from "./forms.ts";
import { eventFailures, inputs, metadataFailures, urlFailures } from "./inputs.ts";
import { endpointVersion, isOurs, located, secretFingerprint, stampOf } from "./stamp.ts";

const KEY_PATH = "stripe.secretKey";
const LIMIT = 16;
interface Target {
  readonly stripe: StripeClient;
  readonly live: boolean;
}

/** `stripe:index:WebhookEndpoint`: an endpoint at Stripe whose signing secret goes straight from Stripe's answer into the declared store. */
export class WebhookEndpoint implements Resource {
  readonly type = "stripe:index:WebhookEndpoint";
  /** Set by the provider's configuration. */
  apiBase: string | undefined;
  account: string | undefined;
  private readonly context: ProviderContext;
  private readonly sealed: Sealed;
  private readonly signal: AbortSignal;
  private readonly checked = new Map<string, Set<string>>();
  /** Endpoints that this deployment created or adopted: a replacement that adopted the old one must not delete it. */
  private readonly kept = new Set<string>();
  constructor(context: ProviderContext, sealed: Sealed, signal: AbortSignal) {
    this.context = context;
    this.sealed = sealed;
    this.signal = signal;
  }

  check(site: Site, news: Props, raw: Props): CheckFailure[] {
    if (site.part !== "payments") return [failure("", "STACK_PART", "Stripe endpoints belong into the stack of payments")];
    const all = this.checked.get(site.stack) ?? new Set<string>();
    this.checked.set(site.stack, all.add(site.name));
    const to = map(news["signingSecretTo"]);
    const key = map(news["apiKeyFrom"])["key"];
    const expected = signingSecretName(site.environment, site.name);
    const references = referenceFailures(key, "payments", "apiKeyFrom.key");
    return [
      ...noSecrets(raw), ...inputs(news, ""), ...urlFailures(news["url"], site.environment), ...eventFailures(news["enabledEvents"]), ...metadataFailures(news["metadata"]),
      ...references, ...(references.length === 0 && typeof key === "string" && key !== UNKNOWN && key !== KEY_PATH ? [failure("apiKeyFrom.key", "REFERENCE_TARGET", `must be ${KEY_PATH}`)] : []),
      ...(typeof to["secretId"] === "string" && to["secretId"] !== UNKNOWN && to["secretId"] !== expected ? [failure("signingSecretTo.secretId", "REFERENCE_TARGET", `must be this endpoint's own secret, ${expected}`)] : []),
      ...linkFailures(this.context.root, site.environment, "payments", "apiKeyFrom"),
      ...(all.size > LIMIT ? [failure("", "STRIPE_LIMIT", `Stripe allows ${LIMIT} endpoints an account; this stack declares more`)] : []),
    ];
  }

  diff(olds: Props, outputs: Props, news: Props, ignore: readonly string[]): DiffResult {
    const changes: Record<string, { kind: "add" | "delete" | "update"; replace: boolean; inputDiff?: boolean }> = {};
    const compare = (k: string, same: boolean, replace: boolean): void => {
      if (!same && !ignore.includes(k)) changes[k] = { kind: changeKind(olds[k], news[k]), replace };
    };
    compare("url", equal(olds["url"], news["url"]), false);
    compare("enabledEvents", Array.isArray(news["enabledEvents"]) && equal(asSet(texts(olds["enabledEvents"])), asSet(texts(news["enabledEvents"]))), false);
    compare("description", (olds["description"] ?? "") === (news["description"] ?? ""), false);
    compare("metadata", equal(olds["metadata"] ?? {}, news["metadata"] ?? {}), false);
    compare("disabled", (olds["disabled"] ?? false) === (news["disabled"] ?? false), false);
    // A rotated API key opens the same endpoint: recorded, never a reason to mint a new signing secret.
    compare("apiKeyFrom", equal(olds["apiKeyFrom"], news["apiKeyFrom"]), false);
    compare("apiVersion", equal(olds["apiVersion"], news["apiVersion"]), true);
    compare("connect", (olds["connect"] ?? false) === (news["connect"] ?? false), true);
    compare("signingSecretTo", equal(olds["signingSecretTo"], news["signingSecretTo"]), true);
    // A refresh found the secret gone from the store. Stripe shows it once, so only a new endpoint brings one back.
    if (outputs["signingSecretVersion"] === "") changes["signingSecretVersion"] = { kind: "update", replace: true, inputDiff: false };
    return diffResult(changes);
  }

  async create(site: Site, given: Props, preview: boolean): Promise<Written> {
    refuse(this.check(site, given, given), site.name);
    if (preview) return { id: "", outputs: { ...given, created: UNKNOWN, livemode: UNKNOWN, status: UNKNOWN, signingSecretFingerprint: UNKNOWN, signingSecretVersion: UNKNOWN } };
    const target = await this.target(site, given, true);
    const store = this.declaredStore(site, given);
    const secretId = asText(map(given["signingSecretTo"])["secretId"]);
    const stamp = stampOf(site, given);
    const all = await target.stripe.list();
    const held = await store.describe(secretId);
    if (held && !held.ours) throw fail("STORE_FOREIGN", "the store's secret doesn't carry our ownership tag: it isn't overwritten", secretId);
    let count = all.length;
    for (const e of all.filter((x) => isOurs(x, stamp))) {
      const label = versionOf(held, endpointVersion(e.id))?.label ?? null;
      // A run that was interrupted after its delivery: nothing is missing but the record of it.
      if (label === "current" && e.metadata["generation"] === stamp.generation) return this.settle(site, given, target, e, versionOf(held, endpointVersion(e.id))?.notes["fingerprint"] ?? "");
      // In force, or leaving after a replacement: its own delete takes it.
      if (label !== null) continue;
      // Nobody has its secret and nobody can get it any more: a run was interrupted between Stripe's answer and the store.
      await target.stripe.remove(e.id);
      count--;
    }
    if (count >= LIMIT) throw fail("STRIPE_LIMIT", `the account has its ${LIMIT} webhook endpoints`, site.name, "remove one that nobody needs in Stripe's dashboard");
    const made = await target.stripe.create(createForm(given, stamp));
    const fingerprint = await this.deliver(site, given, target, store, secretId, made);
    return this.settle(site, given, target, made, fingerprint);
  }
  /** Puts the minted secret into the store; where that fails the endpoint is removed again, and the error says both. */
  private async deliver(site: Site, given: Props, target: Target, store: Store, secretId: string, made: StripeEndpoint): Promise<string> {
    const versionId = endpointVersion(made.id);
    try {
      if (!made.secret?.startsWith("whsec_")) throw fail("STRIPE_SECRET_MISSING", "Stripe's answer shows no signing secret");
      if (made.livemode !== target.live) throw fail("STRIPE_MODE", `Stripe answered in ${made.livemode ? "live" : "test"} mode; payments.yaml declares the other`);
      const fingerprint = secretFingerprint(made.id, made.secret);
      await store.put({
        name: secretId, versionId, values: { [asText(map(given["signingSecretTo"])["key"])]: made.secret },
        tags: { environment: site.environment, class: "payments", owner: "super-admin" }, notes: { endpoint: made.id, fingerprint },
      });
      if (versionWith(await store.describe(secretId), "current")?.id !== versionId) throw fail("STORE_NOT_CURRENT", "the store doesn't have the delivered version in force", secretId);
      return fingerprint;
    } catch (e) {
      const undone = await target.stripe.remove(made.id).then(() => "the endpoint was removed at Stripe again", () => `the endpoint ${made.id} could not be removed at Stripe either: the next run removes it`);
      const why = e instanceof FindingError ? e.message : "the store failed unexpectedly";
      throw fail("STRIPE_SECRET_LOST", `Stripe made the endpoint and its signing secret could not be delivered: ${why}; ${undone}`, site.name, "mend the store and run again: nothing is left behind");
    }
  }
  /** Brings an endpoint that exists to what is declared. It is ours already, so a failure here is a partial one. */
  private async settle(site: Site, given: Props, target: Target, e: StripeEndpoint, fingerprint: string): Promise<Written> {
    this.kept.add(e.id);
    try {
      return { id: e.id, outputs: outputsOf(given, await sync(target.stripe, e, given, stampOf(site, given)), fingerprint, endpointVersion(e.id)) };
    } catch (error) {
      const why = error instanceof FindingError ? error.message : "unexpected failure";
      return { id: e.id, outputs: outputsOf(given, e, fingerprint, endpointVersion(e.id)), initErrors: [`STRIPE_UPDATE_INCOMPLETE: ${site.name}: ${why}`] };
    }
  }

  async update(site: Site, id: string, _oldInputs: Props, oldOutputs: Props, given: Props, preview: boolean): Promise<Written> {
    refuse(this.check(site, given, given), site.name);
    const keep = (k: string): Value => oldOutputs[k] ?? "";
    if (preview) return { id, outputs: { ...given, created: keep("created"), livemode: keep("livemode"), status: given["disabled"] === true ? "disabled" : "enabled", signingSecretFingerprint: keep("signingSecretFingerprint"), signingSecretVersion: keep("signingSecretVersion") } };
    const target = await this.target(site, given, true);
    const stamp = stampOf(site, given);
    const e = await located(target.stripe, id, stamp);
    if (!e) throw fail("STRIPE_ENDPOINT_MISSING", `the account of the declared key has no endpoint ${id}`, site.name, "if it was deleted at Stripe: stackseal refresh, then up; if the key is of another account, take the right one");
    if (!isOurs(e, stamp)) throw fail("STRIPE_ENDPOINT_FOREIGN", `the endpoint ${id} doesn't carry this stack's stamp: it isn't changed`, site.name);
    const done = await sync(target.stripe, e, given, stamp);
    if (e.id === id) return { id, outputs: outputsOf(given, done, asText(keep("signingSecretFingerprint")), asText(keep("signingSecretVersion"))) };
    const version = versionOf(await this.declaredStore(site, given).describe(asText(map(given["signingSecretTo"])["secretId"])), endpointVersion(e.id));
    return { id, outputs: outputsOf(given, done, version?.notes["fingerprint"] ?? "", version?.label != null ? version.id : "") };
  }

  async read(site: Site, id: string, given: Props, outputs: Props): Promise<ReadResult> {
    const known = Object.keys(given).length ? given : outputs;
    const target = await this.target(site, known, false);
    const e = await located(target.stripe, id, stampOf(site, known));
    if (!e) return { id: "", inputs: {}, outputs: {} };
    const importing = known["signingSecretTo"] === undefined;
    const base = importing ? await this.importInputs(site) : known;
    const held = await this.pastStore(site, base)?.describe(asText(map(base["signingSecretTo"])["secretId"]));
    const version = versionOf(held ?? null, endpointVersion(e.id));
    if (importing && version?.label !== "current")
      throw fail("STRIPE_SECRET_LOST", `the store doesn't hold the signing secret of ${id}, and Stripe doesn't show it again`, site.name, "declare it without import: a new endpoint is made and its secret delivered; then remove the old one");
    const now = liveInputs(base, e);
    return { id: e.id, inputs: now, outputs: outputsOf(now, e, importing || e.id !== id ? (version?.notes["fingerprint"] ?? "") : asText(outputs["signingSecretFingerprint"]), version?.label != null ? version.id : "") };
  }

  async delete(site: Site, id: string, given: Props, outputs: Props): Promise<void> {
    if (this.kept.has(id)) return;
    const known = Object.keys(given).length ? given : outputs;
    const target = await this.target(site, known, false);
    const e = await located(target.stripe, id, stampOf(site, known));
    if (e && this.kept.has(e.id)) return;
    if (e && !isOurs(e, stampOf(site, known))) throw fail("STRIPE_ENDPOINT_FOREIGN", `the endpoint ${id} doesn't carry this stack's stamp: it isn't deleted`, site.name, "delete it in Stripe's dashboard, or take it out of the state");
    if (e) await target.stripe.remove(e.id);
    const store = this.pastStore(site, known);
    const secretId = asText(map(known["signingSecretTo"])["secretId"]);
    const version = versionOf((await store?.describe(secretId)) ?? null, endpointVersion(e?.id ?? id));
    if (version?.label === "current") await store?.remove(secretId);
    else if (version?.label === "previous") await store?.withdraw(secretId, version.id);
  }

  /** Opens the declared key, and where it is used. `exact`: the sealed issue must be the one that the plan names; deleting and reading take the key in force. */
  private async target(site: Site, p: Props, exact: boolean): Promise<Target> {
    refuse(linkFailures(this.context.root, site.environment, "payments", "apiKeyFrom"), site.name);
    const payments = existsSync(join(this.context.root, paymentsFile(site.environment))) ? declaredPayments(this.context.root, site.environment) : null;
    const unsealed = await this.sealed.open(site.environment, "payments");
    const claims = unsealed.claims.get(KEY_PATH);
    const reference = exact || !claims ? asReference(p["apiKeyFrom"]) : { key: KEY_PATH, ...claims };
    const { value } = resolveReference(reference, unsealed);
    const live = /^[sr]k_live_/.test(value);
    if (payments && live !== (payments.stripe.mode === "live")) throw fail("STRIPE_MODE", `payments.yaml declares ${payments.stripe.mode} mode; the sealed key is of the other`, site.name);
    const base = this.address(payments?.stripe.apiBase, site);
    return { live, stripe: new StripeClient({ key: value, signal: this.signal, env: this.context.env, ...(base !== undefined && { base }), ...(this.account !== undefined && { account: this.account }) }) };
  }
  /** Undefined means Stripe's own. A key goes nowhere but there and to this machine. */
  private address(declared: string | undefined, site: Site): string | undefined {
    const said = this.apiBase ?? declared;
    if (said === undefined) return undefined;
    const base = said === "sandbox" ? (this.context.stripeSandbox ?? this.context.env[sandboxVariable("stripe")] ?? runningSandbox(this.context.root)) : said;
    if (base === undefined) throw fail("SANDBOX_NOT_RUNNING", "payments.yaml points Stripe to the sandbox and none is running", site.name, "stackseal sandbox, in another terminal", 3);
    if (!onThisMachine(base)) throw fail("STRIPE_ADDRESS", "Stripe's address may only be changed to one of this machine", site.name);
    return base.replace(/\/+$/, "");
  }
  private declaredStore(site: Site, p: Props): Store {
    const declared = declaredEnvironment(this.context.root, site.environment).store;
    if (map(p["signingSecretTo"])["store"] !== declared.kind) throw fail("STORE_MISMATCH", `${site.environment} declares the store ${declared.kind}; the resource names another`, site.name, "preview again");
    return openStore(this.context, site.environment, declared);
  }
  /** The store of a resource of the past; null where it was another than the declared one and can't be reached any more. */
  private pastStore(site: Site, p: Props): Store | null {
    const kind = map(p["signingSecretTo"])["store"];
    if (kind === "file") return new FileStore(this.context.root, site.environment, this.context.env, this.context.clock);
    const declared = declaredEnvironment(this.context.root, site.environment).store;
    return kind === declared.kind ? openStore(this.context, site.environment, declared) : null;
  }
  private async importInputs(site: Site): Promise<Props> {
    const claims = (await this.sealed.open(site.environment, "payments")).claims.get(KEY_PATH);
    const { kind } = declaredEnvironment(this.context.root, site.environment).store;
    return { apiKeyFrom: { key: KEY_PATH, issueId: claims?.issueId ?? "", fingerprint: claims?.fingerprint ?? "" }, signingSecretTo: { store: kind, secretId: signingSecretName(site.environment, site.name), key: "current" } };
  }
}

/** The address that a sandbox running on this machine has left; undefined where none runs. */
function runningSandbox(root: string): string | undefined {
  const file = join(root, SANDBOX_DIR, SANDBOX_RUNNING);
  if (!existsSync(file)) return undefined;
  try {
    const { pid, urls } = JSON.parse(readFileSync(file, "utf8")) as { pid?: number; urls?: { stripe?: string } };
    // What a killed sandbox left says nothing.
    if (pid === undefined) return undefined;
    process.kill(pid, 0); // throws where no such process is
    return urls?.stripe;
  } catch {
    return undefined;
  }
}
