import { spawnSync } from "node:child_process";
import { FindingError } from "../lib/finding.ts";
import { sealCodes } from "./codes.ts";
import type { SigningKey } from "./signature.ts";

/**
 * A key that only stock OpenSSH can use: with a passphrase, of another type, in an agent (the file holds the public half) or on hardware.
 * `ssh-keygen -Y sign` asks on the terminal for what it needs. Throws FindingError SIGNING_KEY where it can't sign.
 */
export const sshKeygenKey = (file: string, publicLine: string, env: Readonly<Record<string, string | undefined>>): SigningKey => ({
  publicLine,
  sign: (message, namespace) => {
    const r = spawnSync("ssh-keygen", ["-q", "-Y", "sign", "-n", namespace, "-f", file], { input: message, encoding: "utf8", env, stdio: ["pipe", "pipe", "pipe"] });
    const m = /-----BEGIN SSH SIGNATURE-----([\s\S]+)-----END SSH SIGNATURE-----/.exec(r.stdout);
    if (r.status !== 0 || !m) throw refused(file, r);
    return (m[1] as string).replace(/\s/g, "");
  },
});
function refused(file: string, r: { readonly stderr: string | null; readonly error?: Error }): FindingError {
  const absent = (r.error as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
  const said = (r.stderr ?? "").split("\n")[0]?.trim() ?? "", asked = /passphrase/i.test(said);
  return new FindingError(sealCodes.finding("SIGNING_KEY", {
    message: absent ? "ssh-keygen isn't on PATH, and this key wants it" : asked ? `${file} has a passphrase, and nobody gave the right one` : `ssh-keygen can't sign with ${file}${said === "" ? "" : `: ${said}`}`,
    hint: absent ? "install OpenSSH, or name an ed25519 key without a passphrase" : asked ? `ssh-add ${file}, and name its public half: the agent signs; or run this on a terminal` : "STACKSEAL_SIGNING_KEY names another key",
  }), 2);
}
/** The public line of a private key's file; null where ssh-keygen can't tell. */
export function publicLineOf(file: string, env: Readonly<Record<string, string | undefined>>): string | null {
  const r = spawnSync("ssh-keygen", ["-y", "-P", "", "-f", file], { encoding: "utf8", env });
  return r.status === 0 ? r.stdout.trim() : null;
}
