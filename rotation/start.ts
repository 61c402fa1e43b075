import { join } from "node:path";
import { FindingError } from "../lib/finding.ts";
import { LOCAL, rotationFile } from "../schemas/layout.ts";
import { strategyName } from "../schemas/rotation.ts";
import { isOpen, type RotationReason, type RotationRecord } from "../schemas/rotation-record.ts";
import { rotationCodes } from "./codes.ts";
import type { Rotator } from "./context.ts";
import { credentialWay, refuseBusy } from "./credential.ts";
import { mustBeInForce, settingsOf, unsealed, versionOf } from "./deliver.ts";
import { readProject } from "../stacks/read.ts";
import { endpointOf, endpointWay, proposeEndpoint } from "./endpoint.ts";
import { mustBeAllowed } from "./judge.ts";
import { withRotationLock, type Way } from "./machine.ts";
import { signersIn } from "./signers.ts";
import { newRecord, newRotationId, readRecords, renderRecord } from "./record.ts";

export interface Proposal {
  readonly path: string;
  readonly reason: RotationReason;
  /** When a compromise was reported. */
  readonly reportedAt?: Date;
  readonly exposure?: string;
}
/** The same with the declarations and claims as they are now: a rotation before may have changed them. */
export function refreshed(r: Rotator): Rotator {
  const project = readProject(r.root, { clock: r.clock });
  return { ...r, project, declared: project.environments.find((e) => e.name === r.declared.name) ?? r.declared };
}
/** The way of whatever a record rotates: a sealed credential, or an endpoint whose signing secret Stripe minted. */
export const wayOf = (r: Rotator) => (record: RotationRecord): Way => (endpointOf(r, record.path) === null ? credentialWay(r, record) : endpointWay(r, record));

/** Opens a rotation and writes its first step; nothing at the provider or in the store changes. Throws FindingError where it can't begin. */
export async function propose(r: Rotator, p: Proposal): Promise<RotationRecord> {
  return withRotationLock(r.root, r.declared.name, p.path, async () => {
    const { records, findings } = readRecords(r.root, r.declared.name, signersIn(r));
    if (findings.some((f) => f.severity === "error")) throw new FindingError(findings);
    const open = records.find((k) => k.record.path === p.path && isOpen(k.record));
    if (open) throw new FindingError(rotationCodes.finding("ROTATION_OPEN", { message: `${p.path} is being rotated already: ${open.record.rotation}`, path: p.path, hint: `stackseal rotate resume ${open.record.rotation} --env ${r.declared.name}, or abort` }));
    const last = records.at(-1)?.record;
    const now = r.clock.now();
    const head = {
      rotation: newRotationId(now), environment: r.declared.name, path: p.path, reason: p.reason,
      ...(p.reportedAt && { reportedAt: p.reportedAt.toISOString() }), ...(p.exposure !== undefined && { exposure: p.exposure }),
      after: last ? { rotation: last.rotation, hash: last.hash } : null,
    };
    const what = endpointOf(r, p.path) === null ? await proposeCredential(r, p.path, head.rotation) : await proposeEndpoint(r, p.path);
    const grace = r.options.graceSeconds ?? (p.reason === "compromise" || r.sandbox ? Math.min(what.graceSeconds, r.sandbox ? 1 : 60) : what.graceSeconds);
    const { storeVersion, ...rest } = what;
    const record = newRecord({ ...head, ...rest, graceSeconds: grace }, { step: "proposed", at: now.toISOString(), actor: r.signer.name, storeVersion }, r.signer.key);
    r.write(join(r.root, rotationFile(record.environment, record.rotation)), renderRecord(record), record.environment === LOCAL ? 0o600 : 0o644);
    return record;
  });
}
async function proposeCredential(r: Rotator, path: string, id: string): Promise<Pick<RotationRecord, "kind" | "class" | "strategy" | "overlap" | "graceSeconds" | "previous"> & { storeVersion: string }> {
  const e = r.declared.credentials.find((c) => c.path === path);
  if (!e) throw new FindingError({ code: "CREDENTIAL_UNKNOWN", severity: "error", message: `${r.declared.name} has no sealed credential "${path}"`, path, hint: `stackseal secret list --env ${r.declared.name}` }, 2);
  mustBeAllowed(r, e);
  refuseBusy(r, { rotation: id, path, class: e.spec.class }, e);
  const version = versionOf(r, e, await unsealed(r, e.spec.class), null, settingsOf(r, e));
  await mustBeInForce(r, version);
  const { issueId, fingerprint, issuedAt, sealedBy } = e.claims;
  return {
    kind: e.kind, class: e.spec.class, strategy: strategyName(e.rotation), overlap: e.rotation.overlap, graceSeconds: "graceSeconds" in e.rotation ? e.rotation.graceSeconds : 0,
    previous: { issueId, fingerprint, issuedAt, sealedBy }, storeVersion: version.id,
  };
}
