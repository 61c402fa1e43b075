import { spawnSync } from "node:child_process";
import type { SigningKey } from "./signature.ts";

/**
 * A key that only stock OpenSSH can use: with a passphrase, of another type, in an agent (the file holds the public half) or on hardware.
 * `ssh-keygen -Y sign` asks on the terminal for what it needs. Throws Error with ssh-keygen's own first line where it can't sign.
 */
export const sshKeygenKey = (file: string, publicLine: string, env: Readonly<Record<string, string | undefined>>): SigningKey => ({
  publicLine,
  sign: (message, namespace) => {
    const r = spawnSync("ssh-keygen", ["-q", "-Y", "sign", "-n", namespace, "-f", file], { input: message, encoding: "utf8", env, stdio: ["pipe", "pipe", "pipe"] });
    const m = /-----BEGIN SSH SIGNATURE-----([\s\S]+)-----END SSH SIGNATURE-----/.exec(r.stdout);
    if (r.status !== 0 || !m) throw new Error(`ssh-keygen can't sign with this key${r.stderr ? `: ${r.stderr.split("\n")[0] ?? ""}` : ""}`);
    return (m[1] as string).replace(/\s/g, "");
  },
});
/** The public line of a private key's file; null where ssh-keygen can't tell. */
export function publicLineOf(file: string, env: Readonly<Record<string, string | undefined>>): string | null {
  const r = spawnSync("ssh-keygen", ["-y", "-P", "", "-f", file], { encoding: "utf8", env });
  return r.status === 0 ? r.stdout.trim() : null;
}
