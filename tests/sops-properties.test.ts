import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as vectors from "cctv-age";
import fc from "fast-check";
import { Decrypter } from "age-encryption";
import { stringify } from "yaml";
import { beforeAll, describe, expect, it } from "vitest";
import { ageOpenAny, newIdentity, recipientOf } from "../seal/age.ts";
import { quickOpen } from "../seal/age-quick.ts";
import { parseClear } from "../seal/clear.ts";
import { floatText } from "../seal/foreign/go-scalar.ts";
import { formatOf, openForeign } from "../seal/foreign/open.ts";
import { openSealed } from "../seal/open.ts";
import { newSealedKey, renderSealed, sealBare } from "../seal/write.ts";
import { sops } from "./sealed-project.ts";

const dir = mkdtempSync(join(tmpdir(), "properties-"));
let identity: string, recipient: string;
beforeAll(async () => {
  identity = await newIdentity();
  recipient = await recipientOf(identity);
});
const run = (...args: string[]): string => execFileSync("sops", ["--config", "/dev/null", ...args], { encoding: "utf8", stdio: "pipe", env: { PATH: process.env["PATH"], HOME: dir, SOPS_AGE_KEY: identity } });

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
const key = fc.stringMatching(/^[a-zA-Zé][a-zA-Z0-9_ .:-]{0,8}[a-z]$/).filter((k) => k !== "sops" && !/^(?:true|null|false|yes|no|on|off|inf|nan)$/i.test(k));
const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 20 }), fc.constantFrom("", " ", "true", "null", "0777", "1_000", "2026-11-24", "a: b", "# no comment", "line\nline\n", "\ttab", "ENC[x]", "~", "-", "'", '"', "\\n", "😀"));
const tree = fc.dictionary(key, fc.letrec<{ node: Json }>((tie) => ({
  node: fc.oneof({ depthSize: "small", withCrossShrink: true }, text, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)), fc.boolean(), fc.constant(null), fc.array(tie("node"), { maxLength: 3 }), fc.dictionary(key, tie("node"), { maxKeys: 3 })),
})).node, { minKeys: 1, maxKeys: 5 });
/** What our reader should say of a tree: path and the text that sops gives the value. */
function leaves(n: Json, path: string[] = []): [string, string][] {
  if (Array.isArray(n)) return n.flatMap((x, i) => leaves(x, [...path, String(i)]));
  if (typeof n === "object" && n !== null) return Object.entries(n).flatMap(([k, v]) => leaves(v, [...path, k]));
  return [[path.join("\0"), n === null ? "" : typeof n === "boolean" ? (n ? "True" : "False") : typeof n === "number" ? floatText(n) : n]];
}

describe.skipIf(!sops)("any tree", () => {
  it.each(["json", "yaml"] as const)("of supported values that sops writes as %s is read and verified by us, also after sops saved it again", async (format) => {
    const file = join(dir, `t.${format}`);
    await fc.assert(fc.asyncProperty(tree, async (t) => {
      writeFileSync(file, format === "json" ? JSON.stringify(t) : stringify(t, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "QUOTE_DOUBLE", lineWidth: 0, version: "1.2" }));
      run("encrypt", "-i", "--age", recipient, file);
      const read = async (): Promise<[string, string][]> => (await openForeign(readFileSync(file, "utf8"), formatOf(file), [identity], "f")).values.map((v) => [v.path.join("\0"), v.text]);
      expect(await read()).toEqual(leaves(t));
      run("rotate", "-i", file);
      expect(await read()).toEqual(leaves(t));
    }), { numRuns: 40 });
  });
  it("that we write is read by sops, and by us again after sops saved it", async () => {
    const file = join(dir, "ours.yaml");
    const name = fc.stringMatching(/^[a-z][a-zA-Z0-9-]{0,8}$/).filter((k) => !/^(?:sops|value|claims|null|true|false)$/.test(k));
    const entries = fc.uniqueArray(fc.tuple(name, name, text.filter((t) => t !== "")), { minLength: 1, maxLength: 6, selector: ([a, b]) => `${a}.${b}` });
    await fc.assert(fc.asyncProperty(entries, async (list) => {
      const sealedKey = await newSealedKey([recipient]);
      const made = list.map(([a, b, value]) => ({ path: `${a}.${b}`, value, leaf: sealBare(sealedKey, `${a}.${b}`, value) }));
      writeFileSync(file, renderSealed(made, sealedKey, new Date()));
      const plain = JSON.parse(run("decrypt", "--output-type", "json", file)) as Record<string, Record<string, string>>;
      for (const [a, b, value] of list) expect(plain[a]![b]).toBe(value);
      run("rotate", "-i", file);
      const back = (await openSealed(parseClear(readFileSync(file, "utf8"), "f").sealed!, [identity])).values;
      expect(new Map(back)).toEqual(new Map(list.map(([a, b, value]) => [`${a}.${b}`, value])));
    }), { numRuns: 30 });
  });
});

describe("age's own test vectors", () => {
  const all = Object.entries(vectors).map(([name, bytes]) => {
    const raw = Buffer.from(bytes);
    const end = raw.indexOf("\n\n");
    const fields = raw.subarray(0, end).toString("latin1").split("\n").map((l) => l.split(": ") as [string, string]);
    const field = (n: string): string | undefined => fields.find(([k]) => k === n)?.[1];
    return { name, body: raw.subarray(end + 2), expect: field("expect"), payload: field("payload"), identities: fields.filter(([k]) => k === "identity").map(([, v]) => v), compressed: field("compressed"), armored: field("armored") };
  });
  const ours = all.filter((v) => v.compressed === undefined && v.identities.length > 0 && v.identities.every((i) => i.startsWith("AGE-SECRET-KEY-1")));
  it("are many", () => { expect(ours.length).toBeGreaterThan(50); });
  it.each(ours.map((v) => [v.name, v] as const))("%s", async (_name, v) => {
    const { createHash } = await import("node:crypto");
    const library = async (): Promise<Uint8Array | null> => {
      const d = new Decrypter();
      for (const i of v.identities) d.addIdentity(i);
      return d.decrypt(v.body).catch(() => null);
    };
    // The quick way never opens what the kit wants refused, and where it opens, it says what the kit says.
    if (v.armored === undefined) {
      const quick = quickOpen(v.identities[0]!, v.body);
      if (v.expect !== "success") expect(quick).toBeNull();
      else if (quick) expect(createHash("sha256").update(quick).digest("hex")).toBe(v.payload);
      const opened = await library();
      if (v.expect === "success") expect(createHash("sha256").update(opened!).digest("hex")).toBe(v.payload);
      else expect(opened).toBeNull();
    } else {
      const opened = await ageOpenAny(v.identities, [{ recipient: await recipientOf(v.identities[0]!), enc: v.body.toString("latin1") }]);
      if (v.expect === "success") expect(createHash("sha256").update(opened!).digest("hex")).toBe(v.payload);
      else expect(opened).toBeNull();
    }
  });
});
