import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";

export interface StripeFacts {
  readonly sdk: string;
  readonly events: readonly string[];
  readonly apiVersions: readonly string[];
}
/** Event names and API versions from the installed SDK's typings: it has no run-time list. */
export function stripeFacts(): StripeFacts {
  let dir = dirname(createRequire(import.meta.url).resolve("stripe"));
  while (!existsSync(join(dir, "OPENAPI_VERSION"))) dir = dirname(dir);
  const file = join(dir, "esm/resources/WebhookEndpoints.d.ts");
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const union = (name: string): string[] => {
    const out = new Set<string>();
    const walk = (n: ts.Node): void => {
      if (ts.isTypeAliasDeclaration(n) && n.name.text === name && ts.isUnionTypeNode(n.type))
        for (const t of n.type.types) if (ts.isLiteralTypeNode(t) && ts.isStringLiteral(t.literal)) out.add(t.literal.text);
      ts.forEachChild(n, walk);
    };
    walk(source);
    return [...out].sort();
  };
  return { sdk: (JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as { version: string }).version, events: union("EnabledEvent"), apiVersions: union("ApiVersion") };
}
