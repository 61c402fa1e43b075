import { describe } from "../../policies/kit/exceptions.ts";
import type { Exception } from "../../schemas/exceptions.ts";
import { printable } from "./paint.ts";

/** The exceptions in force, a line each; nothing where there are none. */
export const renderExceptions = (all: readonly Exception[]): string => (all.length ? `\nExceptions in force:\n${all.map((e) => `  ${printable(describe(e))}\n`).join("")}` : "");
