import { randomUUID } from "node:crypto";
import { diffOf, type Provider } from "../../lib/provider.ts";
import type { Props, Value } from "../../lib/pulumi-value.ts";
import type { State } from "../state/deployment.ts";
import { STACK_REFERENCE } from "../urn.ts";
import { equal, hasSecret } from "../values.ts";

export interface Builtins {
  /** Another stack's outputs; null where there is no such stack. */
  readonly stackOutputs: (stack: string) => Promise<Props | null>;
  /** What is registered in this run. */
  readonly resource: (urn: string) => State | undefined;
}

/** The engine's own package, `pulumi`: references to other stacks and the functions behind them. */
export function builtinProvider(o: Builtins): Provider {
  const reference = async (name: Value | undefined): Promise<Props> => {
    if (typeof name !== "string") throw new Error("a stack reference needs a name");
    const outputs = await o.stackOutputs(name);
    if (!outputs) throw new Error(`unknown stack "${name}": it must be deployed before it is referred to`);
    return { name, outputs, secretOutputNames: Object.keys(outputs).filter((k) => hasSecret(outputs[k] as Value)).sort() };
  };
  const only = (urn: string): void => { if (!urn.includes(`${STACK_REFERENCE}::`)) throw new Error(`unrecognized resource type of ${urn}`); };
  return {
    checkConfig: (_urn, _olds, news) => Promise.resolve({ inputs: news, failures: [] }),
    diffConfig: () => Promise.resolve(diffOf("none")),
    configure: () => Promise.resolve({ acceptSecrets: true, supportsPreview: true }),
    check: async (urn, _olds, news) => {
      only(urn);
      const strange = Object.keys(news).filter((k) => k !== "name");
      const failures = [...strange.map((property) => ({ property, reason: `unknown property "${property}"` })), ...(typeof news["name"] === "string" ? [] : [{ property: "name", reason: 'property "name" must be a string' }])];
      return Promise.resolve({ inputs: news, failures });
    },
    diff: (_urn, _id, oldIn, _oldOut, newIn) => Promise.resolve(equal(oldIn["name"], newIn["name"]) ? diffOf("none") : diffOf("some", ["name"], ["name"])),
    create: async (urn, inputs, { preview }) => { only(urn); return { id: preview ? "" : randomUUID(), outputs: await reference(inputs["name"]) }; },
    update: () => Promise.reject(new Error("a stack reference is never updated")),
    read: async (urn, id, inputs, outputs) => { only(urn); return { id, inputs, outputs: await reference(outputs["name"] ?? inputs["name"]) }; },
    delete: () => Promise.resolve(),
    invoke: async (token, args) => {
      if (token === "pulumi:pulumi:readStackOutputs") return { result: await reference(args["name"]), failures: [] };
      const { urn } = args, s = typeof urn === "string" ? o.resource(urn) : undefined;
      if (token !== "pulumi:pulumi:getResource" || typeof urn !== "string") throw new Error(`unrecognized function ${token}`);
      if (!s) throw new Error(`unknown resource ${urn}`);
      return { result: { urn, id: s.id ?? "", provider: s.provider ?? "", state: s.outputs }, failures: [] };
    },
    getSchema: () => Promise.resolve("{}"),
    cancel: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
