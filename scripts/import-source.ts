import { extname } from "node:path";
import { parseDotenv } from "../lib/dotenv.ts";
import { parseDocument, readText } from "../lib/document.ts";
import { FindingError, type Finding, type Position } from "../lib/finding.ts";

// Where `secret import` takes names and values from. Everything ends as a flat list of names, with the place of each.

export const SOURCES = ["auto", "dotenv", "json", "yaml", "sops", "aws"] as const;
export type Source = (typeof SOURCES)[number];

export interface Item {
  /** `STRIPE_SECRET`, or the dotted path in a tree. */
  readonly name: string;
  readonly value: string;
  readonly at?: Position;
}
export interface Items {
  readonly items: readonly Item[];
  readonly findings: readonly Finding[];
}
const LIMIT = 8 << 20;

/** The format that a file's name and content show. */
export function sourceOf(file: string, text: string): Exclude<Source, "auto" | "aws"> {
  const ext = extname(file).toLowerCase();
  const sops = /^\s*"?sops"?\s*:/m.test(text) || /^sops_(mac|version)=/m.test(text) || /^\[sops\]/m.test(text);
  if (sops) return "sops";
  return ext === ".json" ? "json" : ext === ".yaml" || ext === ".yml" ? "yaml" : "dotenv";
}

/** Reads a plain file. Interpolated .env values are findings of their own: what they mean depends on who reads them. */
export function readPlain(file: string, text: string, source: "dotenv" | "json" | "yaml"): Items {
  if (source === "dotenv") {
    const { entries, findings } = parseDotenv(text, file);
    return {
      items: entries.map((e) => ({ name: e.name, value: e.value, at: { file, line: e.line, column: e.column } })),
      findings: [...findings, ...entries.filter((e) => e.interpolated).map((e): Finding => ({ code: "IMPORT_INTERPOLATED", severity: "warning", message: `${e.name} refers to another variable; it is taken as it stands`, at: { file, line: e.line, column: e.column }, path: e.name }))],
    };
  }
  // JSON is read as the YAML that it is: places come with it.
  const { document, findings } = parseDocument(text, file);
  return { items: document ? flatten(document.value, (path) => document.locate(path)) : [], findings };
}

/** Text, numbers and booleans of a tree by their dotted paths; lists and empty values carry no credential. */
export function flatten(value: unknown, locate?: (path: readonly string[]) => Position): Item[] {
  const out: Item[] = [];
  const walk = (v: unknown, path: readonly string[]): void => {
    if (typeof v === "object" && v !== null) {
      if (!Array.isArray(v)) for (const [k, x] of Object.entries(v)) walk(x, [...path, k]);
    } else if (typeof v === "string" || typeof v === "number" || typeof v === "boolean") out.push({ name: path.join("."), value: String(v), ...(locate && { at: locate(path) }) });
  };
  walk(value, []);
  return out;
}

/** Text of the file to import; a relative name is relative to the project. Throws FindingError. */
export function readSource(root: string, file: string): string {
  const { text, findings } = readText(root, file, LIMIT);
  if (text === null) throw new FindingError(findings, 2);
  return text;
}

/** Secrets Manager's current values, read with the caller's own AWS credentials. Throws FindingError AWS_SOURCE. */
export async function readAws(secretIds: readonly string[], options: { readonly region?: string; readonly endpoint?: string; readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } }): Promise<Items> {
  const { SecretsManagerClient, GetSecretValueCommand } = await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManagerClient({ ...(options.region !== undefined && { region: options.region }), ...(options.endpoint !== undefined && { endpoint: options.endpoint }), ...(options.credentials && { credentials: options.credentials }), maxAttempts: 3 });
  try {
    const each = await Promise.all(secretIds.map(async (id): Promise<Item[]> => {
      const text = (await client.send(new GetSecretValueCommand({ SecretId: id }))).SecretString;
      if (text === undefined) return [];
      try {
        const tree: unknown = JSON.parse(text);
        if (typeof tree === "object" && tree !== null) return flatten(tree);
      } catch {
        // A bare value: its secret's name says what it is.
      }
      return [{ name: id.split("/").at(-1) ?? id, value: text }];
    }));
    return { items: each.flat(), findings: [] };
  } catch (e) {
    const name = e instanceof Error ? e.name : "unknown";
    throw new FindingError({ code: "AWS_SOURCE", severity: "error", message: `Secrets Manager refused: ${name}`, hint: name === "ResourceNotFoundException" ? "aws secretsmanager list-secrets shows the names" : "check the region and that your AWS credentials may read these secrets" }, name === "ResourceNotFoundException" || /AccessDenied|UnrecognizedClient|ExpiredToken|InvalidClientTokenId/.test(name) ? 1 : 3);
  } finally {
    client.destroy();
  }
}
