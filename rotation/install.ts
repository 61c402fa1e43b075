import { join } from "node:path";
import { FindingError, hasErrors } from "../lib/finding.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import { LOCAL, sealedFile } from "../schemas/layout.ts";
import type { Claims } from "../schemas/claims.ts";
import { readClear } from "../seal/clear.ts";
import { editSealed } from "../seal/edit.ts";
import { withLock } from "../seal/lock.ts";
import { openSealed } from "../seal/open.ts";
import { canonicalClaims, signText } from "../seal/signature.ts";
import { sealValue } from "../seal/write.ts";
import { rotationCodes } from "./codes.ts";
import type { Rotator } from "./context.ts";
import type { Slot } from "./sealed.ts";

/**
 * Makes a slot's value the environment's sealed one, under its own issue: one value, its claims, the mac and the date change, in one atomic write.
 * Does nothing where it is there already. Throws FindingError ROTATION_CHANGED where neither this issue nor `instead` is there.
 */
export async function install(r: Rotator, e: ExpectedSecret, slot: Slot, instead: string): Promise<void> {
  const file = sealedFile(r.declared.name, e.spec.class);
  await withLock(join(r.root, file), file, async () => {
    const { sealed, findings } = readClear(r.root, file);
    if (!sealed || hasErrors(findings)) throw new FindingError(findings);
    const there = sealed.credentials.find((c) => c.path === e.path);
    if (there?.claims?.issueId === slot.claims.issueId) return;
    if (there?.claims?.issueId !== instead)
      throw new FindingError(rotationCodes.finding("ROTATION_CHANGED", { message: `${e.path} was set otherwise since this rotation began`, at: there?.claimsAt ?? { file, line: 1, column: 1 }, path: e.path, hint: "settle which one stays, then abort this rotation" }));
    const opened = await openSealed(sealed, r.identities);
    const leaf = sealValue({ dataKey: opened.dataKey }, e.path, slot.value);
    const { signature: _held, ...rest } = slot.claims;
    const unsigned: Claims = { ...rest, sealedBy: r.signer.name };
    const claims: Claims = { ...unsigned, signature: signText(r.signer.key, canonicalClaims(r.declared.name, e.path, unsigned, leaf)) };
    r.write(join(r.root, file), editSealed(opened, { set: [{ path: e.path, value: slot.value, leaf, claims }], now: r.clock.now() }), r.declared.name === LOCAL ? 0o600 : 0o644);
  });
}
