import type { Clock } from "../lib/clock.ts";
import type { Provider } from "../lib/provider.ts";
import type { Props } from "../lib/pulumi-value.ts";

// What every engine does, and the words it uses. Two implementations: embedded/ (in this process) and pulumi.ts (the CLI through the
// Automation API). Callers hold on to this file alone; `embedded` loads the embedded one when it is called.

/** One stack and all that is needed to run its program. */
export interface Run {
  /** Pulumi.yaml's name: it stands in every URN. */
  readonly project: string;
  readonly stack: string;
  /** Declares the stack's resources; what it returns is the stack's outputs. The Pulumi engine runs Pulumi.yaml's `main` instead. */
  readonly program: () => unknown;
  /** The program is known to leave no timer or promise behind that could declare something after it ended: then it isn't followed, which saves a quarter of the time. */
  readonly tidy?: boolean;
  /** Full keys (`aws:region`); values that aren't text are JSON. */
  readonly config: Readonly<Record<string, string>>;
  /** Keys of `config` whose values are secrets. */
  readonly secretKeys?: readonly string[];
  /** Policies in process, of @pulumi/policy. */
  readonly policies: readonly unknown[];
  /** The policies change nothing of what they are shown, and take no type of resource of their own: then a resource is read once for all of them. */
  readonly policiesOnlyRead?: boolean;
  /** The pack's configuration as in `--policy-pack-config`: by policy name, a level or `{ enforcementLevel, …settings }`; `all` for every policy. */
  readonly policyConfig?: Readonly<Record<string, unknown>>;
  /** For the program and the plugins that the Pulumi engine starts, over this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Null where this machine has no plugin of that name: previews go on without it, updates refuse. */
  readonly providerFor: (pkg: string, version?: string) => Provider | null | Promise<Provider | null>;
}

export interface Options {
  /** URNs (`*` and `**` stand for parts): only these, and what they need, are touched. */
  readonly targets?: readonly string[];
  readonly targetDependents?: boolean;
  /** Read everything from the providers first. */
  readonly refresh?: boolean;
  /** Steps at a time; 16 where absent. */
  readonly parallel?: number;
  /** Aborted: running steps end, no other starts, what was done is kept. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which a program, or one provider call, is given up; 300,000 for a program, none for a call with a custom timeout. */
  readonly timeoutMs?: number;
  readonly onStep?: (step: Step) => void;
  /** The CLI's engine events, in order, as `pulumi … --event-log` writes them. */
  readonly onEvent?: (event: EngineEvent) => void;
  /** Outputs of other stacks that this run sees before their state: previews of several stacks without state hand them on. */
  readonly stackOutputs?: (stack: string) => Props | null;
}
export interface PreviewOptions extends Options {
  /** What the preview compares with: nothing (everything is new), the engine's own state, or an exported deployment. */
  readonly against: "nothing" | "state" | ExportedDeployment;
}
export interface UpdateOptions extends Options {
  /** Shows what would be done and changes nothing. */
  readonly dryRun?: boolean;
  /** Kept in the stack's history. */
  readonly message?: string;
  /** Of what commit the declarations are; absent where they are of none. Kept too. */
  readonly commit?: string;
  /** The stack that comes after this one: what its key takes time for is begun meanwhile. */
  readonly next?: string | undefined;
}

export type Op =
  | "same" | "create" | "update" | "replace" | "create-replacement" | "delete-replaced" | "delete"
  | "read" | "read-replacement" | "discard" | "discard-replaced" | "refresh" | "import" | "import-replacement" | "remove-pending-replace";
export interface Alias {
  readonly urn?: string; readonly name?: string; readonly type?: string; readonly stack?: string; readonly project?: string;
  readonly parent?: string; readonly noParent?: boolean;
}
/** A resource as a step shows it; secrets are in Pulumi's signature maps (lib/pulumi-value). */
export interface StepState {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly id?: string | undefined;
  readonly parent?: string | undefined;
  readonly provider?: string | undefined;
  readonly protect?: boolean | undefined;
  readonly inputs: Props;
  readonly outputs: Props;
  /** Names that the program says it had before, in previews: each a URN, or what of it differs. */
  readonly formerly?: readonly Alias[] | undefined;
  readonly dependencies?: readonly string[] | undefined;
  readonly propertyDependencies?: Readonly<Record<string, readonly string[]>> | undefined;
}
export interface Step {
  readonly op: Op;
  readonly urn: string;
  /** False where the step failed. */
  readonly ok?: boolean | undefined;
  readonly old?: StepState | undefined;
  readonly new?: StepState | undefined;
  /** Paths that differ, and those that make it a replacement. */
  readonly diffs?: readonly string[] | undefined;
  readonly keys?: readonly string[] | undefined;
  readonly detailed?: Readonly<Record<string, { readonly kind: string; readonly inputDiff: boolean }>> | undefined;
}
export interface Violation {
  readonly policy: string;
  readonly pack: string;
  readonly version: string;
  readonly message: string;
  readonly level: "advisory" | "mandatory" | "disabled" | "remediate";
  readonly severity: "unspecified" | "low" | "medium" | "high" | "critical";
  readonly urn: string;
  /** The policy read a value that only the update will know: it can't be told yet. */
  readonly unknown?: boolean;
}
export interface Diagnostic {
  readonly severity: "info" | "warning" | "error";
  readonly message: string;
  readonly urn?: string | undefined;
  /** A finding's code where the engine knows what went wrong. */
  readonly code?: string | undefined;
  /** The way out, where the engine knows a better one than to run again. */
  readonly hint?: string | undefined;
}
export interface Outcome {
  /** False when a step, the program or a mandatory policy failed. */
  readonly ok: boolean;
  readonly cancelled: boolean;
  readonly steps: readonly Step[];
  readonly violations: readonly Violation[];
  /** The stack's outputs; secrets in signature maps. */
  readonly outputs: Props;
  readonly diagnostics: readonly Diagnostic[];
}

/** `pulumi stack export`'s document. */
export interface ExportedDeployment {
  readonly version: number;
  readonly deployment: Readonly<Record<string, unknown>>;
}
export interface HistoryEntry {
  readonly version: number;
  readonly kind: "update" | "refresh" | "destroy" | "import";
  readonly startTime: number;
  readonly endTime: number;
  readonly message: string;
  readonly result: "succeeded" | "failed";
  readonly resourceChanges: Readonly<Record<string, number>>;
  /** The commit that it deployed, where it was known. */
  readonly commit?: string;
}
/** One line of the CLI's event log: `sequence`, `timestamp` (seconds) and one of its event fields. */
export type EngineEvent = Readonly<Record<string, unknown>> & { readonly sequence: number; readonly timestamp: number };

export interface Engine {
  readonly name: "embedded" | "pulumi";
  /** Changes nothing, and of the embedded engine needs no key, plugin or network. */
  preview(run: Run, options: PreviewOptions): Promise<Outcome>;
  up(run: Run, options?: UpdateOptions): Promise<Outcome>;
  /** Reads every resource from its provider and keeps what is found. */
  refresh(run: Run, options?: UpdateOptions): Promise<Outcome>;
  /** Deletes everything of the stack, dependents first. */
  destroy(run: Run, options?: UpdateOptions): Promise<Outcome>;
  /** Null where the stack was never deployed. */
  export(stack: string, options?: { readonly showSecrets?: boolean }): Promise<ExportedDeployment | null>;
  /** Replaces the stack's state; resolves to the number of resources. */
  import(stack: string, deployment: unknown): Promise<number>;
  /** Newest first. */
  history(stack: string): Promise<readonly HistoryEntry[]>;
  /** Ends a run that holds the stack's lock, or takes away the lock of a dead one; resolves to what was done, null where none runs. */
  cancel(stack: string): Promise<string | null>;
  /**
   * Runs `f` so that nothing changes between its previews of these stacks and its updates of them: the embedded engine holds their locks all
   * the while; the CLI's updates are held to the plans of the previews before. Throws FindingError STATE_LOCKED.
   */
  hold<T>(stacks: readonly string[], what: string, f: () => Promise<T>): Promise<T>;
}

export interface EngineContext {
  /** The project's root, absolute. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Talk on standard error: a stale lock taken over, a plugin started. */
  readonly say?: (text: string) => void;
}

/** The Pulumi CLI as an engine; null where there is none on this machine. One under a node_modules folder never counts. Throws FindingError CLI_UNUSABLE, PROJECT_INCOMPLETE. */
export async function pulumi(context: EngineContext, options: { readonly packs: readonly string[]; readonly plugins: readonly string[] }): Promise<Engine | null> {
  const [{ findCli }, { pulumiEngine }] = await Promise.all([import("./pulumi/find.ts"), import("./pulumi.ts")]);
  const cli = findCli(context.env);
  return cli === null ? null : pulumiEngine({ ...context, ...options, cli });
}

/** The embedded engine: state under `.stackseal/state`, the passphrase from PULUMI_CONFIG_PASSPHRASE or `.stackseal/passphrase`. */
export async function embedded(context: EngineContext): Promise<Engine> {
  return (await import("./embedded/index.ts")).embeddedEngine(context);
}
