import { FindingError } from "../lib/finding.ts";
import type { SecretClass } from "../schemas/access.ts";
import { environmentOfStack, type StackPart } from "../schemas/layout.ts";
import { openForDeploy, type Unsealed } from "../seal/deploy.ts";
import { providerCodes } from "./codes.ts";
import { fileStore } from "./stores/file.ts";
import type { SecretStore } from "./stores/store.ts";

export type Env = Readonly<Record<string, string | undefined>>;
/** Opens an environment's sealed file of a class in memory: MAC, signatures and claims proven. Throws FindingError. */
export type Open = (root: string, environment: string, cls: SecretClass, env: Env) => Promise<Unsealed>;

/** Everything that a provider may know of the outside. */
export interface ProviderContext {
  /** The project's root, absolute. */
  readonly root: string;
  readonly env: Env;
  /** Where the sandbox's Stripe listens, for a declaration that says `apiBase: sandbox`. */
  readonly stripeSandbox?: string;
  readonly open?: Open;
  /** Store secrets that may go back to an older issue in this run. */
  readonly rollback?: readonly string[];
}

/** What a URN tells, and a reference may not: environment, part and class. */
export interface Place {
  readonly environment: string;
  readonly part: StackPart;
  readonly class: SecretClass;
}
export function placeOf(urn: string): Place {
  const { environment, part } = environmentOfStack(/^urn:pulumi:([^:]+)::/.exec(urn)?.[1] ?? "");
  return { environment, part, class: part === "payments" ? "payments" : "standard" };
}
/** Opens each sealed file once for the time of a deployment. */
export function unsealer(context: ProviderContext): (place: Place) => Promise<Unsealed> {
  const opened = new Map<string, Promise<Unsealed>>();
  return (place) => {
    const key = `${place.environment}/${place.class}`;
    const known = opened.get(key) ?? (context.open ?? openForDeploy)(context.root, place.environment, place.class, context.env);
    opened.set(key, known);
    return known;
  };
}
export function storeFor(context: ProviderContext, environment: string, kind: string): SecretStore {
  if (kind === "file") return fileStore(context.root, environment, context.env);
  throw new FindingError(providerCodes.finding("STORE_KIND", { message: `the store ${kind} is not available in this build`, path: environment }), 2);
}
