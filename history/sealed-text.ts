import { parse } from "yaml";

/** One sealed value of some version of a file; what its claims don't say is "". */
export interface SealedLeaf {
  /** Dotted, without the closing `value`. */
  readonly path: string;
  readonly leaf: string;
  readonly issueId: string;
  readonly fingerprint: string;
  readonly issuedAt: string;
  readonly kind: string;
  readonly sealedBy: string;
}
export interface SealedText {
  readonly leaves: readonly SealedLeaf[];
  readonly recipients: readonly string[];
  /** A piece of each recipient's sealed data key that no other data key has. */
  readonly keys: readonly string[];
}
interface Building {
  path: string;
  leaf: string;
  issueId: string;
  fingerprint: string;
  issuedAt: string;
  kind: string;
  sealedBy: string;
}
const CLAIMS = new Set(["issueId", "fingerprint", "issuedAt", "kind", "sealedBy"]);
const ENC = "ENC[AES256_GCM,";

/**
 * What a version of a sealed file shows without a key, however it is written: block YAML by its lines (thousands of versions a second),
 * anything else by the parser, and of what no parser reads the ciphertexts and recipients all the same. Null where nothing is sealed in it.
 */
export function readSealedText(text: string): SealedText | null {
  const first = text.indexOf(ENC);
  if (first < 0 || !text.includes("sops")) return null;
  return byLines(text) ?? byParser(text) ?? byTokens(text);
}

function byLines(text: string): SealedText | null {
  const leaves: Building[] = [];
  const recipients: string[] = [];
  const keys: string[] = [];
  const columns: number[] = [];
  const names: string[] = [];
  let last: Building | null = null;
  let seen = 0;
  let sops = false;
  let armor = false;
  for (let at = 0; at < text.length; ) {
    let end = text.indexOf("\n", at);
    if (end < 0) end = text.length;
    let start = at;
    while (text.charCodeAt(start) === 32) start++;
    const column = start - at;
    at = end + 1;
    if (start >= end) continue;
    if (column === 0) sops = text.startsWith("sops:", start);
    if (sops) {
      if (armor) {
        keys.push(text.slice(start, end));
        armor = false;
      } else if (text.startsWith("-----BEGIN AGE", start)) armor = true;
      else {
        const r = text.indexOf("recipient:", start);
        if (r >= 0 && r < end) recipients.push(unquote(text.slice(r + 10, end)));
        else if (text.startsWith("mac: ENC", start)) seen++;
      }
      continue;
    }
    const c = text.charCodeAt(start);
    if (c === 35) {
      if (text.slice(start, end).includes(ENC)) seen++; // an encrypted comment
      continue;
    }
    const colon = text.indexOf(":", start);
    if (colon < 0 || colon >= end || c === 45 || c === 123 || c === 91) return null;
    const name = unquote(text.slice(start, colon));
    while (columns.length && (columns[columns.length - 1] as number) >= column) {
      columns.pop();
      names.pop();
    }
    if (colon + 1 === end) {
      columns.push(column);
      names.push(name);
      continue;
    }
    const parent = names[names.length - 1];
    if (text.startsWith(ENC, colon + 2)) {
      seen++;
      last = { path: (name === "value" ? names : [...names, name]).join("."), leaf: text.slice(colon + 2, end), issueId: "", fingerprint: "", issuedAt: "", kind: "", sealedBy: "" };
      leaves.push(last);
    } else if (parent === "claims" && CLAIMS.has(name)) {
      const owner = names.slice(0, -1).join(".");
      const target = last?.path === owner ? last : leaves.find((l) => l.path === owner);
      if (!target) return null;
      target[name as "issueId"] = unquote(text.slice(colon + 1, end));
    }
  }
  let all = 0;
  for (let i = text.indexOf(ENC); i >= 0; i = text.indexOf(ENC, i + 1)) all++;
  return all === seen && recipients.length > 0 ? { leaves, recipients, keys } : null;
}
function unquote(raw: string): string {
  const t = raw.trim();
  return (t.startsWith("\"") && t.endsWith("\"")) || (t.startsWith("'") && t.endsWith("'")) ? t.slice(1, -1) : t;
}

function byParser(text: string): SealedText | null {
  let value: unknown;
  try {
    value = parse(text, { logLevel: "silent", maxAliasCount: 100 });
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { sops, ...tree } = value as Record<string, unknown>;
  const leaves: SealedLeaf[] = [];
  const walk = (node: unknown, path: readonly string[], claims: Record<string, unknown>): void => {
    if (typeof node === "string" && node.startsWith(ENC)) {
      const say = (k: string): string => (typeof claims[k] === "string" ? claims[k] : "");
      leaves.push({ path: (path.at(-1) === "value" ? path.slice(0, -1) : path).join("."), leaf: node, issueId: say("issueId"), fingerprint: say("fingerprint"), issuedAt: say("issuedAt"), kind: say("kind"), sealedBy: say("sealedBy") });
    } else if (Array.isArray(node)) for (const n of node) walk(n, path, {});
    else if (typeof node === "object" && node !== null) {
      const beside = (node as Record<string, unknown>)["claims"];
      const own = typeof beside === "object" && beside !== null ? (beside as Record<string, unknown>) : {};
      for (const [k, v] of Object.entries(node)) walk(v, [...path, k], k === "value" ? own : {});
    }
  };
  walk(tree, [], {});
  const meta = JSON.stringify(sops ?? null);
  return { leaves, ...recipientsAndKeys(meta.replaceAll("\\n", "\n")) };
}
function byTokens(text: string): SealedText {
  const leaves = [...text.matchAll(/ENC\[AES256_GCM,[^\]]*\]/g)].map((m) => ({ path: "?", leaf: m[0], issueId: "", fingerprint: "", issuedAt: "", kind: "", sealedBy: "" }));
  return { leaves, ...recipientsAndKeys(text) };
}
const recipientsAndKeys = (text: string): Pick<SealedText, "recipients" | "keys"> => ({
  recipients: [...new Set([...text.matchAll(/\bage1[02-9ac-hj-np-z]{58}\b/g)].map((m) => m[0]))],
  keys: [...text.matchAll(/-----BEGIN AGE ENCRYPTED FILE-----\s+(\S+)/g)].map((m) => m[1] as string),
});
