import type { Exception } from "../../schemas/exceptions.ts";
import type { Position } from "../../lib/finding.ts";
import { environmentOfStack } from "../../schemas/layout.ts";

/** An exception that stands in the file. */
export interface WrittenException {
  readonly value: Exception;
  readonly at: Position;
  readonly index: number;
}
/** What a violation is of: a resource, or a place in a file. */
export interface Target {
  readonly urn?: string | undefined;
  readonly file?: string | undefined;
  /** Dotted. */
  readonly path?: string | undefined;
}

/** The exceptions in force, and what each has let through. */
export class ExceptionBook {
  readonly inForce: readonly WrittenException[];
  private readonly uses = new Map<WrittenException, Set<string>>();
  private readonly wider = new Set<WrittenException>();
  constructor(inForce: readonly WrittenException[] = []) {
    this.inForce = inForce;
  }
  /** Whether a violation is let through; it is noted. */
  excuses(rule: string, target: Target): boolean {
    const found = this.inForce.find((e) => e.value.rule === rule && matches(e.value, target));
    if (!found) return false;
    const used = this.uses.get(found) ?? new Set();
    if (found.value.path !== undefined && target.path !== undefined && found.value.path !== placeOf(target)) this.wider.add(found);
    this.uses.set(found, used.add(target.urn ?? placeOf(target)));
    return true;
  }
  /** The one place that an exception has let through, where it names more than that; else null. */
  one(e: WrittenException): string | null {
    const [only] = this.uses.get(e) ?? [];
    return this.wider.has(e) && this.used(e) === 1 ? (only ?? null) : null;
  }
  /** How many places an exception has let through. */
  used(e: WrittenException): number {
    return this.uses.get(e)?.size ?? 0;
  }
}

const placeOf = (t: Target): string => `${t.file ?? ""}#${t.path ?? ""}`;
function matches(e: Exception, t: Target): boolean {
  if (e.resource !== undefined) return t.urn === e.resource;
  const [file, path] = (e.path ?? "").split("#", 2);
  if (t.file !== file) return false;
  return path === undefined || t.path === path || t.path?.startsWith(`${path}.`) === true;
}
/** The environment that an exception is about; null where its place tells none. */
export function environmentOf(e: Exception): string | null {
  if (e.resource !== undefined) {
    const stack = /^urn:pulumi:([^:]+)::/.exec(e.resource)?.[1];
    return stack === undefined ? null : environmentOfStack(stack).environment;
  }
  return /^stacks\/([^/]+)\/[^/]+$/.exec((e.path ?? "").split("#")[0] as string)?.[1] ?? null;
}
/** One line for a person: what is let through, until when, by whom and why. */
export const describe = (e: Exception): string => `${e.rule} for ${e.resource ?? e.path ?? ""} until ${e.expires} (${e.owner}: ${e.reason}; ${e.link})`;
