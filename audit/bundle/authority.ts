import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isOver, type TimeStamp } from "./timestamp.ts";

/** What an authority's signature was found to be. `absent`: its certificates were given, and there is no openssl here that could say. */
export type Authority = "good" | "bad" | "absent" | "not checked";
export interface Vouched { readonly token: Buffer; readonly stamp: TimeStamp; readonly certificates: Buffer | null; readonly env: Readonly<Record<string, string | undefined>> }

/**
 * Whether one of the authority's certificates vouches for the time stamp (CMS signature, chain, purpose), by openssl, on the day of the stamp: an
 * authority's certificate may have run out since. What the stamp is over is the caller's question. Revocation isn't asked for: it wants a network.
 */
export function authorityOf({ token, stamp, certificates, env }: Vouched): Authority {
  if (!certificates) return "not checked";
  const dir = mkdtempSync(join(tmpdir(), "stamp-"));
  try {
    for (const [name, bytes] of [["token", token], ["ca", certificates]] as const) writeFileSync(join(dir, name), bytes, { mode: 0o600 });
    const version = spawnSync("openssl", ["version"], { cwd: dir, env, encoding: "utf8" });
    if (version.status !== 0) return "absent";
    // LibreSSL's doesn't know the day: there it is today.
    const day = version.stdout.startsWith("OpenSSL") ? ["-attime", String(Math.floor(Date.parse(stamp.at) / 1000))] : [];
    const verify = (more: readonly string[]): boolean => spawnSync("openssl", ["ts", "-verify", "-digest", stamp.digest.toString("hex"), "-in", "token", "-CAfile", "ca", "-untrusted", "ca", ...day, ...more], { cwd: dir, env, stdio: "ignore" }).status === 0;
    return verify([]) || verify(["-token_in"]) ? "good" : "bad";
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
/** What a time stamp was given over: the first of the contents or (SHA-256, hexadecimal) digests that fits; null where none does. */
export function stampedOver(t: TimeStamp, contents: Readonly<Record<string, Buffer>>, digests: Readonly<Record<string, string>>): string | null {
  return Object.entries(contents).find(([, bytes]) => isOver(t, bytes))?.[0] ?? Object.entries(digests).find(([, hex]) => t.algorithm === "sha256" && t.digest.toString("hex") === hex)?.[0] ?? null;
}
