import policyServer from "@pulumi/policy/server.js";
import resourceModule from "@pulumi/pulumi/resource.js";
import configModule from "@pulumi/pulumi/runtime/config.js";
import debuggableModule from "@pulumi/pulumi/runtime/debuggable.js";
import settingsModule from "@pulumi/pulumi/runtime/settings.js";
import stackModule from "@pulumi/pulumi/runtime/stack.js";
import stateModule from "@pulumi/pulumi/runtime/state.js";
import { ORGANIZATION, type Settings } from "./context.ts";
import type { Analyzer } from "./policy.ts";
import type { Callback, Method } from "./rpc.ts";
import { slotIn } from "./slot.ts";

// What the in-process way uses of the SDK's inside (@internal there, so without types), in one place. sdk-hooks.test.ts fails when the pinned
// versions or one of these move.
export const PINNED = { "@pulumi/pulumi": "3.248.0", "@pulumi/policy": "v1.21.0" } as const;

type Service = Readonly<Record<string, Method<never, never>>>;
interface Inside {
  readonly settings: {
    setMockOptions(monitor: Service, project: string, stack: string, preview: boolean, organization: string): void;
    waitForRPCs(): Promise<void>;
  };
  readonly state: { withLocalStorage<T>(f: () => Promise<T>): Promise<T>; getStore(): { settings: { engine?: Service } } };
  readonly debuggable: { debuggablePromise: <T>(promise: Promise<T>) => Promise<T> };
  readonly resource: { readonly Resource: { callsites: () => readonly object[] } };
  readonly stack: { runInPulumiStack(init: () => Promise<unknown>): Promise<unknown> };
  readonly config: { setAllConfig(config: Record<string, string>, secretKeys: string[]): void };
  readonly policy: Readonly<Record<"makeAnalyzeRpcFun" | "makeAnalyzeStackRpcFun" | "makeRemediateRpcFun", (pack: string, version: string, level: string, policies: readonly unknown[]) => (call: { request: never }, done: Callback<never>) => unknown>>;
}
export const inside = { debuggable: debuggableModule, resource: resourceModule, settings: settingsModule, state: stateModule, stack: stackModule, config: configModule, policy: policyServer } as unknown as Inside;

// Of every resource the SDK takes the whole stack of calls, for its place in the source, and of every promise one more, to tell at the process's end which never settled: a tenth of a
// large program's time. No checkpoint of ours has the one, and `tooLong` tells the other.
inside.resource.Resource.callsites = () => [];
// As many steps as the SDK's own chain has: which of two failures comes first stays as it is with the CLI.
inside.debuggable.debuggablePromise = (promise) => promise.then((v) => v).catch((e: unknown) => { throw e; });

/** Before the storage in which the SDK keeps what belongs to a run; read from `globalThis` at each use. */
export const slot = slotIn(globalThis);

/** Runs with the SDK talking to this monitor and this engine instead of to an address. Its state is this run's alone. `f` resolves to whether the run ended well; `tidy`: see Slot. */
export function withSdk(o: Settings & { readonly tidy?: boolean; readonly monitor: Service; readonly engine: Service }, f: () => Promise<boolean>): Promise<boolean> {
  const run = (): Promise<boolean> => inside.state.withLocalStorage(() => {
    inside.settings.setMockOptions(o.monitor, o.project, o.stack, o.preview, ORGANIZATION);
    inside.state.getStore().settings.engine = o.engine; // else log messages would be printed
    inside.config.setAllConfig({ ...o.config }, [...o.secretKeys]);
    return f();
  });
  return o.tidy === true && slot ? slot.alone(run) : run();
}
/** The program as the top of a stack: the root resource, then what `f` declares, then its result as the stack's outputs. */
export async function runStack(f: () => unknown): Promise<void> {
  await inside.stack.runInPulumiStack(() => Promise.resolve(f()));
  await inside.settings.waitForRPCs();
}
/** Policies behind the handlers that @pulumi/policy serves over gRPC. */
export function analyzerOf(pack: string, version: string, policies: readonly unknown[]): Analyzer {
  const method = (make: keyof Inside["policy"]): Method<never, never> => {
    const handler = inside.policy[make](pack, version, "advisory", policies);
    return (request, done) => handler({ request }, done);
  };
  const remediates = policies.some((p) => (p as { readonly remediateResource?: unknown }).remediateResource !== undefined);
  return { analyze: method("makeAnalyzeRpcFun"), analyzeStack: method("makeAnalyzeStackRpcFun"), remediate: method("makeRemediateRpcFun"), here: { remediates } } as unknown as Analyzer;
}
