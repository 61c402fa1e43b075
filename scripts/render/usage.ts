import type { OutputConfiguration } from "commander";
import { nearest } from "../../lib/nearest.ts";

/** Where usage and help go. */
export interface UsageStreams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Of a terminal; undefined in a pipe. */
  readonly columns: number | undefined;
}
/** Narrower than this, a description goes under its flag. */
const TABLE = 72;
/** Usage errors as commander says them; of a choice that there isn't, the nearest one too. On a narrow terminal commander breaks nothing: the streams do. */
export function usageOutput({ out, err, columns }: UsageStreams): OutputConfiguration {
  const width = (): number => (columns === undefined ? 80 : columns < TABLE ? 10_000 : columns);
  return {
    writeOut: out, writeErr: err, getOutHelpWidth: width, getErrHelpWidth: width,
    outputError: (text, write) => {
      const [, said, choices] = /argument '([^']*)' is invalid\. Allowed choices are (.+)\./.exec(text) ?? [];
      const near = said !== undefined && choices !== undefined ? nearest(said, choices.split(", ")) : null;
      write(near === null ? text : `${text.trimEnd()}\n(Did you mean ${near}?)\n`);
    },
  };
}
