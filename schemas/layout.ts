import type { SecretClass } from "./access.ts";

// Where things stand and what they are called: pure names, relative to the project's root.

/** The throwaway environment of this machine: its sealed files, people and store live in the ignored folder. */
export const LOCAL = "local";
export const WORK_DIR = ".stackseal";
export const PEOPLE_FILE = "stacks/people.yaml";
/** Levels and settings of the policies: what lowers one is signed, as people are. */
export const POLICY_CONFIG_FILE = "policies/config.json";
export const LOCAL_PEOPLE_FILE = `${WORK_DIR}/people.yaml`;

export const environmentFile = (environment: string): string => `stacks/${environment}/environment.yaml`;
export const paymentsFile = (environment: string): string => `stacks/${environment}/payments.yaml`;
export const sealedFile = (environment: string, cls: SecretClass): string =>
  `${environment === LOCAL ? `${WORK_DIR}/local` : `stacks/${environment}`}/${cls === "payments" ? "payments" : "secrets"}.sops.yaml`;
/** Records of rotations, and beside each open one what it holds sealed. */
export const rotationsDir = (environment: string): string => `${environment === LOCAL ? `${WORK_DIR}/local` : `stacks/${environment}`}/rotations`;
export const rotationFile = (environment: string, id: string): string => `${rotationsDir(environment)}/${id}.yaml`;
/** Its class stands in its name: rules for the sops CLI, code owners and reviewers go by names. */
export const rotationSealedFile = (environment: string, id: string, cls: SecretClass): string => `${rotationsDir(environment)}/${id}.${cls === "payments" ? "payments" : "secrets"}.sops.yaml`;
/** Whose rotation a file of that path belongs to, if it is what one holds sealed. */
export function heldIn(file: string): { readonly environment: string; readonly rotation: string; readonly class: SecretClass } | null {
  const m = /^(?:stacks\/([^/]+)|\.stackseal\/local)\/rotations\/([^/.]+)\.(secrets|payments)\.sops\.yaml$/.exec(file);
  return m ? { environment: m[1] ?? LOCAL, rotation: m[2] as string, class: m[3] === "payments" ? "payments" : "standard" } : null;
}
/** The one leaf without claims that such a file has: what the provider told of the new value. */
export const HELD_BARE = "minted";
/** The value beside it, whose signature covers that leaf too. */
export const HELD_NEXT = "next";
/** Peppers of generated values: one file for all environments, another for `local`. */
export const pepperFile = (environment: string): string => (environment === LOCAL ? `${WORK_DIR}/pepper.sops.yaml` : "stacks/pepper.sops.yaml");
/** Peppers of values that a person may have chosen: one file a tier. */
export const humanPepperFile = (environment: string, tier: string): string => (environment === LOCAL ? `${WORK_DIR}/pepper.sops.yaml` : `stacks/pepper-${tier}.sops.yaml`);
/** What a file of peppers is made of: bare leaves, named by letter and generation. */
export const PEPPER_GENERATION = /^[gh](?:0|[1-9]\d*)$/;
export const isPepperFile = (file: string): boolean => /^(?:stacks\/pepper(?:-[a-z]+)?|\.stackseal\/pepper)\.sops\.yaml$/.test(file);

export type StackPart = "standard" | "payments" | "foundation";
export const ENVIRONMENT_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
export const stackName = (environment: string, part: StackPart): string => (part === "standard" ? environment : `${environment}-${part}`);
/** The environment and the part that a stack's name (or a URN's) tells. An environment's name never ends in a part's. */
export function environmentOfStack(stack: string): { readonly environment: string; readonly part: StackPart } {
  const m = /^(.+)-(payments|foundation)$/.exec(stack);
  return m ? { environment: m[1] as string, part: m[2] as StackPart } : { environment: stack, part: "standard" };
}

/** The store's secret that carries an integration's values: `stackseal/dev/twilio`, `stackseal/dev/payments/stripe`. */
export const storeSecretName = (environment: string, cls: SecretClass, integration: string): string =>
  `stackseal/${environment}/${cls === "payments" ? "payments/" : ""}${integration}`;
/** The store secret of a signing secret that Stripe mints: keys `current` and `previous`. */
export const signingSecretName = (environment: string, endpoint: string): string => `stackseal/${environment}/payments/stripe-webhook-${endpoint}`;
export const parameterName = (environment: string, integration: string, setting: string): string => `/stackseal/${environment}/${integration}/${setting}`;

/** Dotted path of a credential: `twilio.authToken`, `outbound-webhooks.crm-sync.signingSecret`. */
export const credentialPath = (integration: string, secret: string, entry?: string): string => [integration, ...(entry === undefined ? [] : [entry]), secret].join(".");
