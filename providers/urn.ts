import { FindingError } from "../lib/finding.ts";
import type { SecretClass } from "../schemas/access.ts";
import { ENVIRONMENT_NAME, environmentOfStack, type StackPart } from "../schemas/layout.ts";
import { providerCodes } from "./codes.ts";

/** What a URN tells: a resource's environment and class come from here and from nothing that the program says. */
export interface Site {
  readonly stack: string;
  readonly project: string;
  readonly environment: string;
  readonly part: StackPart;
  /** What this stack may touch; null in `<env>-foundation`, which delivers nothing. */
  readonly class: SecretClass | null;
  readonly type: string;
  readonly name: string;
}

/** Reads a resource's URN. Throws FindingError STACK_PART where its stack is none of ours. */
export function siteOf(urn: string): Site {
  const m = /^urn:pulumi:([^:]+)::([^:]*)::((?:(?!::).)+)::(.+)$/s.exec(urn);
  const [, stack = "", project = "", types = "", name = ""] = m ?? [];
  const { environment, part } = environmentOfStack(stack);
  if (!m || !ENVIRONMENT_NAME.test(environment)) throw new FindingError(providerCodes.finding("STACK_PART", { message: "the resource's URN names no stack of an environment", path: urn }));
  return { stack, project, environment, part, class: part === "foundation" ? null : part, type: types.split("$").at(-1) ?? "", name };
}
