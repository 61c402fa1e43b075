import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { PulumiCommand, Stack } from "@pulumi/pulumi/automation/index.js";
import { FindingError } from "../lib/finding.ts";
import { engineCodes } from "./codes.ts";
import type { Diagnostic, Engine, EngineContext, EngineEvent, ExportedDeployment, HistoryEntry, Outcome, PreviewOptions, Run, UpdateOptions } from "./index.ts";
import { Cli, plain } from "./pulumi/cli.ts";
import { explain, isCancelled, notThere } from "./pulumi/explain.ts";
import { OutcomeReader } from "./pulumi/outcome.ts";
import { readProjectFile } from "./pulumi/project.ts";

type Kind = "preview" | "up" | "refresh" | "destroy";
export interface PulumiContext extends EngineContext {
  /** The CLI's executable, of `findCli`. */
  readonly cli: string;
  /** Folders of policy packs. */
  readonly packs?: readonly string[];
  /** Plugins that must come from a path of Pulumi.yaml: another of the same name could be looked for on the internet. */
  readonly plugins?: readonly string[];
}

/** The engine that is the Pulumi CLI, by way of the Automation API: Pulumi.yaml's program, its backend, its state. Throws FindingError CLI_UNUSABLE, PROJECT_INCOMPLETE. */
export async function pulumiEngine(context: PulumiContext): Promise<Engine> {
  const cli = await Cli.open(context.cli, context.env);
  const project = readProjectFile(context.root, context.plugins ?? []);
  const { LocalWorkspace, Stack: StackClass } = await import("@pulumi/pulumi/automation/index.js");
  const say = context.say ?? ((): void => undefined);
  /** Plans of previews that updates are held to, by stack. */
  let held: { readonly dir: string; readonly files: Map<string, string> } | null = null;
  const settingsFile = (stack: string): string => join(project.configDir, `Pulumi.${stack}.yaml`);
  const secretsProvider = (stack: string): string | undefined => {
    const file = resolve(context.root, settingsFile(stack));
    const own = existsSync(file) ? /^secretsprovider:\s*["']?([^"'\s#]+)/m.exec(readFileSync(file, "utf8"))?.[1] : undefined;
    return own ?? context.env["STACKSEAL_SECRETS_PROVIDER"] ?? (context.env["PULUMI_CONFIG_PASSPHRASE"] !== undefined || context.env["PULUMI_CONFIG_PASSPHRASE_FILE"] !== undefined ? "passphrase" : undefined);
  };
  /** The stack as the Automation API has it. Throws FindingError STATE_ABSENT where the backend hasn't got it, unless `create`. */
  const open = async (name: string, create: boolean, envVars: Readonly<Record<string, string>> = {}): Promise<Stack> => {
    const provider = secretsProvider(name);
    const workspace = await LocalWorkspace.create({ workDir: context.root, pulumiCommand: cli as unknown as PulumiCommand, envVars, ...(provider !== undefined && { secretsProvider: provider }) });
    try {
      return await StackClass.select(name, workspace);
    } catch (e) {
      if (!notThere(e)) throw explain(e, name);
      if (!create) throw new FindingError(engineCodes.finding("STATE_ABSENT", { message: `the backend has no stack ${name}`, path: name, hint: `stackseal up makes it, or: pulumi stack init ${name}` }), 2);
    }
    say(`${name}: made in the backend; commit ${settingsFile(name)}\n`);
    return StackClass.create(name, workspace).catch((e: unknown) => { throw explain(e, name); });
  };
  const go = async (kind: Kind, run: Run, o: UpdateOptions): Promise<Outcome> => {
    const planned = o.dryRun === true || kind === "preview";
    const stack = await open(run.stack, kind === "up" || held !== null, run.env);
    const reader = new OutcomeReader(o.onStep);
    const plan = held?.files.get(run.stack);
    const flags = {
      ...(o.targets?.length && { target: [...o.targets] }), ...(o.targetDependents && { targetDependents: true }), ...(o.parallel !== undefined && { parallel: o.parallel }), ...(o.message !== undefined && { message: o.message }),
      color: "never" as const, ...(o.signal && { signal: o.signal }), onEvent: (e: unknown) => { reader.read(e as EngineEvent); if (!isDebug(e)) o.onEvent?.(e as EngineEvent); },
    };
    const judged = { ...flags, ...(o.refresh && { refresh: true }), policyPacks: [...(context.packs ?? [])] };
    try {
      if (planned && kind !== "refresh" && kind !== "destroy") await stack.preview({ ...judged, ...(held && { plan: planFile(run.stack) }) });
      else if (kind === "up") await stack.up({ ...judged, ...(plan !== undefined && { plan }) });
      else if (kind === "refresh") await (planned ? stack.previewRefresh(flags) : stack.refresh(flags));
      else await (planned ? stack.previewDestroy({ ...flags, ...(o.refresh && { refresh: true }) }) : stack.destroy({ ...flags, ...(o.refresh && { refresh: true }) }));
      return reader.outcome(false, false);
    } catch (e) {
      const cancelled = o.signal?.aborted === true || isCancelled(e);
      if (cancelled) return reader.outcome(true, true, [{ severity: "error", message: "the run was cancelled: what was done is kept", code: "ENGINE_CANCELLED" }]);
      // What it says at its end repeats what its events said; alone it is all there is.
      const outcome = reader.outcome(true, false);
      if (reader.errors > 0 || outcome.violations.some((v) => v.level === "mandatory")) return outcome;
      const why = explain(e, run.stack);
      if (outcome.steps.length === 0) throw why;
      return { ...outcome, diagnostics: [...outcome.diagnostics, ...why.findings.map((f): Diagnostic => ({ severity: "error", message: f.message, code: f.code, hint: f.hint }))] };
    }
  };
  const planFile = (stack: string): string => {
    if (!held) throw new Error("nothing is held");
    const file = join(held.dir, `${stack}.json`);
    held.files.set(stack, file);
    return file;
  };
  const ask = async (args: readonly string[], stack: string, how: { readonly showSecrets?: boolean; readonly input?: string } = {}): Promise<string> =>
    (await cli.run([...args, "--stack", stack], context.root, {}, undefined, undefined, undefined, how).catch((e: unknown) => { throw explain(e, stack); })).stdout;
  const known = async <T>(f: () => Promise<T>, otherwise: T): Promise<T> => f().catch((e: unknown) => { if (e instanceof FindingError && e.findings[0]?.code === "STATE_ABSENT") return otherwise; throw e; });
  return {
    name: "pulumi",
    preview: (run: Run, o: PreviewOptions) => {
      if (o.against !== "state") throw new FindingError(engineCodes.finding("ENGINE_UNSUPPORTED", { message: "the Pulumi CLI previews against its own state alone", path: run.stack, hint: "--engine embedded compares with a base, an export or nothing" }), 2);
      return go("preview", run, o);
    },
    up: (run, o = {}) => go("up", run, o),
    refresh: (run, o = {}) => go("refresh", run, o),
    destroy: (run, o = {}) => go("destroy", run, o),
    export: (stack, o = {}) => known(async () => JSON.parse(await ask(["stack", "export", ...(o.showSecrets ? ["--show-secrets"] : [])], stack, { showSecrets: o.showSecrets === true })) as ExportedDeployment, null),
    import: async (stack, document) => {
      await open(stack, true);
      await ask(["stack", "import"], stack, { input: JSON.stringify(document) }); // in no file of ours
      return ((document as Partial<ExportedDeployment> | null)?.deployment?.["resources"] as unknown[] | undefined)?.length ?? 0;
    },
    history: (stack) => known(async () => (JSON.parse(await ask(["stack", "history", "--json"], stack)) as CliHistory[]).map(entry), []),
    cancel: async (stack) => known(async () => {
      try {
        await ask(["cancel", "--yes"], stack);
        return "the backend was told that nothing runs on it any more; an update that did may have left something unfinished: stackseal refresh";
      } catch (e) {
        if (e instanceof FindingError && /no (update|operation)|not (been )?(in progress|running|locked)|already complete/i.test(e.findings[0]?.message ?? "")) return null;
        throw e;
      }
    }, null),
    hold: (_stacks, _what, f) => inFolder(async (dir) => {
      held = { dir, files: new Map() };
      try {
        return await f();
      } finally {
        held = null;
      }
    }),
  };
}
/** The SDK's debug messages carry what was sent: they reach no log of ours. */
const isDebug = (e: unknown): boolean => (e as { readonly diagnosticEvent?: { readonly severity?: string } }).diagnosticEvent?.severity === "debug";
async function inFolder<T>(f: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "stackseal-"));
  try {
    return await f(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
interface CliHistory { readonly kind: string; readonly startTime: string; readonly endTime: string; readonly message?: string; readonly result: string; readonly version?: number; readonly resourceChanges?: Readonly<Record<string, number>>; readonly environment?: Readonly<Record<string, string>> }
const KINDS: Readonly<Record<string, HistoryEntry["kind"]>> = { update: "update", refresh: "refresh", destroy: "destroy", import: "import", "resource-import": "import" };
const seconds = (iso: string): number => Math.floor(Date.parse(iso) / 1000) || 0;
const entry = (h: CliHistory, i: number, all: readonly CliHistory[]): HistoryEntry => ({
  version: h.version !== undefined && h.version > 0 ? h.version : all.length - i, kind: KINDS[h.kind] ?? "update", startTime: seconds(h.startTime), endTime: seconds(h.endTime), message: plain(h.message ?? ""), result: h.result === "succeeded" ? "succeeded" : "failed", resourceChanges: h.resourceChanges ?? {},
  ...(/^[0-9a-f]{40,64}$/.test(h.environment?.["git.head"] ?? "") && h.environment?.["git.dirty"] !== "true" && { commit: h.environment?.["git.head"] ?? "" }),
});
