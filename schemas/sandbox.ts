// How a running sandbox is found: a provider asks the environment first, then the file that the sandbox keeps while it runs.

export const SANDBOX_SERVICES = ["stripe"] as const;
export type SandboxService = (typeof SANDBOX_SERVICES)[number];

/** The folder of the sandbox's state, beside the other working files. */
export const SANDBOX_DIR = ".stackseal/sandbox";
/** There while a sandbox runs: `{ pid, urls: { stripe } }`. */
export const SANDBOX_RUNNING = "running.json";
/** The variable that tells a service's address: `STACKSEAL_STRIPE_SANDBOX`. */
export const sandboxVariable = (service: SandboxService): string => `STACKSEAL_${service.toUpperCase()}_SANDBOX`;
