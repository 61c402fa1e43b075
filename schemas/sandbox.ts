// How a running sandbox is found: a command asks the environment first, then the file that the sandbox keeps while it runs.

/** The APIs that the sandbox stands for. */
export const SANDBOX_APIS = ["stripe", "twilio", "vapi", "vonage", "calcom", "sendgrid", "mailgun", "mailtrap", "hubspot", "salesforce", "pipedrive", "gohighlevel"] as const;
export type SandboxApi = (typeof SANDBOX_APIS)[number];
/** Mail servers: STARTTLS as on 587, TLS from the first byte as on 465, plain as on 25; and where what they took can be read. */
export const SANDBOX_MAIL = ["smtp", "smtps", "smtp-plain", "mail-sink"] as const;

export const SANDBOX_SERVICES = [...SANDBOX_APIS, ...SANDBOX_MAIL] as const;
export type SandboxService = (typeof SANDBOX_SERVICES)[number];

/** The folder of the sandbox's state, beside the other working files. */
export const SANDBOX_DIR = ".stackseal/sandbox";
/** There while a sandbox runs: `{ pid, urls: { stripe, … }, ca }`. */
export const SANDBOX_RUNNING = "running.json";
/** The certificate that the sandbox's mail servers show. */
export const SANDBOX_CA = "ca.pem";
/** The variable that tells a service's address: `STACKSEAL_STRIPE_SANDBOX`, `STACKSEAL_SMTP_PLAIN_SANDBOX`. */
export const sandboxVariable = (service: SandboxService): string => `STACKSEAL_${service.toUpperCase().replaceAll("-", "_")}_SANDBOX`;

/** Which of a provider's hosts a request to the sandbox is meant for. */
export const ORIGIN_HEADER = "x-stackseal-origin";
/** The declared settings and tier, base64 of JSON: a credential that the sandbox sees for the first time becomes one of that account. Sent to loopback alone. */
export const DECLARED_HEADER = "x-stackseal-declared";

/** What a credential of the sandbox may be; `anything`: every credential of its account is accepted, as a cache or a mock would. */
export const KEY_STATES = ["active", "dead", "expired", "restricted", "suspended", "test", "anything"] as const;
export type KeyState = (typeof KEY_STATES)[number];
export const FAULTS = ["latency", "429", "500", "reset", "half-open", "json"] as const;
export type FaultKind = (typeof FAULTS)[number];
