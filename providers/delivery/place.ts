import { defineCodes, FindingError } from "../../lib/finding.ts";
import type { SecretClass } from "../../schemas/access.ts";
import { environmentOfStack, type StackPart } from "../../schemas/layout.ts";
import { openForDeploy, type Unsealed } from "../../seal/deploy.ts";
import type { Env } from "../../seal/identity.ts";
import { fileStore } from "./file-store.ts";
import type { SecretStore } from "./store.ts";

export const deliveryCodes = defineCodes({
  REFERENCE_OUTSIDE: { severity: "error", title: "A reference that leaves its environment or class" },
  REFERENCE_STALE: { severity: "error", title: "A reference that isn't the one in the sealed file" },
  STORE_UNAVAILABLE: { severity: "error", title: "This kind of store isn't part of this version" },
  STORE_NOT_OURS: { severity: "error", title: "A store secret that stackseal doesn't own" },
  STRIPE_REFUSED: { severity: "error", title: "Stripe refused a call" },
  STRIPE_UNREACHABLE: { severity: "error", title: "Stripe didn't answer" },
  STRIPE_ENDPOINTS_FULL: { severity: "error", title: "The account has its 16 endpoints already" },
});

/** What a deployment gives the providers. The environment and class always come from the URN, never from a reference. */
export interface Delivery {
  readonly root: string;
  readonly env: Env;
  /** The sandbox's Stripe address, where a declaration says `apiBase: sandbox`. */
  readonly stripeSandbox?: string;
}
export interface Place {
  readonly environment: string;
  readonly part: StackPart;
  readonly class: SecretClass;
}
export function placeOf(urn: string): Place {
  const { environment, part } = environmentOfStack(urn.split("::")[0]?.slice("urn:pulumi:".length) ?? "");
  return { environment, part, class: part === "payments" ? "payments" : "standard" };
}
/** Throws FindingError where the store's kind isn't served yet. */
export function storeFor(delivery: Delivery, environment: string, kind: string): SecretStore {
  if (kind === "file") return fileStore(delivery.root, environment, delivery.env);
  throw new FindingError(deliveryCodes.finding("STORE_UNAVAILABLE", { message: `delivery to a store of kind ${kind} is not part of this version` }));
}
/** Opened once per environment, class and process: every claim of the file is proven before the first write. */
export function unsealer(delivery: Delivery): (place: Place) => Promise<Unsealed> {
  const open = new Map<string, Promise<Unsealed>>();
  return (place) => {
    const key = `${place.environment} ${place.class}`;
    const found = open.get(key) ?? openForDeploy(delivery.root, place.environment, place.class, delivery.env);
    open.set(key, found);
    return found;
  };
}
