import { createHmac } from "node:crypto";
import { sesRegion } from "../../doctor/ses.ts";
import { FindingError } from "../../lib/finding.ts";
import type { IamRotation } from "../../schemas/rotation.ts";
import { stepOf } from "../../schemas/rotation-record.ts";
import { rotationCodes } from "../codes.ts";
import type { AccessKeys } from "../context.ts";
import type { Strategy, Task } from "../strategy.ts";

/** Amazon SES's SMTP password of an access key in a region, version 4. Source: docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html. */
export function sesSmtpPassword(secret: string, region: string): string {
  let k = createHmac("sha256", `AWS4${secret}`).update("11111111").digest();
  for (const m of [region, "ses", "aws4_request", "SendRawEmail"]) k = createHmac("sha256", k).update(m).digest();
  return Buffer.concat([Buffer.from([4]), k]).toString("base64");
}

/** Two access keys of one user: the second is made, its SMTP password derived; the first is put to sleep and deleted. */
export function iam(spec: IamRotation): Strategy {
  const keys = async (t: Task): Promise<AccessKeys> => {
    if (t.r.accessKeys) return t.r.accessKeys();
    throw new FindingError(rotationCodes.finding("ROTATION_ADMIN_MISSING", { message: `${spec.strategy} wants AWS credentials that may manage the mail user's access keys`, path: t.e.path, hint: "set AWS credentials for this process, then stackseal rotate resume" }), 2);
  };
  const oldId = (t: Task): string => String(t.settings["username"]);
  return {
    obtain: async (t) => {
      const region = sesRegion(String(t.settings["host"]));
      if (region === null) throw new FindingError(rotationCodes.finding("ROTATION_PROVIDER_REFUSED", { message: "the declared host names no SES region", path: t.e.path, hint: "smtp.host is email-smtp.<region>.amazonaws.com" }), 2);
      const k = await keys(t);
      const { user, keys: before } = await k.owner(oldId(t));
      const interrupted = stepOf(t.record(), "minting");
      // Its secret was shown once and lost with the interrupted run.
      if (interrupted) for (const id of before.filter((x) => interrupted.before?.includes(x) !== true)) await k.remove(user, id);
      else {
        if (before.length > 1) throw new FindingError(rotationCodes.finding("ROTATION_PROVIDER_REFUSED", { message: `the user ${user} has two access keys already, which is all that IAM allows`, path: t.e.path, hint: "delete the one that nobody uses (aws iam get-access-key-last-used), then stackseal rotate resume" }));
        t.note("minting", { before: [...before], providerId: oldId(t) });
      }
      const made = await k.create(user);
      return { value: sesSmtpPassword(made.secret, region), minted: { id: made.id, old: oldId(t), settings: { username: made.id }, taken: { user } }, undo: () => k.remove(user, made.id) };
    },
    revoke: async (t, held) => {
      const k = await keys(t);
      const user = String(held.minted.taken?.["user"]);
      const old = held.minted.old ?? oldId(t);
      await k.deactivate(user, old);
      await k.remove(user, old);
      return { providerId: old };
    },
    discard: async (t, held) => {
      const minting = stepOf(t.record(), "minting");
      if (!minting) return {};
      const k = await keys(t);
      const { user, keys: now } = await k.owner(oldId(t));
      for (const id of now.filter((x) => minting.before?.includes(x) !== true)) await k.remove(user, id);
      return { ...(held.minted.id !== undefined && { providerId: held.minted.id }) };
    },
  };
}
