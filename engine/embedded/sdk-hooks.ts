import * as policyServer from "@pulumi/policy/server.js";
import * as config from "@pulumi/pulumi/runtime/config.js";
import * as settings from "@pulumi/pulumi/runtime/settings.js";
import * as stack from "@pulumi/pulumi/runtime/stack.js";
import * as state from "@pulumi/pulumi/runtime/state.js";

// What the in-process way uses of the SDK's inside (@internal there), in one place; sdk-hooks.test.ts fails when one of them moves.
export const PINNED = { "@pulumi/pulumi": "3.248.0", "@pulumi/policy": "1.21.0" } as const;

type AnyFunction = (...args: any[]) => any;
export const hooks: Readonly<Record<string, AnyFunction>> = {
  setMockOptions: (settings as any).setMockOptions,
  waitForRPCs: (settings as any).waitForRPCs,
  withLocalStorage: (state as any).withLocalStorage,
  runInPulumiStack: (stack as any).runInPulumiStack,
  setAllConfig: (config as any).setAllConfig,
  makeAnalyze: (policyServer as any).makeAnalyzeRpcFun,
  makeAnalyzeStack: (policyServer as any).makeAnalyzeStackRpcFun,
  makeRemediate: (policyServer as any).makeRemediateRpcFun,
};
