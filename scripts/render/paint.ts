/** Wraps text in ANSI colours, or in nothing. */
export interface Painter {
  readonly red: (t: string) => string;
  readonly green: (t: string) => string;
  readonly yellow: (t: string) => string;
  readonly blue: (t: string) => string;
  readonly magenta: (t: string) => string;
  readonly cyan: (t: string) => string;
  readonly dim: (t: string) => string;
  readonly bold: (t: string) => string;
}
const wrap = (on: boolean, open: number, close: number) => (t: string): string => (on ? `\u001b[${String(open)}m${t}\u001b[${String(close)}m` : t);

export const painter = (on: boolean): Painter => ({
  red: wrap(on, 31, 39), green: wrap(on, 32, 39), yellow: wrap(on, 33, 39), blue: wrap(on, 34, 39),
  magenta: wrap(on, 35, 39), cyan: wrap(on, 36, 39), dim: wrap(on, 2, 22), bold: wrap(on, 1, 22),
});

// Names and messages come from files that anybody may have written: control characters must not reach a terminal.
 
export const printable = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
