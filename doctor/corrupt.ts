/**
 * A copy of the same shape that no provider knows: three characters near the end are changed within their kind (digit, hexadecimal letter,
 * small letter, capital), so that prefix, length and alphabet stay. Null where fewer than three characters can be changed.
 */
export function corrupt(value: string): string | null {
  const chars = Array.from(value);
  let changed = 0;
  // The last two stay: in base64 their spare bits may mean nothing.
  for (let i = chars.length - 3; i >= Math.floor(chars.length / 2) && changed < 3; i--) {
    const other = twin(chars[i] as string);
    if (other === null) continue;
    chars[i] = other;
    changed++;
  }
  return changed === 3 ? chars.join("") : null;
}
const SETS = ["0123456789", "abcdef", "ABCDEF", "ghijklmnopqrstuvwxyz", "GHIJKLMNOPQRSTUVWXYZ"];
function twin(c: string): string | null {
  const set = SETS.find((s) => s.includes(c));
  return set === undefined ? null : (set[(set.indexOf(c) + 1 + (set.length >> 1)) % set.length] as string);
}
