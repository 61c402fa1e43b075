import { z } from "zod";

// Fields that several declarations share.

/** A public HTTPS address without credentials in it. Plain http is for a loopback host of `local` alone, which a rule judges. */
export const url = z.string().max(2048).superRefine((text, ctx) => {
  let u: URL;
  try {
    u = new URL(text);
  } catch {
    ctx.addIssue({ code: "custom", message: "not an absolute URL" });
    return;
  }
  if (u.username || u.password) ctx.addIssue({ code: "custom", message: "credentials don't belong into a URL" });
  if (u.protocol !== "https:" && !(u.protocol === "http:" && loopback(u.hostname))) ctx.addIssue({ code: "custom", message: "must be https" });
});
/** Whether a URL's host is no public one: an address of a private, shared, reserved or multicast range, a name without a dot or of a private zone. A name that only begins like an address (`10.acme.example`) is public. */
export function privateHost(host: string): boolean {
  const h = host.toLowerCase().replace(/\.$/, "");
  if (h.startsWith("[")) return !/^\[[23]/.test(h);
  const [a, b] = /^(\d+)\.(\d+)\.\d+\.\d+$/.exec(h)?.slice(1).map(Number) ?? [];
  if (a === undefined || b === undefined) return !h.includes(".") || /\.(?:localhost|local|internal)$/.test(h);
  return [0, 10, 127].includes(a) || a >= 224 || (a === 169 && b === 254) || (a === 172 && b >= 16 && b < 32) || (a === 192 && (b === 168 || b === 0)) || (a === 100 && b >= 64 && b < 128) || (a === 198 && (b === 18 || b === 19));
}
export const loopback = (host: string): boolean => host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host) || host.endsWith(".localhost");
/** Whether an address is one of this machine, for a key that goes there: stricter than a host, for `x.localhost` may be answered by a name server. No user, no password. */
export function onThisMachine(address: string, schemes = /^https?:$/): boolean {
  const u = URL.canParse(address) ? new URL(address) : null;
  return u !== null && schemes.test(u.protocol) && u.username === "" && u.password === "" && /^(localhost|\[::1\]|127(\.\d{1,3}){3})$/.test(u.hostname);
}
export const name = z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "lower case letters, digits and single hyphens").max(40);
export const email = z.string().max(254).regex(/^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>"]+$/, "an e-mail address");
export const host = z.string().max(253).regex(/^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/, "a host name without scheme or port");
export const oneLine = z.string().min(1).max(200).regex(/^[^\r\n]*$/, "one line");
