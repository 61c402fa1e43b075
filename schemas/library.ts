// `stackseal/schemas`: the shapes that declarations have, and how an integration is declared.

export { environmentSchema, paymentsSchema, type Environment, type Payments } from "./environment.ts";
export { peopleSchema, type People } from "./people.ts";
export { claimsSchema, type Claims } from "./claims.ts";
export { initSchema, type InitConfig } from "./init.ts";
export { allows, rolesWith, ROLES, TIERS, CLASSES, VERBS, type Role, type Tier, type Verb } from "./access.ts";
export { defineIntegration, type IntegrationSpec, type SecretSpec } from "./integration.ts";
export { expectedSecrets, integrationOf, integrations, kinds, specOf } from "./integrations/index.ts";
