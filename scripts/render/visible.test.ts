import { describe, expect, it } from "vitest";
import { visible } from "./visible.ts";

describe("text that anybody may have written, on a page", () => {
  it("leaves what people write in any script", () => {
    for (const t of ["Zoë Ümlaut", "שִׁבֹּ֖לֶת", "Nguyễn Thị Hậu", "ที่นี่", "नमस्ते", "山田太郎", "a\u0301\u0302\u0303\u0304", "</script><b>&amp;"]) expect(visible(t)).toBe(t);
  });
  it("shows what hides, turns or overpaints", () => {
    expect(visible("\u202elive\u200b\u3164\u{e0067}\u001b[31m\n")).toBe("⟨U+202E⟩live⟨U+200B⟩⟨U+3164⟩⟨U+E0067⟩⟨U+001B⟩[31m⟨U+000A⟩");
    expect(visible(`e${"\u0301".repeat(400)}x`)).toBe(`e${"\u0301".repeat(4)}⟨396 more marks⟩x`);
    expect(visible("W".repeat(5000))).toBe(`${"W".repeat(1000)}⟨and 4000 more⟩`);
  });
});
