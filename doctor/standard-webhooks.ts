// A module of its own with a plain import: the library is CommonJS, and a bundled dynamic import of it has no names.
export { Webhook as StandardWebhook } from "standardwebhooks";
