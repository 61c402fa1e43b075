import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { beforeAll, describe, expect, it } from "vitest";
import type { FindingError } from "../lib/finding.ts";
import { newIdentity, recipientOf } from "../seal/age.ts";
import { formatOf, openForeign, type Foreign } from "../seal/foreign/open.ts";

// Files that the real sops wrote, read by us: values, types and refusals.

const sops = spawnSync("sops", ["--version", "--disable-version-check"]).status === 0;
const dir = mkdtempSync(join(tmpdir(), "foreign-"));
let identity: string, recipient: string, other: string, otherRecipient: string;
let n = 0;

beforeAll(async () => {
  identity = await newIdentity();
  recipient = await recipientOf(identity);
  other = await newIdentity();
  otherRecipient = await recipientOf(other);
});
const env = (keys = identity): NodeJS.ProcessEnv => ({ PATH: process.env["PATH"], HOME: dir, SOPS_AGE_KEY: keys });
/** The file that sops makes of a plain text. */
function encrypt(name: string, plain: string | Buffer, ...flags: string[]): { readonly file: string; readonly text: string } {
  const file = join(dir, `${++n}${name.startsWith(".") ? "" : "-"}${name}`);
  writeFileSync(file, plain);
  execFileSync("sops", ["--config", "/dev/null", "encrypt", "-i", ...(flags.includes("--age") || flags.includes("--shamir-secret-sharing-threshold") ? [] : ["--age", recipient]), ...flags, file], { env: env(), stdio: "pipe" });
  return { file, text: readFileSync(file, "utf8") };
}
const open = (f: { readonly file: string; readonly text: string }, keys: readonly string[] = [identity]): Promise<Foreign> => openForeign(f.text, formatOf(f.file), keys, "f");
const flat = (f: Foreign): Record<string, string> => Object.fromEntries(f.values.map((v) => [v.path.join("."), `${v.type} ${v.text}`]));
const codes = (f: { readonly file: string; readonly text: string }, keys?: readonly string[]): Promise<string[]> => open(f, keys).then(() => [], (e: unknown) => (e as FindingError).findings.map((x) => x.code));

const YAML = `# head comment
a: 1 # inline
b:
    - x
    # in a list
    - 2.50
    - {p: q}
base: &anch
    k: v
    t: 2001-12-14t21:59:43.10-05:00
    d: 2020-01-02
use:
    <<: *anch
    more: true
other: *anch
nul: null
empty: ""
none:
big: 9223372036854775807
f: 1e30
small: 1.5e-9
neg: -0.0
inf: .inf
hex: 0x1F
octal: 0777
under: 1_000
multi: |
    line1
    line2
folded: >
    one
    two
quoted: "true"
n:
    # c1
    c: 3
    # trailing in n

# foot of n
z: [1, a, null, [], {}]
l:
    - - a
      - b
é: ü "quoted" \\ # not
# end
---
second: 1
`;
describe.skipIf(!sops)("what sops writes is read", () => {
  it("YAML: every type, comments, anchors, several documents", async () => {
    const f = encrypt("a.yaml", YAML);
    expect(flat(await open(f))).toEqual({
      a: "int 1", "b.0": "str x", "b.1": "float 2.5", "b.2.p": "str q", "base.k": "str v", "base.t": "time 2001-12-14T21:59:43.1-05:00", "base.d": "time 2020-01-02T00:00:00Z",
      "use.<<.k": "str v", "use.<<.t": "time 2001-12-14T21:59:43.1-05:00", "use.<<.d": "time 2020-01-02T00:00:00Z", "use.more": "bool True", "other.k": "str v", "other.t": "time 2001-12-14T21:59:43.1-05:00", "other.d": "time 2020-01-02T00:00:00Z",
      nul: "null ", empty: "str ", none: "null ", big: "int 9223372036854775807", f: `float 1${"0".repeat(30)}`, small: "float 0.0000000015", neg: "float -0", inf: "float +Inf", hex: "int 31", octal: "int 511", under: "int 1000",
      multi: "str line1\nline2\n", folded: "str one two\n", quoted: "str true", "n.c": "int 3", "z.0": "int 1", "z.1": "str a", "z.2": "null ", "l.0.0": "str a", "l.0.1": "str b", "é": 'str ü "quoted" \\', second: "int 1",
    });
  });
  it("YAML in clear: what sops hashes for values that stay clear", async () => {
    const f = encrypt("clear.yaml", YAML.replace("-0.0", "-7.0"), "--encrypted-regex", "^more$");
    const values = flat(await open(f));
    expect(values["base.t"]).toBe("time 2001-12-14T21:59:43.1-05:00");
    expect(values["f"]).toBe(`float 1${"0".repeat(30)}`);
    expect((await open(f)).values.filter((v) => v.sealed).map((v) => v.path.join("."))).toEqual(["use.more"]);
  });
  it.each<[string, readonly string[], readonly string[]]>([
    ["the default suffix", [], ["x", "x_open", "data.token", "data.plain", "list.0", "note"]],
    ["unencrypted_suffix", ["_open"], ["x", "x_unencrypted", "data.token", "data.plain", "list.0", "note"]],
    ["encrypted_suffix", ["token"], ["data.token"]],
    ["encrypted_regex", ["^(data|stringData)$"], ["data.token", "data.plain"]],
    ["unencrypted_regex", ["(?i)^DATA$"], ["x", "x_open", "x_unencrypted", "list.0", "note"]],
    ["encrypted_comment_regex", ["seal"], ["data.plain", "list.0"]],
    ["unencrypted_comment_regex", ["seal"], ["x", "x_open", "x_unencrypted", "data.token", "note"]],
  ])("the rule %s", async (name, rule, sealed) => {
    const plain = "x: one\nx_open: two\nx_unencrypted: three\ndata:\n    token: four\n    # please seal\n    plain: five\n# seal this\nlist:\n    - six\nnote: seven # a remark\n";
    for (const more of [[], ["mac_only_encrypted: true"]]) {
      const config = join(dir, "rule.sops.yaml");
      writeFileSync(config, `creation_rules:\n    - age: ${recipient}\n${[...rule.map((r) => `${name}: ${r}`), ...more].map((l) => `      ${l}\n`).join("")}`);
      const file = join(dir, `${++n}-rule.yaml`);
      writeFileSync(file, plain);
      execFileSync("sops", ["--config", config, "encrypt", "-i", file], { env: env(), stdio: "pipe" });
      const f = { file, text: readFileSync(file, "utf8") };
      const opened = await open(f);
      expect(opened.values.filter((v) => v.sealed).map((v) => v.path.join(".")).sort()).toEqual([...sealed].sort());
      expect(opened.values.map((v) => v.text)).toEqual(["one", "two", "three", "four", "five", "six", "seven"]);
      expect(opened.metadata.macOnlyEncrypted).toBe(more.length > 0);
      expect(f.text.includes("mac_only_encrypted: true")).toBe(more.length > 0);
    }
  });
  it("JSON: order of keys, whole numbers of 64 bits, floats, nesting", async () => {
    const f = encrypt("a.json", '{"10": "ten", "9": "nine", "big": 9223372036854775807, "f": 1.50e3, "huge": 1e25, "t": true, "n": null, "deep": {"l": [1, "two", {"x": false}, []], "u_unencrypted": 3.0, "v_unencrypted": 2.5e-3}, "text": "a\\"b\\u00e9\\n", "empty": ""}');
    expect(flat(await open(f))).toEqual({ 10: "str ten", 9: "str nine", big: "int 9223372036854775807", f: "float 1500", huge: "float 10000000000000000000000000", t: "bool True", n: "null ", "deep.l.0": "int 1", "deep.l.1": "str two", "deep.l.2.x": "bool False", "deep.u_unencrypted": "int 3", "deep.v_unencrypted": "float 0.0025", text: 'str a"bé\n', empty: "str " });
  });
  it("dotenv: equals signs, hashes, escaped newlines, comments", async () => {
    const f = encrypt("a.env", "# comment\nA=1\nB=x=y#z\nC=\nD=one\\ntwo\nE_unencrypted= spaced \nF='quoted'\n");
    expect(flat(await open(f))).toEqual({ A: "str 1", B: "str x=y#z", C: "str ", D: "str one\ntwo", E_unencrypted: "str  spaced ", F: "str 'quoted'" });
  });
  it("INI: sections, quotes, comments, values in clear", async () => {
    const f = encrypt("a.ini", "; top\nroot = r\n[one]\n; about a\na = 1\nb : two words ; trailing\nc = \"q s\"\nd = `has ; and #`\n\n[two.sub]\ne_unencrypted = plain ; x\nf_unencrypted = `p;q#r`\ng = \"\"\"a\nb\"\"\"\nh_unencrypted = \"  sp \"\n");
    expect(flat(await open(f))).toEqual({ "DEFAULT.root": "str r", "one.a": "str 1", "one.b": "str two words", "one.c": "str q s", "one.d": "str has ; and #", "two.sub.e_unencrypted": "str plain", "two.sub.f_unencrypted": "str p;q#r", "two.sub.g": "str a\nb", "two.sub.h_unencrypted": "str   sp " });
  });
  it("binary: any bytes", async () => {
    const bytes = Buffer.from([0, 255, 1, 2, 128, 10, 13, 0]);
    const opened = await open(encrypt("a.bin", bytes));
    expect(opened.format).toBe("binary");
    expect(opened.values.map((v) => v.bytes.equals(bytes))).toEqual([true]);
  });
  it("several recipients: each opens; a post-quantum one too", async () => {
    const pq = await generateHybridIdentity();
    const f = encrypt("r.yaml", "a: 1\n", "--age", [recipient, otherRecipient, await identityToRecipient(pq)].join(","));
    for (const k of [identity, other, pq]) expect(flat(await open(f, [k]))).toEqual({ a: "int 1" });
    expect(await codes(f, [await newIdentity()])).toEqual(["SEAL_NOT_RECIPIENT"]);
  });
  it("Shamir key groups: two of three open, one doesn't", async () => {
    const third = await newIdentity();
    const config = join(dir, "shamir.sops.yaml");
    writeFileSync(config, `creation_rules:\n    - shamir_threshold: 2\n      key_groups:\n          - age: [${recipient}]\n          - age: [${otherRecipient}]\n          - age: [${await recipientOf(third)}]\n`);
    for (const name of ["s.yaml", "s.json", "s.env", "s.ini"]) {
      const file = join(dir, `${++n}-${name}`);
      writeFileSync(file, { yaml: "a: x\n", json: '{"a":"x"}', dotenv: "a=x\n", ini: "[s]\na = x\n", binary: "" }[formatOf(name)]);
      execFileSync("sops", ["--config", config, "encrypt", "-i", file], { env: env(), stdio: "pipe" });
      const f = { file, text: readFileSync(file, "utf8") };
      for (const pair of [[identity, other], [other, third], [third, identity], [identity, other, third]]) expect(Object.values(flat(await open(f, pair)))).toEqual(["str x"]);
      expect(await codes(f, [identity])).toEqual(["SEAL_NOT_RECIPIENT"]);
    }
  });
  it("SSH recipients are named as not supported; the file is read through age where that opens it", async () => {
    const key = join(dir, "ssh");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key]);
    const line = readFileSync(`${key}.pub`, "utf8").trim();
    const alone = encrypt("ssh.yaml", "a: 1\n", "--age", line);
    const refused = await open(alone).catch((e: unknown) => (e as FindingError).findings);
    expect(refused).toMatchObject([{ code: "SEAL_RECIPIENT_UNSUPPORTED", severity: "error" }, { code: "SEAL_NOT_RECIPIENT" }]);
    expect(JSON.stringify(refused)).toContain(line.slice(0, 40));
    const both = await open(encrypt("both.yaml", "a: 1\n", "--age", `${line},${recipient}`));
    expect(flat(both)).toEqual({ a: "int 1" });
    expect(both.findings).toMatchObject([{ code: "SEAL_RECIPIENT_UNSUPPORTED", severity: "warning" }]);
  });
  it("what it re-saves: edit, set and rotate", async () => {
    const f = encrypt("e.yaml", YAML);
    execFileSync("sops", ["set", f.file, '["n"]["c"]', "4"], { env: env(), stdio: "pipe" });
    expect(flat(await open({ ...f, text: readFileSync(f.file, "utf8") }))["n.c"]).toBe("float 4");
    execFileSync("sops", ["rotate", "-i", f.file], { env: env(), stdio: "pipe" });
    expect(flat(await open({ ...f, text: readFileSync(f.file, "utf8") }))["n.c"]).toBe("float 4");
  });
});

describe.skipIf(!sops)("tampering with a foreign file is refused, as sops refuses it", () => {
  const plain = "first: alpha\nsecond: beta\nopen_unencrypted: gamma\nnest:\n    third: delta\n";
  it.each<[string, (t: string) => string, string]>([
    ["an edited clear value", (t) => t.replace("gamma", "gamme"), "SEAL_MAC_MISMATCH"],
    ["a deleted key", (t) => t.replace(/^second: .*\n/m, ""), "SEAL_MAC_MISMATCH"],
    ["an injected clear key", (t) => t.replace("open_unencrypted: gamma\n", "open_unencrypted: gamma\nmore_unencrypted: x\n"), "SEAL_MAC_MISMATCH"],
    ["an injected plain key", (t) => t.replace("open_unencrypted: gamma\n", "open_unencrypted: gamma\nmore: x\n"), "SEAL_PLAINTEXT"],
    ["swapped values", (t) => { const [a, b] = [/^first: (.*)$/m.exec(t)![1]!, /^second: (.*)$/m.exec(t)![1]!]; return t.replace(a, "@@").replace(b, a).replace("@@", b); }, "SEAL_CIPHERTEXT"],
    ["a renamed key", (t) => t.replace("second:", "zweite:"), "SEAL_CIPHERTEXT"],
    ["a value replaced by plain text", (t) => t.replace(/^first: .*$/m, "first: hello"), "SEAL_PLAINTEXT"],
    ["a removed mac", (t) => t.replace(/^ {4}mac: .*\n/m, ""), "SEAL_METADATA"],
    ["a foreign mac", (t) => t.replace(/mac: ENC\[.*\]/, `mac: ${/^first: (.*)$/m.exec(t)![1]!}`), "SEAL_MAC_MISMATCH"],
    ["a changed lastmodified", (t) => t.replace(/lastmodified: "20\d\d/, 'lastmodified: "2019'), "SEAL_MAC_MISMATCH"],
    ["a file cut off before the sops part", (t) => t.slice(0, t.indexOf("sops:")), "SEAL_METADATA"],
    ["a file cut off within it", (t) => t.slice(0, t.indexOf("lastmodified:")), "SEAL_METADATA"],
    ["a rule that was changed", (t) => t.replace("unencrypted_suffix: _unencrypted", "unencrypted_suffix: first"), "SEAL_PLAINTEXT"],
    ["two rules", (t) => t.replace("unencrypted_suffix: _unencrypted", "unencrypted_suffix: _unencrypted\n    encrypted_regex: x"), "SEAL_METADATA"],
    ["a value emptied", (t) => t.replace(/^first: .*$/m, 'first: ""'), "SEAL_MAC_MISMATCH"],
    ["mac_only_encrypted switched on", (t) => t.replace("    mac:", "    mac_only_encrypted: true\n    mac:"), "SEAL_MAC_MISMATCH"],
  ])("%s", async (_name, change, code) => {
    const f = encrypt("t.yaml", plain);
    const text = change(f.text);
    expect(text).not.toBe(f.text);
    expect(await codes({ ...f, text })).toContain(code);
    writeFileSync(f.file, text);
    expect(spawnSync("sops", ["decrypt", f.file], { env: env() }).status).not.toBe(0);
  });
  it("patterns that would take JavaScript for ever are refused by name", async () => {
    const f = encrypt("p.yaml", plain, "--encrypted-regex", "^(a+)+$");
    expect(await codes(f)).toEqual(["SEAL_UNSUPPORTED"]);
  });
  it.each(["", "{", "a: [", "sops: 1", "sops: {age: []}", "- a", "{\"a\": }", "[x", "a: &a [*a]", "x", "\u0000", "a: !!binary \u{1f600}", "? [a]\n: b"])("hostile text %j is a finding in every format", async (text) => {
    for (const format of ["yaml", "json", "dotenv", "ini", "binary"] as const)
      await expect(openForeign(text, format, [identity], "f")).rejects.toMatchObject({ name: "FindingError" });
  });
});

describe.skipIf(!sops)("secret verify", () => {
  const verify = (files: readonly string[], key = identity): { status: number | null; out: string; json: { ok: boolean; findings: { code: string }[]; files: Record<string, unknown>[] } } => {
    const r = spawnSync(process.execPath, [join(import.meta.dirname, "../dist/cli.js"), "-C", dir, "secret", "verify", "--json", ...files], { encoding: "utf8", env: { PATH: process.env["PATH"], HOME: dir, SOPS_AGE_KEY: key } });
    return { status: r.status, out: r.stdout + r.stderr, json: JSON.parse(r.stdout) as never };
  };
  it("says what it opened and what the mac doesn't cover, never a value", () => {
    const marker = "very-visible-marker";
    const files = [encrypt("v.yaml", `a: ${marker}\nb_unencrypted: 1\n`), encrypt("v.json", `{"a": "${marker}"}`), encrypt("v.env", `A=${marker}\n`)];
    const r = verify(files.map((f) => f.file));
    expect(r.status).toBe(0);
    expect(r.json.files).toMatchObject([{ format: "yaml", ours: false, verified: true, values: { sealed: 1, clear: 1 }, recipients: [recipient] }, { format: "json" }, { format: "dotenv" }]);
    expect(r.json.files[0]!["notCovered"]).toContain("comments");
    expect(r.out).not.toContain(marker);
  });
  it("fails with code and place where a file was changed, and for a file that isn't there", () => {
    const f = encrypt("w.yaml", "a: 1\nb_unencrypted: 1\n");
    writeFileSync(f.file, f.text.replace("b_unencrypted: 1", "b_unencrypted: 2"));
    expect(verify([f.file])).toMatchObject({ status: 1, json: { ok: false, findings: [{ code: "SEAL_MAC_MISMATCH" }] } });
    expect(verify([`${f.file}.none`])).toMatchObject({ status: 2, json: { findings: [{ code: "FILE_MISSING" }] } });
  });
});
