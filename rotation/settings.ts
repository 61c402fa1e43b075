import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isScalar, parseDocument } from "yaml";
import { environmentFile } from "../schemas/layout.ts";
import { scalar } from "../seal/write.ts";
import type { Rotator } from "./context.ts";

/** Changes plain settings of an integration in environment.yaml, each in its place: every other byte stays. Does nothing where they are so already. */
export function changeSettings(r: Rotator, integration: string, settings: Readonly<Record<string, string>>): void {
  const file = join(r.root, environmentFile(r.declared.name));
  let text = readFileSync(file, "utf8");
  const before = text;
  for (const [name, value] of Object.entries(settings)) {
    const node = parseDocument(text).getIn(["integrations", integration, name], true);
    if (!isScalar(node) || !node.range) throw new Error(`${environmentFile(r.declared.name)} has no ${integration}.${name}`);
    if (node.value !== value) text = text.slice(0, node.range[0]) + scalar(value) + text.slice(node.range[1]);
  }
  if (text !== before) r.write(file, text, 0o644);
}
