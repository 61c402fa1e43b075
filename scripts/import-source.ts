import { readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { documentCodes } from "../lib/codes.ts";
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

/** Whether there is a value at all: `NAME=` and Laravel's `NAME=null` hold none. */
export const holds = (value: string): boolean => value !== "" && value !== "null";
const REFERENCE = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))$/;

/**
 * Reads a plain file. A .env value that is nothing but a reference to another name of the file is that name's value; any other interpolation is a
 * finding of its own: what it means depends on who reads it.
 */
export function readPlain(file: string, text: string, source: "dotenv" | "json" | "yaml"): Items {
  if (source === "dotenv") {
    const parsed = parseDotenv(text, file), { entries } = parsed, findings: Finding[] = [...parsed.findings];
    const plain = new Map(entries.filter((e) => !e.interpolated).map((e) => [e.name, e.value]));
    const items: Item[] = [];
    for (const e of entries) {
      const at = { file, line: e.line, column: e.column };
      const m = e.interpolated ? REFERENCE.exec(e.value) : null;
      const value = m ? (plain.get(m[1] ?? m[2] ?? "") ?? "") : e.value;
      items.push({ name: e.name, value, at });
      if (e.interpolated && !(m && value !== "")) findings.push({ code: "IMPORT_INTERPOLATED", severity: "warning", message: m ? `${e.name} refers to a variable that this file doesn't hold: it counts as empty` : `${e.name} refers to another variable; it is taken as it stands`, at, path: e.name });
    }
    return { items, findings };
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

/** Text of the file to import; a relative name is relative to the project. A byte order mark, as Windows writes one, is no part of it. Throws FindingError. */
export function readSource(root: string, file: string): string {
  const { text, findings } = readText(root, file, LIMIT);
  if (text !== null) return text;
  if (findings.some((f) => f.code !== "FILE_BOM")) throw new FindingError(findings, 2);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(resolve(root, file)));
  } catch {
    throw new FindingError(documentCodes.finding("FILE_NOT_UTF8", { message: "the file is not UTF-8 text", at: { file, line: 1, column: 1 }, hint: "save it as UTF-8" }), 2);
  }
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
