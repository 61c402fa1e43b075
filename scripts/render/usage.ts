import type { OutputConfiguration } from "commander";
import { nearest } from "../../lib/nearest.ts";

/** Usage errors as commander says them; of a choice that there isn't, the nearest one too. */
export const usageOutput = (writeErr: (text: string) => void): OutputConfiguration => ({
  writeErr,
  outputError: (text, write) => {
    const [, said, choices] = /argument '([^']*)' is invalid\. Allowed choices are (.+)\./.exec(text) ?? [];
    const near = said !== undefined && choices !== undefined ? nearest(said, choices.split(", ")) : null;
    write(near === null ? text : `${text.trimEnd()}\n(Did you mean ${near}?)\n`);
  },
});
