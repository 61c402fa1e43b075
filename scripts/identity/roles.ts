import { DEPLOYERS } from "../../schemas/iam/place.ts";

export type MachineRole = (typeof DEPLOYERS)[number];
/** The roles whose identities a job fetches from its environment's own account. */
export const MACHINE_ROLES: readonly MachineRole[] = DEPLOYERS;
