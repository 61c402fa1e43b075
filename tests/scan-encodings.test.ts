import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, it } from "vitest";
import { expand } from "../schemas/template.ts";

// A credential that isn't written as it is, and places beside files: found, or said to be left out.

const cli = join(resolve(import.meta.dirname, ".."), "dist/cli.js");
const home = mkdtempSync(join(tmpdir(), "encodings-"));
afterAll(() => { rmSync(home, { recursive: true, force: true }); });
const env = { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@acme.example", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@acme.example" };
const git = (dir: string, ...args: string[]): string => execFileSync("git", args, { cwd: dir, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
interface Scan { readonly findings: { code: string; at?: { file: string } }[]; readonly matches: { file: string; rule: string; line: number; encoding?: string }[]; readonly leftOut: { file: string; code: string }[]; readonly text: string }
function scan(dir: string, ...args: string[]): Scan {
  const r = spawnSync(process.execPath, [cli, "-C", dir, "scan", "--json", ...args], { env, encoding: "utf8" });
  return { ...(JSON.parse(r.stdout) as Scan), text: r.stdout };
}
const folder = (files: Record<string, string | Buffer>): string => {
  const dir = mkdtempSync(join(home, "f-"));
  for (const [name, body] of Object.entries(files)) writeFileSync(join(dir, name), body);
  return dir;
};
const key = (): string => expand("sk_live_{alnum:24}");
const line = (): string => `STRIPE_SECRET_KEY=${key()}\n`;
const base64 = (text: string | Buffer): string => Buffer.from(text).toString("base64");
const pem = (): string => `-----BEGIN PRIVATE KEY-----\n${base64(expand("{alnum:400}")).replace(/.{64}/g, "$&\n")}\n`;
const utf32 = (text: string, big: boolean): Buffer => {
  const b = Buffer.alloc(text.length * 4);
  Array.from(text, (c, i) => (big ? b.writeUInt32BE(c.charCodeAt(0), i * 4) : b.writeUInt32LE(c.charCodeAt(0), i * 4)));
  return b;
};

const ENCODED: Record<string, [string, string]> = {
  "base64 in a manifest": ["base64", `data:\n  stripe: ${base64(key())}\n`],
  "the url-safe alphabet": ["base64", `x=${Buffer.from(`??>${key()}??>`).toString("base64url")}\n`],
  "base64 of a whole .env": ["base64", `data:\n  .env: ${base64(`A=1\n${line()}`)}\n`],
  "base64 twice": ["base64", base64(base64(key()))],
  "base64 in lines of 76": ["base64", base64(`# so much text before it that base64 wraps the whole into several lines\n${line()}# and after\n`).replace(/.{76}/g, "$&\n")],
  "a private key in base64": ["base64", `tls.key: ${base64(pem())}\n`],
  "gzip in base64": ["base64", `release: ${base64(gzipSync(line()))}\n`],
  "UTF-16 in base64": ["base64", `powershell -enc ${base64(Buffer.from(line(), "utf16le"))}\n`],
  "a value that only its name tells, in base64": ["base64", `data:\n  twilio: x\n  auth: ${base64(expand("TWILIO_AUTH_TOKEN={hex:32}"))}\n`],
  hex: ["hex", `blob = 0x${Buffer.from(key()).toString("hex").toUpperCase()}\n`],
  "percent-encoding": ["percent", `GET /?k=${key().replaceAll("_", "%5F")}\n`],
  "JSON's escapes": ["escapes", `{ "a": "${key().replaceAll("_", "\\u005f")}" }\n`],
};
it.each(Object.entries(ENCODED))("%s is found where it stands, once, and never printed", (_name, [encoding, text]) => {
  const s = scan(folder({ "a.txt": text }));
  expect(s.matches.map((m) => m.encoding)).toEqual([encoding]);
  expect(s.text).not.toMatch(/sk_live_\w/);
});
it("hashes, pictures, certificates and text of no value in base64 raise no alarm", () => {
  const plain = "the quick brown fox jumps over the lazy dog and nothing of it is hidden";
  expect(scan(folder({ "a.txt": [base64(plain), `integrity: sha512-${base64(Buffer.from(expand("{hex:128}"), "hex"))}`, Buffer.from(plain).toString("hex"), "3132333435363738393031323334353637383930313233343536373839303132", encodeURIComponent(plain), "\"\\u003ca href=1\\u003e and more words than that\\u0026\""].join("\n") })).matches).toEqual([]);
});
it.each([["little", false], ["big", true]] as const)("UTF-32 and UTF-16, %s-endian, with a mark and without", (_name, big) => {
  const sixteen = (text: string): Buffer => (big ? Buffer.from(text, "utf16le").swap16() : Buffer.from(text, "utf16le"));
  const s = scan(folder({ "a32.env": utf32(`\ufeff\n${line()}`, big), "b32.env": utf32(`\n${line()}`, big), "c16.env": sixteen(`\ufeff\n${line()}`), "d16.env": sixteen(`\n${line()}`) }));
  expect(s.matches.map((m) => [m.file, m.line])).toEqual([["a32.env", 2], ["b32.env", 2], ["c16.env", 2], ["d16.env", 2]]);
  expect(s.leftOut).toEqual([]);
});
it("a bracket of sops that nobody closed covers nothing, nor does one around something else", () => {
  const s = scan(folder({ "open.yaml": `a: ENC[AES256_GCM,data:abc\nb: ${key()}\n`, "fake.yaml": `a: ENC[AES256_GCM,data:${key()}]\n`, "notes.md": `A value looks like \`ENC[AES256_GCM,\`.\n\n${line()}` }));
  expect(s.matches.map((m) => m.file)).toEqual(["fake.yaml", "notes.md", "open.yaml"]);
});
it("an allowance before the value takes no reason from the value or from the code around it", () => {
  const s = scan(folder({ "a.ts": `/* stackseal:allow */ const k = "${key()}";\n`, "b.env": `URL=stackseal:allow-this K=${key()}\n`, "c.ts": `/* stackseal:allow printed in the public guide */ const k = "${key()}";\n`, "d.env": `K=${key()} # stackseal:allow printed in the public guide\n` }));
  expect(s.findings.map((f) => `${f.at?.file ?? ""} ${f.code}`).sort()).toEqual(["a.ts SCAN_ALLOW_NO_REASON", "a.ts SCAN_CREDENTIAL", "b.env SCAN_CREDENTIAL"]);
});
it("where a link leads, a tag's message: scanned, never printed; LFS and submodules: said", () => {
  const dir = mkdtempSync(join(home, "g-"));
  git(dir, "init", "-q", "-b", "main");
  symlinkSync(key(), join(dir, "link"));
  writeFileSync(join(dir, "big.bin"), `version https://git-lfs.github.com/spec/v1\noid sha256:${expand("{hex:64}")}\nsize 12345\n`);
  mkdirSync(join(dir, "inner"));
  git(join(dir, "inner"), "init", "-q");
  writeFileSync(join(dir, "inner/x"), "x");
  git(join(dir, "inner"), "add", ".");
  git(join(dir, "inner"), "commit", "-qm", "x");
  git(dir, "add", ".");
  const left = ["SCAN_LFS_LEFT_OUT big.bin", "SCAN_SUBMODULE_LEFT_OUT inner"];
  const [tree, staged] = [scan(dir), scan(dir, "--staged")];
  git(dir, "commit", "-qm", "all");
  git(dir, "tag", "-a", "v1", "-m", `Released with ${key()}`);
  git(dir, "tag", "light");
  const history = scan(dir, "--history");
  for (const s of [tree, staged, history]) {
    expect(s.text).not.toMatch(/sk_live_\w/);
    expect(s.matches.map((m) => m.file)).toContain("link");
  }
  expect(tree.leftOut.map((l) => `${l.code} ${l.file}`).sort()).toEqual([...left.slice(0, 1), "SCAN_LINK_LEFT_OUT link", ...left.slice(1)]);
  expect(staged.leftOut.map((l) => `${l.code} ${l.file}`).sort()).toEqual(left);
  expect(history.leftOut.map((l) => l.code)).toEqual(["SCAN_LFS_LEFT_OUT"]);
  expect(history.matches.map((m) => m.file).sort()).toEqual(["(message of the tag v1)", "link"]);
}, 60_000);
it("generated passwords with signs of every sort are found behind their names, in quotes and bare; code in their place isn't", () => {
  const SIGNS = "!\"#$%&'()*+,-./:;<=>?@[]^_{|}~";
  const password = (i: number): string => `${SIGNS[i % SIGNS.length] ?? ""}${expand("{alnum:5}")}${SIGNS[(i * 7) % SIGNS.length] ?? ""}${expand("{alnum:4}")}${SIGNS[(i * 11 + 3) % SIGNS.length] ?? ""}aB3`;
  const forms: readonly ((v: string) => string)[] = [(v) => `MAIL_PASSWORD=${JSON.stringify(v)}\n`, (v) => `mail.password=${v}\n`, (v) => JSON.stringify({ mailPassword: v }, null, 1), (v) => `mail:\n  password: '${v.replaceAll("'", "''")}'\n`, (v) => `const smtp = { pass: ${JSON.stringify(v)} };\n`];
  const dir = folder(Object.fromEntries(forms.flatMap((f, k) => Array.from({ length: 90 }, (_, i) => [`${k}-${i}.txt`, f(password(i))] as const))));
  const found = new Set(scan(dir).matches.map((m) => m.file));
  // A few look like a template's variable or a call: most of each form are wanted, and all but none were found without the rules.
  expect(forms.map((_, k) => Array.from({ length: 90 }, (_x, i) => found.has(`${k}-${i}.txt`)).filter(Boolean).length).filter((n) => n < 60)).toEqual([]);
  const code = ["const password = config.get('Mail1.password');", "password: z.string().min(8).regex(/[A-Z]/),", "PASSWORD=${SMTP_PASSWORD_2}", "password: \"SG.{url64:22}.{Url64:43}\"", "password = f\"{prefix}_{User2}\"", "PASSWORD=$(cat /run/secrets/Mail1)", "password: \"{{ .Values.mail2.Password }}\"", "pass: process.env.MAIL_PASSWORD1!,", "password: \"^(?=.*[A-Z])(?=.*[0-9]).{8,}$\"", "password = randomBytes(16).toString(\"Hex1\")", "password: <Your1Password>", "password: \"/run/secrets/Mail1\"", "password: !Ref MailPassword1", "if (password !== other.Password2) return;"];
  expect(scan(folder({ "code.txt": `${code.join("\n")}\n` })).matches).toEqual([]);
});
