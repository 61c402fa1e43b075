/** In characters; what is longer was made to hide something. */
const LONGEST = 1000;
/** Turns text around, breaks it, or takes room without a sign. */
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;
/** Marks piled on one letter paint over what stands above and below it. No script needs more than four. */
const PILED = /(\p{M}{4})(\p{M}+)/gu;

/** Text that anybody may have written, for a page: what hides, turns or overpaints is shown as what it is; what is very long is cut, and says so. */
export function visible(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}⟨and ${String(text.length - LONGEST)} more⟩` : text;
  return cut.replace(HIDDEN, (c) => `⟨U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`).replace(PILED, (_, kept: string, more: string) => `${kept}⟨${String(Array.from(more).length)} more marks⟩`);
}
