import { FindingError } from "../../lib/finding.ts";
import type { DiffResult } from "../../lib/provider.ts";
import type { Value } from "../../lib/pulumi-value.ts";
import { engineCodes } from "../codes.ts";
import type { Op, Step } from "../index.ts";
import type { State } from "../state/deployment.ts";
import { unsupported } from "../values.ts";

/** One thing to do with one resource; `execute` does it. */
export interface PlannedStep extends Step {
  readonly old?: State | undefined;
  readonly new?: State | undefined;
  readonly detailed?: DiffResult["detailed"];
  /** A replacement's creation leaves the old one to be deleted at the end. */
  readonly pendingDelete?: boolean;
  /** A deletion that a creation follows: the old one stays in the checkpoint until then. */
  readonly pendingReplacement?: boolean;
  /** Not in the targets and not there yet: nothing is created, and nothing is written. */
  readonly skipped?: boolean;
  /** Not in the targets: kept as it is. */
  readonly untargeted?: boolean;
  /** Refresh: what the provider says. */
  refreshed?: { readonly op: Op; readonly state: State | null; readonly diff?: DiffResult };
  ok?: boolean;
}
/** Everything that one registration leads to, in order. */
export type Chain = readonly PlannedStep[];

/** Halves of a replacement aren't counted: `replace` stands for them. */
export const isLogical = (op: Op): boolean => !["create-replacement", "delete-replaced", "discard-replaced", "read-replacement", "import-replacement", "refresh", "remove-pending-replace"].includes(op);
/** What the CLI does and this engine doesn't. */
export const unsupportedHere = (what: string, path?: string): FindingError =>
  new FindingError(engineCodes.finding("ENGINE_UNSUPPORTED", { message: `${what} are not supported by the embedded engine`, ...(path !== undefined && { path }), hint: "use the Pulumi CLI: --engine pulumi" }), 2);
/** Throws FindingError ENGINE_UNSUPPORTED where the value holds something that this engine doesn't handle. */
export function refuseUnsupported(v: Value, path?: string): void {
  const what = unsupported(v);
  if (what !== null) throw unsupportedHere(what, path);
}
/** Says that what went wrong has been reported already. */
export class Bail extends Error {}
/** The run ended before this could be done; the SDK hears that the engine shut down. */
export class ShutDown extends Error {
  override readonly message = "resource monitor shut down";
}
