import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../lib/finding.ts";
import type { Project } from "../stacks/read.ts";
import { configurationBook, isBook } from "./render/book.ts";

/** Where `check` looks for a configuration book. */
const BOOK = "docs/configuration.md";

/** Whether a generated book that is kept in the project still says what is declared; nothing where none is kept. */
export function judgeBook(root: string, project: Project): Finding[] {
  const file = join(root, BOOK);
  const text = existsSync(file) ? readFileSync(file, "utf8") : null;
  if (text === null || !isBook(text) || text === configurationBook(project.environments)) return [];
  return [{ code: "DOCS_STALE", severity: "warning", message: `${BOOK} doesn't say what is declared now`, at: { file: BOOK, line: 1, column: 1 }, hint: `stackseal docs --out ${BOOK}` }];
}
