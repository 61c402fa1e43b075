import type { Provider } from "../../lib/provider.ts";
import { UNKNOWN, type Props } from "../../lib/pulumi-value.ts";
import { changedKeys, plainProps } from "../../engine/values.ts";

export interface Call { readonly what: string; readonly name: string; readonly inputs?: Props; readonly olds?: Props; readonly timeout?: number | undefined; readonly pkg: string }
/** What a test makes of the world: calls in order, what exists, and what goes wrong with whom. */
export class World {
  readonly calls: Call[] = [];
  readonly things = new Map<string, Props>();
  readonly configs: Props[] = [];
  readonly fail = new Map<string, "create" | "partial" | "hang" | "delete">();
  delayMs = 0;
  running = 0;
  most = 0;
  private next = 1;
  what(kind: string): string[] {
    return this.calls.filter((c) => c.what === kind).map((c) => c.name);
  }
  id(): string {
    return `id-${String(this.next++)}`;
  }
}
const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

/** A provider in memory: `kind` replaces, everything else updates in place; `output` is `<name>!`, `made` echoes the inputs. */
export function memoryProvider(world: World, pkg = "mem", o: { readonly acceptSecrets?: boolean; readonly supportsPreview?: boolean; readonly detailed?: boolean } = {}): Provider {
  const busy = async <T>(f: () => T): Promise<T> => {
    world.running++;
    world.most = Math.max(world.most, world.running);
    if (world.delayMs) await new Promise((done) => setTimeout(done, world.delayMs));
    world.running--;
    return f();
  };
  const outputs = (urn: string, inputs: Props): Props => ({ ...inputs, output: `${nameOf(urn)}!`, token: `token-of-${nameOf(urn)}` });
  return {
    checkConfig: (_urn, _olds, inputs) => Promise.resolve({ inputs, failures: inputs["bad"] === true ? [{ property: "bad", reason: "must not be" }] : [] }),
    diffConfig: (_urn, oldIn, _oldOut, newIn) => {
      const diffs = changedKeys(oldIn, newIn);
      return Promise.resolve({ changes: diffs.length ? "some" : "none", diffs, replaces: diffs.includes("account") ? ["account"] : [], deleteBeforeReplace: false });
    },
    configure: (_urn, _id, inputs) => { world.configs.push(inputs); return Promise.resolve({ acceptSecrets: o.acceptSecrets ?? true, supportsPreview: o.supportsPreview ?? true }); },
    check: (urn, olds, news) => {
      world.calls.push({ what: "check", name: nameOf(urn), inputs: news, olds, pkg });
      const failures = news["bad"] === true ? [{ property: "bad", reason: "must not be" }] : [];
      return Promise.resolve({ inputs: { ...news, size: news["size"] ?? olds["size"] ?? "default" }, failures });
    },
    diff: (urn, _id, oldIn, _oldOut, newIn, ignore) => {
      world.calls.push({ what: "diff", name: nameOf(urn), pkg });
      const diffs = changedKeys(plainProps(oldIn), plainProps(newIn)).filter((k) => !ignore.includes(k));
      const detailed = Object.fromEntries(diffs.map((k) => [k, { kind: k === "kind" ? "update-replace" as const : "update" as const, inputDiff: true }]));
      return Promise.resolve({ changes: diffs.length ? "some" : "none", diffs, replaces: diffs.filter((k) => k === "kind"), deleteBeforeReplace: false, ...(o.detailed && { detailed }) });
    },
    create: (urn, inputs, { preview, timeout }) => {
      if (preview) return Promise.resolve({ id: "", outputs: { ...inputs, output: UNKNOWN, token: UNKNOWN } });
      world.calls.push({ what: "create", name: nameOf(urn), inputs, timeout, pkg });
      const wrong = world.fail.get(nameOf(urn));
      if (wrong === "hang") return new Promise(() => undefined);
      return busy(() => {
        if (wrong === "create") throw new Error("the vendor said no");
        const id = world.id();
        world.things.set(id, inputs);
        return { id, outputs: outputs(urn, inputs), ...(wrong === "partial" && { initErrors: ["it never became ready"] }) };
      });
    },
    update: (urn, id, _oldIn, _oldOut, newIn, { preview, timeout }) => {
      if (preview) return Promise.resolve({ id, outputs: { ...newIn, output: UNKNOWN } });
      world.calls.push({ what: "update", name: nameOf(urn), inputs: newIn, timeout, pkg });
      return busy(() => { world.things.set(id, newIn); return { id, outputs: outputs(urn, newIn) }; });
    },
    read: (urn, id, inputs) => {
      world.calls.push({ what: "read", name: nameOf(urn), pkg });
      const found = world.things.get(id);
      return Promise.resolve(found ? { id, inputs: { ...inputs, ...found }, outputs: outputs(urn, found) } : { id: "", inputs: {}, outputs: {} });
    },
    delete: (urn, id, _in, _out, options) => {
      world.calls.push({ what: "delete", name: nameOf(urn), timeout: options?.timeout, pkg });
      return busy(() => { if (world.fail.get(nameOf(urn)) === "delete") throw new Error("the vendor keeps it"); world.things.delete(id); });
    },
    invoke: (token, args) => { world.calls.push({ what: "invoke", name: token, inputs: args, pkg }); return Promise.resolve(args["bad"] === true ? { result: {}, failures: [{ property: "bad", reason: "must not be" }] } : { result: { said: `hello ${args["to"] as string}` }, failures: [] }); },
    getSchema: () => Promise.resolve("{}"), cancel: () => Promise.resolve(), close: () => Promise.resolve(),
  };
}
