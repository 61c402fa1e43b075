import type { Provider } from "../../lib/provider.ts";
import { monitorService } from "./monitor.ts";
import { PolicyPack } from "./policy.ts";
import { hooks } from "./sdk-hooks.ts";
import type { State } from "./state.ts";
import { Engine, type EngineOptions } from "./steps.ts";

export interface InlineRun {
  readonly program: () => unknown;
  readonly project: string;
  readonly stack: string;
  readonly preview: boolean;
  readonly config: Record<string, string>;
  /** Keys of `config` whose values are secrets. */
  readonly secretKeys?: readonly string[];
  readonly previous: State[];
  readonly policies: readonly unknown[];
  readonly load: (pkg: string, version: string | undefined) => Promise<Provider>;
  readonly save?: NonNullable<EngineOptions["save"]>;
  readonly onStep?: NonNullable<EngineOptions["onStep"]>;
}
export interface InlineOutcome {
  readonly engine: Engine;
  readonly diagnostics: readonly { readonly severity: string; readonly message: string; readonly urn?: string | undefined }[];
}
type Callback = (e: unknown, r?: unknown) => void;

/** Runs policies in this process, through the handlers that @pulumi/policy itself serves over gRPC. */
function inlinePack(policies: readonly unknown[]): PolicyPack {
  const make = (f: ((...args: any[]) => any) | undefined): ((req: unknown, cb: Callback) => unknown) => {
    const handler = f?.("stackseal", "0.1.0", "advisory", policies) as (c: unknown, cb: Callback) => unknown;
    return (request, cb) => handler({ request }, cb);
  };
  return new PolicyPack("stackseal", { analyze: make(hooks["makeAnalyze"]), analyzeStack: make(hooks["makeAnalyzeStack"]), remediate: make(hooks["makeRemediate"]) });
}

/** Runs a program in this process: the SDK talks to the engine through its monitor slot, without gRPC. Never rejects for a failing step: `engine.failed` tells. */
export async function runInline(o: InlineRun): Promise<InlineOutcome> {
  const diagnostics: { severity: string; message: string; urn?: string | undefined }[] = [];
  let broke: () => void = () => undefined;
  const broken = new Promise<void>((done) => { broke = done; });
  const diag = (severity: string, message: string, urn?: string): void => {
    if (severity === "debug") return; // debug messages carry request bodies
    diagnostics.push({ severity, message, urn });
    if (severity === "error") broke();
  };
  const info = { project: o.project, stack: o.stack, organization: "organization", preview: o.preview };
  const providerConfig: Record<string, Record<string, string>> = {};
  for (const [k, v] of Object.entries(o.config)) { const [ns, key] = k.split(":"); if (ns !== o.project && key) (providerConfig[ns as string] ??= {})[key] = v; }
  const engine = new Engine({ ...info, config: providerConfig, previous: o.previous, policies: o.policies.length ? [inlinePack(o.policies)] : [], load: o.load, diag, ...(o.save && { save: o.save }), ...(o.onStep && { onStep: o.onStep }) });
  const service = monitorService(Promise.resolve(engine), { ...info, config: o.config, secretKeys: [...(o.secretKeys ?? [])] }, diag);
  // After a failed registration the SDK's outputs never settle, and it throws the same failure again as unhandled rejections.
  const swallow = (): void => undefined;
  process.on("unhandledRejection", swallow);
  let ok = true;
  try {
    await hooks["withLocalStorage"]?.(async () => {
      hooks["setMockOptions"]?.(service.monitor, o.project, o.stack, o.preview, info.organization);
      hooks["setAllConfig"]?.(o.config, [...(o.secretKeys ?? [])]);
      const run = (async () => {
        await hooks["runInPulumiStack"]?.(() => Promise.resolve(o.program()));
        await hooks["waitForRPCs"]?.();
      })();
      await Promise.race([run, broken.then(() => engine.idle())]);
    });
  } catch (e) {
    ok = false;
    if (!engine.failed) diag("error", e instanceof Error ? e.message : "the program failed");
  }
  await engine.finish(ok);
  await new Promise((r) => setImmediate(r));
  process.off("unhandledRejection", swallow);
  return { engine, diagnostics };
}
