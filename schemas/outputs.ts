import { z } from "zod";
import { canarySchema } from "./canary.ts";
import { exceptionSchema } from "./exceptions.ts";
import { exposureSchema } from "./exposure.ts";
import { reviewSchema } from "./review.ts";

// The JSON documents that commands print: checked in as schemas/json/output-*.schema.json.

const finding = z.object({
  code: z.string(), severity: z.enum(["error", "warning", "info"]), message: z.string(),
  at: z.object({ file: z.string(), line: z.int().min(1), column: z.int().min(1) }).optional(), path: z.string().optional(), hint: z.string().optional(),
});
const base = { command: z.string(), ok: z.boolean(), findings: z.array(finding) };
const verdict = z.enum(["valid", "invalid", "inconclusive", "skipped"]);
const summary = z.object({ create: z.int(), update: z.int(), replace: z.int(), delete: z.int(), same: z.int() });
const canaryTried = { heard: canarySchema.shape.heard.element.array(), written: z.string().nullable() };
const deployed = z.object({ name: z.string(), engine: z.string(), steps: z.array(z.object({ op: z.string(), urn: z.string(), ok: z.boolean() })), summary, outputs: z.record(z.string(), z.unknown()), stacks: z.array(z.object({ name: z.string(), outputs: z.record(z.string(), z.unknown()) })), canary: z.object({ state: z.enum(["heard", "recorded", "untried", "lost"]), ...canaryTried }).optional() });
const reviewer = z.object({ name: z.string(), role: z.string(), handle: z.string().nullable() });

/** What can differ from git. */
const period = z.object({ since: z.string(), until: z.string(), quarter: z.string().nullable() });
const bundleGit = z.object({ head: z.string(), headAt: z.string(), from: z.string().nullable(), commits: z.int() });
export const DRIFT_KINDS = ["secret", "version", "policy", "key", "role", "bucket", "rule", "target", "topic", "subscription", "trail", "schedule", "endpoint"] as const;

export const OUTPUTS: Readonly<Record<string, z.ZodType>> = {
  check: z.object({ ...base, environments: z.array(z.object({ name: z.string(), tier: z.string(), credentials: z.int(), errors: z.int(), warnings: z.int() })), base: z.object({ ref: z.string(), commit: z.string() }).nullable().optional(), note: z.string().optional(), staged: z.array(z.string()).optional() }),
  "people-list": z.object({ ...base, people: z.array(z.object({
    name: z.string(), machine: z.boolean(), role: z.string(), tiers: z.array(z.string()), recipients: z.array(z.string()), signing: z.array(z.string()), handle: z.string().nullable(),
    from: z.string().nullable(), until: z.string().nullable(), active: z.boolean(), secondFactor: z.string().nullable(),
  })) }),
  "people-change": z.object({ ...base, written: z.array(z.string()).optional(), files: z.array(z.object({ file: z.string(), values: z.int() })).optional() }),
  "people-exposure": z.object({ ...base, exposure: exposureSchema.optional(), commits: z.int().optional(), versions: z.int().optional(), written: z.array(z.string()).optional() }),
  "access-matrix": z.object({ ...base, matrix: z.array(z.object({ role: z.string(), tier: z.string(), class: z.string(), verbs: z.array(z.string()) })) }),
  "access-who": z.object({ ...base, credential: z.string().optional(), at: z.string().optional(), commit: z.string().nullable().optional(), environments: z.array(z.object({
    environment: z.string(), path: z.string(), class: z.string(), issueId: z.string().nullable(), open: z.array(z.string()), seal: z.array(z.string()), read: z.array(z.string()), write: z.array(z.string()), permit: z.array(z.string()),
  })).optional() }),
  "access-can": z.object({ ...base, person: z.string().optional(), role: z.string().optional(), tiers: z.array(z.string()).optional(), active: z.boolean().optional(), may: z.array(z.string()).optional(), opens: z.array(z.string()).optional() }),
  "access-review": z.object({ ...base, file: z.string().optional(), signed: z.string().optional(), lines: z.array(z.string()).optional(), review: reviewSchema.optional(), reads: z.array(z.object({ at: z.string(), secret: z.string(), identity: z.string(), place: z.string(), denied: z.boolean(), flags: z.array(z.string()) })).optional() }),
  "access-apply": z.object({ ...base, review: z.string().optional(), removed: z.array(z.string()).optional(), kept: z.array(z.string()).optional(), signed: z.string().optional() }),
  preview: z.object({
    ...base,
    plan: z.object({ digest: z.string(), approval: z.string() }).optional(),
    against: z.object({ kind: z.enum(["nothing", "base", "state", "deployed"]), commit: z.string().optional(), ref: z.string().optional(), program: z.enum(["own", "current"]).optional(), why: z.string().optional(), stacks: z.array(z.string()).optional() }),
    access: z.array(z.object({ who: z.string(), role: z.string(), change: z.enum(["gains", "loses"]), tier: z.string(), class: z.string(), verbs: z.array(z.string()) })),
    environments: z.array(z.object({
      name: z.string(), engine: z.string(), base: z.string().nullable(),
      steps: z.array(z.object({ op: z.string(), urn: z.string(), diff: z.array(z.string()) })), summary,
      credentials: z.array(z.object({ path: z.string(), change: z.enum(["added", "re-issued", "re-sealed", "claims changed", "recipients changed", "removed"]), kind: z.string(), class: z.string(), ageDays: z.int() })),
      violations: z.array(z.object({ policy: z.string(), level: z.string(), urn: z.string(), message: z.string(), at: finding.shape.at })),
    })),
    exceptions: z.array(exceptionSchema),
  }),
  policies: z.object({
    ...base, exceptions: z.array(exceptionSchema),
    rules: z.array(z.object({ id: z.string(), title: z.string(), severity: z.string(), level: z.string(), remediation: z.string(), chapter: z.string(), judges: z.string(), controls: z.array(z.object({ framework: z.string(), control: z.string(), source: z.string() })) })).optional(),
    judged: z.object({ environments: z.array(z.string()), resources: z.int(), rules: z.int() }).optional(),
    violations: z.array(z.object({ policy: z.string(), level: z.string(), urn: z.string(), message: z.string() })).optional(),
  }),
  scan: z.object({
    ...base, scanned: z.object({ files: z.int(), commits: z.int() }),
    matches: z.array(z.object({ rule: z.string(), title: z.string(), likely: z.boolean(), file: z.string(), line: z.int(), column: z.int(), endColumn: z.int(), length: z.int(), digest: z.string(), commit: z.string().optional(), encoding: z.enum(["base64", "hex", "percent", "escapes"]).optional() })),
    leftOut: z.array(z.object({ file: z.string(), code: z.string() })),
  }),
  "access-owners": z.object({ ...base, file: z.string(), current: z.boolean(), owners: z.array(z.object({ pattern: z.string(), owners: z.array(reviewer) })) }),
  "access-reviewers": z.object({ ...base, environments: z.array(z.object({ name: z.string(), class: z.string(), tier: z.string(), reviewers: z.array(reviewer) })), watching: z.array(z.string()) }),
  workflows: z.object({ ...base, files: z.array(z.object({ file: z.string(), did: z.enum(["up to date", "written", "stale", "missing", "kept"]) })).optional() }),
  comment: z.object({ ...base, posted: z.enum(["created", "updated", "unchanged", "printed"]).optional(), pull: z.int().nullable().optional(), length: z.int().optional() }),
  "identity-fetch": z.object({ ...base, environment: z.string().optional(), role: z.string().optional(), secret: z.string().optional(), file: z.string().optional(), machines: z.array(z.string()).optional() }),
  "identity-put": z.object({ ...base, environment: z.string().optional(), role: z.string().optional(), secret: z.string().optional(), machines: z.array(z.string()).optional() }),
  up: z.object({ ...base, environments: z.array(deployed) }), refresh: z.object({ ...base, environments: z.array(deployed) }), destroy: z.object({ ...base, environments: z.array(deployed) }),
  export: z.object({ ...base, stack: z.string(), deployment: z.object({ version: z.int(), deployment: z.record(z.string(), z.unknown()) }).optional(), file: z.string().optional() }),
  import: z.object({ ...base, stack: z.string().optional(), resources: z.int().optional() }),
  history: z.object({ ...base, stacks: z.array(z.object({ stack: z.string(), updates: z.array(z.object({
    version: z.int(), kind: z.enum(["update", "refresh", "destroy", "import"]), startTime: z.int(), endTime: z.int(), message: z.string(), result: z.enum(["succeeded", "failed"]), resourceChanges: z.record(z.string(), z.int()), commit: z.string().optional(),
  })) })) }),
  cancel: z.object({ ...base, cancelled: z.array(z.object({ stack: z.string(), what: z.string() })) }),
  drift: z.object({ ...base, drift: z.array(z.object({ kind: z.enum(DRIFT_KINDS), name: z.string(), expected: z.string(), found: z.string(), by: z.string().nullable() })) }),
  rollback: z.object({
    ...base, environment: z.string().optional(), secret: z.string().optional(), from: z.string().nullable().optional(), to: z.string().optional(), branch: z.string().nullable().optional(), commit: z.string().nullable().optional(),
    steps: z.array(z.object({ step: z.enum(["store", "git"]), state: z.enum(["done", "already", "todo", "waits", "none", "failed"]), what: z.string() })).optional(),
    issues: z.array(z.object({ path: z.string(), issueId: z.string(), sealedBy: z.string() })).optional(),
  }),
  canary: z.object({ ...base, environment: z.string().optional(), heard: canaryTried.heard.optional(), written: canaryTried.written.optional() }),
  "secret-list": z.object({ ...base, credentials: z.array(z.object({ path: z.string(), kind: z.string(), class: z.string(), mode: z.string().nullable(), fingerprint: z.string(), issuedAt: z.string(), dueAt: z.string(), recipients: z.array(z.string()) })) }),
  "secret-verify": z.object({ ...base, files: z.array(z.object({
    file: z.string(), format: z.enum(["yaml", "json", "dotenv", "ini", "binary"]), ours: z.boolean(), verified: z.boolean(), values: z.object({ sealed: z.int(), clear: z.int() }), recipients: z.array(z.string()), others: z.array(z.string()),
    groups: z.int(), threshold: z.int(), rule: z.string(), macOnlyEncrypted: z.boolean(), lastmodified: z.string(), notCovered: z.array(z.string()),
  })) }),
  "secret-merge": z.object({ ...base, file: z.string().optional(), conflicts: z.array(z.string()).optional(), unsigned: z.array(z.string()).optional(), freshKey: z.boolean().optional(), removedRecipients: z.array(z.string()).optional() }),
  "secret-diff": z.object({ ...base, files: z.array(z.object({
    file: z.string(), credentials: z.array(z.object({ path: z.string(), change: z.enum(["added", "removed", "changed", "resealed", "claims", "moved", "unsigned"]), from: z.string().optional(), issueId: z.string().nullable(), reason: z.string().nullable(), by: z.string().nullable() })),
    recipients: z.object({ added: z.array(z.string()), removed: z.array(z.string()) }), freshKey: z.boolean().nullable(),
  })).optional() }),
  init: z.object({
    ...base, dryRun: z.boolean().optional(), files: z.array(z.object({ file: z.string(), did: z.enum(["made", "kept", "as-is", "extended"]), what: z.string() })).optional(),
    declared: z.record(z.string(), z.array(z.string())).optional(), exports: z.record(z.string(), z.string()).optional(),
    machines: z.array(z.object({ name: z.string(), role: z.string(), file: z.string(), signing: z.string().nullable(), environment: z.string() })).optional(),
    foundation: z.object({ environment: z.string(), dryRun: z.boolean(), steps: z.array(z.object({ step: z.string(), state: z.enum(["done", "todo", "failed", "skipped"]), says: z.string() })) }).optional(),
    environment: z.string().optional(), mode: z.enum(["test", "live"]).optional(), endpoints: z.array(z.object({ id: z.string(), url: z.string(), events: z.int(), status: z.string(), name: z.string().nullable(), why: z.string() })).optional(),
    secrets: z.array(z.object({ name: z.string(), tags: z.record(z.string(), z.string()), changed: z.string(), ours: z.boolean() })).optional(), written: z.union([z.array(z.string()), z.string()]).nullable().optional(), placeholders: z.array(z.string()).optional(),
    missing: z.array(z.object({ integration: z.string(), title: z.string(), environments: z.array(z.string()), find: z.array(z.object({ what: z.string(), where: z.string(), url: z.string() })) })).optional(),
  }),
  doctor: z.object({ ...base, environment: z.string(), at: z.string(), sandbox: z.boolean(), results: z.array(z.object({ integration: z.string(), step: z.string(), verdict: z.enum(["valid", "invalid", "inconclusive", "skipped"]), code: z.string(), message: z.string(), next: z.string() })), summary: z.string() }),
  "webhook-verify": z.object({ ...base, scheme: z.string(), verified: z.boolean(), code: z.string(), message: z.string(), id: z.string().nullable(), ageSeconds: z.number().nullable(), toleranceSeconds: z.number().nullable() }),
  "rotate-due": z.object({ ...base, due: z.array(z.object({ environment: z.string(), path: z.string(), kind: z.string(), issuedAt: z.string(), dueAt: z.string(), overdue: z.boolean(), strategy: z.string(), owner: z.string(), days: z.int() })) }),
  "rotate-plan": z.object({ ...base, environment: z.string(), reason: z.string(), plan: z.array(z.object({
    order: z.int(), path: z.string(), kind: z.string(), class: z.string(), strategy: z.string(), danger: z.int(), overlap: z.string(), graceSeconds: z.int(), interrupts: z.string().nullable(), unattended: z.boolean(), owner: z.string(),
    steps: z.array(z.object({ step: z.string(), who: z.enum(["stackseal", "person", "wait"]), says: z.string() })),
  })) }),
  // rotate start, resume, abort, attest and run print it too.
  rotations: z.object({ ...base, environment: z.string(), lastRevocationSeconds: z.int().nullable(), gaps: z.int().optional(), branch: z.string().nullable().optional(),
    compromises: z.array(z.object({ environment: z.string(), reportedAt: z.string(), credentials: z.int(), ended: z.int(), lastRevokedAt: z.string().nullable(), seconds: z.int().nullable(), complete: z.boolean() })).optional(), rotations: z.array(z.object({
    environment: z.string(), rotation: z.string(), path: z.string(), kind: z.string(), class: z.string(), strategy: z.string(), reason: z.string(), state: z.enum(["closed", "aborted", "open"]), step: z.string(), openedAt: z.string(),
    promotedAt: z.string().nullable(), revokedAt: z.string().nullable(), closedAt: z.string().nullable(), actor: z.string(), approver: z.string().nullable(), overlapSeconds: z.int().nullable(), nextVerdict: verdict.nullable(), oldVerdict: verdict.nullable(),
    reportedAt: z.string().nullable(), sinceReportSeconds: z.int().nullable(), daysSinceLast: z.int().nullable(), waiting: z.string().nullable(), record: z.string(),
  })) }),
  "audit-log": z.object({ ...base, head: z.string().optional(), changes: z.array(z.object({
    commit: z.string(), at: z.string(), author: z.string(), committer: z.string(),
    signature: z.object({ kind: z.enum(["ssh", "gpg"]).nullable(), state: z.enum(["valid", "unknown-key", "invalid", "unchecked", "none"]), by: z.string().nullable() }),
    review: z.object({ merge: z.string().nullable(), mergedBy: z.string().nullable(), claimed: z.array(z.string()), codeOwners: z.enum(["satisfied", "claimed", "not satisfied"]) }),
    kind: z.string(), environment: z.string().nullable(), path: z.string(), change: z.string(), who: z.string(), sealedBy: z.string().nullable(), issueId: z.string().nullable(), policy: z.string().nullable(),
    deployment: z.object({ stack: z.string().nullable(), update: z.int().nullable(), at: z.string().nullable(), by: z.enum(["commit", "time"]).nullable(), storeVersion: z.string().nullable() }).nullable(),
  })).optional() }),
  "audit-bundle": z.object({
    ...base, out: z.string().optional(), tar: z.string().optional(), period: period.optional(), environments: z.array(z.string()).optional(), manifestSha256: z.string().optional(), git: bundleGit.optional(),
    previous: z.object({ manifestSha256: z.string(), head: z.string(), period, createdAt: z.string() }).nullable().optional(), signer: z.string().optional(), absent: z.array(z.string()).optional(),
    files: z.array(z.object({ path: z.string(), sha256: z.string(), bytes: z.int(), origin: z.enum(["git", "recorded", "generated"]) })).optional(),
  }),
  "audit-lock": z.object({ ...base, bundle: z.string().optional(), receipt: z.object({ stackseal: z.string(), environment: z.string(), bucket: z.string(), key: z.string(), versionId: z.string(), at: z.string(), mode: z.string().nullable(), retainUntil: z.string().nullable(), manifestSha256: z.string() }).optional() }),
  "audit-verify": z.object({
    ...base, bundle: z.string().optional(), signer: z.string().nullable().optional(), period: period.nullable().optional(), git: bundleGit.nullable().optional(), chain: z.enum(["checked", "first", "not checked", "broken"]).optional(),
    rebuilt: z.array(z.string()).optional(), recorded: z.array(z.string()).optional(),
    timeStamp: z.object({ file: z.string(), over: z.string(), at: z.string(), authority: z.enum(["good", "bad", "not checked"]) }).nullable().optional(),
    objectLock: z.object({ file: z.string(), at: z.string(), retainUntil: z.string().nullable(), mode: z.string().nullable(), store: z.enum(["recorded", "checked", "contradicted"]) }).nullable().optional(),
  }),
  "audit-report": z.object({ ...base, file: z.string(), head: z.string(), bytes: z.int(), counts: z.record(z.string(), z.int()) }),
  "rotate-departure": z.object({ ...base, exposure: z.string(), subject: z.string(), closed: z.int(), open: z.int(), lines: z.array(z.object({ environment: z.string(), path: z.string(), class: z.string(), state: z.enum(["closed", "open"]), proof: z.string().nullable(), rotation: z.string().nullable(), why: z.string() })) }),
};
