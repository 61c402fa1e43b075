import type { DiffKind, Provider } from "../../../lib/provider.ts";
import { SECRET, SIGNATURE, UNKNOWN, type Props, type Value } from "../../../lib/pulumi-value.ts";

/** What exists outside of the engine, and what the provider was asked, in data: it can be set back for a second engine. */
export interface World { things: Record<string, Props>; next: Record<string, number>; calls: string[] }
export const newWorld = (): World => ({ things: {}, next: {}, calls: [] });

const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");
const typeOf = (urn: string): string => (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
const bare = (v: Value | undefined): Value => (Array.isArray(v) ? v.map(bare) : typeof v === "object" && v !== null ? (v[SIGNATURE] === SECRET ? bare(v["value"]) : Object.fromEntries(Object.entries(v).map(([k, e]) => [k, bare(e)]).sort())) : (v ?? null));
const text = (p: Props | undefined): string => JSON.stringify(p, (_k, v: unknown) => (typeof v === "object" && v !== null && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort()) : v));
const same = (a: Value | undefined, b: Value | undefined): boolean => JSON.stringify(bare(a)) === JSON.stringify(bare(b));

/**
 * A provider whose behaviour its inputs choose: `rep` replaces, everything else updates in place, `fail` names the call that fails (`partial`: it's made, and unwell). By type: Dbr deletes
 * before it replaces, Bare names changed keys alone, Mute only what replaces, Blind can't tell, Shy doesn't tell inputs on reading. Package `fo` takes no secrets and no previews.
 */
export function worldProvider(world: () => World, pkg: string): Provider {
  const say = (what: string, urn: string, ...more: readonly (Props | string | readonly string[] | undefined)[]): void => {
    world().calls.push([what, urn.split("::").slice(2).join("::"), ...more.map((m) => (typeof m === "object" && !Array.isArray(m) ? text(m as Props) : String(m)))].join(" "));
  };
  const fails = (what: string, inputs: Props): void => { if (bare(inputs["fail"]) === what) throw new Error(`the vendor refuses to ${what}`); };
  const outputs = (urn: string, inputs: Props, gen: string): Props => ({ ...inputs, out: `${nameOf(urn)}!`, gen, token: `token-${nameOf(urn)}` });
  const modern = pkg !== "fo";
  return {
    checkConfig: (urn, olds, news) => {
      say("CheckConfig", urn, olds, news);
      return Promise.resolve({ inputs: news, failures: news["bad"] === true ? [{ property: "bad", reason: "must not be" }] : [] });
    },
    diffConfig: (urn, oldIn, oldOut, newIn) => {
      say("DiffConfig", urn, oldIn, oldOut, newIn);
      if (!modern) return Promise.resolve({ changes: "unknown", replaces: [], diffs: [], deleteBeforeReplace: false });
      const diffs = [...new Set([...Object.keys(oldIn), ...Object.keys(newIn)])].filter((k) => !same(oldIn[k], newIn[k])).sort();
      return Promise.resolve({ changes: diffs.length ? "some" : "none", diffs, replaces: diffs.filter((k) => k === "account"), deleteBeforeReplace: false });
    },
    configure: (urn, id, inputs) => {
      say("Configure", urn, /^[0-9a-f-]{36}$/.test(id) ? "UUID" : id, inputs);
      if (bare(inputs["fail"]) === "configure") return Promise.reject(new Error("the vendor refuses to configure"));
      return Promise.resolve({ acceptSecrets: modern, supportsPreview: modern });
    },
    check: (urn, olds, news) => {
      say("Check", urn, olds, news);
      const failures = bare(news["fail"]) === "check" ? [{ property: "fail", reason: "must not be" }] : [];
      return Promise.resolve({ inputs: { ...news, size: news["size"] ?? olds["size"] ?? 1 }, failures });
    },
    diff: (urn, id, oldIn, oldOut, newIn, ignore) => {
      const type = typeOf(urn);
      say("Diff", urn, id, oldIn, oldOut, newIn, ignore);
      fails("diff", newIn);
      const diffs = [...new Set([...Object.keys(oldIn), ...Object.keys(newIn)])].filter((k) => !same(oldIn[k], newIn[k])).sort();
      const replaces = diffs.filter((k) => k === "rep"), deleteBeforeReplace = type.endsWith(":Dbr");
      if (type.endsWith(":Blind")) return Promise.resolve({ changes: "unknown", replaces, diffs: [], deleteBeforeReplace });
      const changes = diffs.length ? "some" as const : "none" as const;
      if (type.endsWith(":Mute")) return Promise.resolve({ changes, replaces, diffs: [], deleteBeforeReplace });
      if (type.endsWith(":Bare") || !modern) return Promise.resolve({ changes, replaces, diffs, deleteBeforeReplace });
      const kind = (k: string): DiffKind => `${oldIn[k] === undefined ? "add" : newIn[k] === undefined ? "delete" : "update"}${k === "rep" ? "-replace" : ""}`;
      return Promise.resolve({ changes, replaces, diffs, deleteBeforeReplace, detailed: Object.fromEntries(diffs.map((k) => [k, { kind: kind(k), inputDiff: true }])) });
    },
    create: (urn, inputs, { preview, timeout }) => {
      say(preview ? "Create (preview)" : "Create", urn, inputs, String(timeout ?? 0));
      if (preview) return Promise.resolve({ id: "", outputs: { ...inputs, out: `${nameOf(urn)}!`, gen: UNKNOWN, token: UNKNOWN } });
      fails("create", inputs);
      const w = world(), name = nameOf(urn), n = w.next[name] = (w.next[name] ?? 0) + 1, id = `${name}#${String(n)}`;
      w.things[id] = bare(inputs) as Props;
      return Promise.resolve({ id, outputs: outputs(urn, inputs, id), ...(bare(inputs["fail"]) === "partial" && { initErrors: ["it never became ready", "nor well"] }) });
    },
    update: (urn, id, oldIn, oldOut, newIn, { preview, ignoreChanges, timeout }) => {
      say(preview ? "Update (preview)" : "Update", urn, id, oldIn, oldOut, newIn, ignoreChanges, String(timeout ?? 0));
      if (preview) return Promise.resolve({ id, outputs: { ...newIn, out: `${nameOf(urn)}!`, gen: oldOut["gen"] ?? UNKNOWN, token: UNKNOWN } });
      fails("update", newIn);
      world().things[id] = bare(newIn) as Props;
      return Promise.resolve({ id, outputs: outputs(urn, newIn, id), ...(bare(newIn["fail"]) === "partial" && { initErrors: ["it is still not ready"] }) });
    },
    read: (urn, id, inputs, outs) => {
      say("Read", urn, id, inputs, outs);
      fails("read", inputs);
      const found = world().things[id];
      if (!found) return Promise.resolve({ id: "", inputs: {}, outputs: {} });
      return Promise.resolve({ id, inputs: typeOf(urn).endsWith(":Shy") ? null : { ...inputs, ...found }, outputs: outputs(urn, found, id), ...(found["fail"] === "unwell" && { initErrors: ["it is unwell"] }) });
    },
    delete: (urn, id, inputs, outs, options) => {
      say("Delete", urn, id, inputs, outs, String(options?.timeout ?? 0));
      fails("delete", inputs);
      Reflect.deleteProperty(world().things, id);
      return Promise.resolve();
    },
    invoke: (token, args) => {
      say("Invoke", `x::x::${token}`, args);
      return Promise.resolve(bare(args["bad"]) === true ? { result: {}, failures: [{ property: "bad", reason: "must not be" }] } : { result: { said: `hello ${bare(args["to"]) as string}`, args }, failures: [] });
    },
    getSchema: () => Promise.resolve("{}"), cancel: () => Promise.resolve(), close: () => Promise.resolve(),
  };
}
