// One access matrix. From it alone come the age recipients, the IAM, secret and KMS policies, the code owners and the deployment reviewers.

export const TIERS = ["local", "development", "staging", "production"] as const;
export type Tier = (typeof TIERS)[number];

export const CLASSES = ["standard", "payments", "settings"] as const;
/** `settings` are the plain declarations; `standard` and `payments` are sealed credentials. */
export type AccessClass = (typeof CLASSES)[number];
export type SecretClass = Exclude<AccessClass, "settings">;

export const ROLES = ["super-admin", "admin", "engineer", "auditor", "deployer", "payments-deployer", "rotator", "app", "payments-app"] as const;
export type Role = (typeof ROLES)[number];
export const HUMAN_ROLES = ["super-admin", "admin", "engineer", "auditor"] as const satisfies readonly Role[];

/**
 * `open`: decrypt the sealed file in git (be an age recipient). `seal`: change a sealed value or its claims in git.
 * `read`, `write`, `list`, `delete`: the value in the run-time store. `permit`: change who may do any of these.
 */
export const VERBS = ["open", "seal", "read", "write", "list", "delete", "permit"] as const;
export type Verb = (typeof VERBS)[number];

type Cell = Readonly<Partial<Record<SecretClass | "settings", readonly Verb[]>>>;
type Row = Readonly<Partial<Record<Tier, Cell>>>;
const everyTier = (cell: Cell): Row => ({ local: cell, development: cell, staging: cell, production: cell });

const MATRIX: Readonly<Record<Role, Row>> = {
  "super-admin": everyTier({ standard: VERBS, payments: VERBS, settings: VERBS }),
  admin: everyTier({ standard: ["open", "seal", "list"], settings: ["open", "seal", "list"] }),
  engineer: {
    local: { standard: ["open", "seal", "read", "write", "list", "delete"], payments: ["open", "seal", "read", "write", "list", "delete"], settings: ["open", "seal", "list"] },
    development: { standard: ["open", "seal", "list"], settings: ["open", "seal", "list"] },
    staging: { settings: ["open", "seal", "list"] },
    production: { settings: ["open", "seal", "list"] },
  },
  auditor: everyTier({ standard: ["list"], payments: ["list"], settings: ["open", "list"] }),
  // A deployer opens the sealed files of its tier (that is its job) and writes to the store, but can't read the store back.
  deployer: everyTier({ standard: ["open", "write", "list"], settings: ["open", "write", "list"] }),
  // Stripe's plain settings, such as the publishable key, are delivered beside its credentials.
  "payments-deployer": everyTier({ payments: ["open", "write", "list"], settings: ["open", "write", "list"] }),
  rotator: everyTier({ standard: ["open", "seal", "write", "list"], settings: ["open"] }),
  app: everyTier({ standard: ["read"], settings: ["open"] }),
  "payments-app": everyTier({ payments: ["read"], settings: ["open"] }),
};

/** Whether the matrix lets `role` do `verb` to things of `cls` in `tier`. Absent means no. */
export function allows(role: Role, cls: AccessClass, tier: Tier, verb: Verb): boolean {
  return MATRIX[role][tier]?.[cls]?.includes(verb) ?? false;
}

/** Roles that the matrix lets do `verb`, in the order of ROLES. */
export const rolesWith = (cls: AccessClass, tier: Tier, verb: Verb): Role[] => ROLES.filter((r) => allows(r, cls, tier, verb));
