const X25519 = /^age1[02-9ac-hj-np-z]{58}$/;
const HYBRID = /^age1pq1[02-9ac-hj-np-z]+$/;
/** Which kind a recipient is of, in words; null where it is one that is used here. */
export function unsupportedKind(recipient: string): string | null {
  if (X25519.test(recipient) || HYBRID.test(recipient)) return null;
  if (/^(?:ssh-|ecdsa-|sk-)/.test(recipient)) return "an SSH key";
  const plugin = /^age1([a-z0-9]+)1[02-9ac-hj-np-z]+$/.exec(recipient);
  return plugin ? `a recipient of the age plugin ${plugin[1] ?? ""}` : "of an unknown kind";
}
