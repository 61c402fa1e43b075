import type { SecretSpec } from "./integration.ts";
import { integrations } from "./integrations/index.ts";
import { MAIL_RULES } from "./integrations/smtp.ts";

// How a credential is told from other text, as data. Patterns keep to what JavaScript and RE2 both read (no look-around, no
// back-reference), so that the same rules run here and in gitleaks.

export interface ScanRule {
  /** The declared kind (`stripe.secretKey`), or the tool and the key (`aws.accessKeyId`). */
  readonly id: string;
  readonly title: string;
  /** In small letters: without one of these in the text the rule can't match. None: it always runs. */
  readonly keywords: readonly string[];
  /** Group 1 is the value; multi-line. */
  readonly pattern: string;
  readonly ignoreCase?: boolean;
  /** The value counts only within so many lines of a keyword. */
  readonly near?: number;
  /** Shannon entropy of the value, in bits a character, that a placeholder doesn't reach. */
  readonly entropy: number;
  /** Says no, tried on the value. */
  readonly notValue?: readonly string[];
  /** Says no, tried on what stands before the value on its line, up to the value. */
  readonly notAfter?: readonly string[];
  /** Told by its surroundings, not by its own shape. */
  readonly likely?: boolean;
}

const LEFT = "(?:^|[^A-Za-z0-9])";
// A bare value is no part of a path, a file name, a longer word or an integrity hash.
const BARE_LEFT = "(?:^|[^A-Za-z0-9_.+/#@-])";
const BARE_RIGHT = "(?:[^A-Za-z0-9_+/=.-]|\\.(?:[^A-Za-z0-9]|$)|$)";
const QUOTES = "[\"'`]";
/** Between a name and its value: `=`, `": "`, ` => `, `(`, a cell of a table, an element's `>`. */
const SET = "[\"'`\\])*]{0,4}[ \\t]{0,8}(?::=|=>|[:=,(|>])[ \\t\"'`(*|]{0,8}";

/**
 * The same before a value that isn't code: after a bracket the value stands in quotes. A declared type, a Terraform default, `is` and
 * `to` of a sentence, a `value` beside the name, the next line of a YAML block may stand between.
 */
const GIVEN = `["'\`\\\\\\])*]{0,4}(?:${[
  "[ \\t]{0,8}(?:(?::=|=>|\\?\\?=?|\\|\\|=|[?+]=|[:=|>])[ \\t\"'`*|\\\\]{0,8}|[(,][ \\t]{0,8}[\"'`])", ",",
  "[ \\t]{0,4}:?[ \\t]{0,4}(?:&(?:'[a-z]{1,10} )?)?[Ss]tr(?:ing)?[ \\t]{0,4}=[ \\t]{0,4}[\"'`]",
  "[ \\t]{0,4}\\{\\s{1,40}(?:(?:type|description|sensitive)[ \\t]{0,8}=[^\\n]{1,80}\\s{1,40}){0,3}default[ \\t]{0,8}=[ \\t]{0,8}\"",
  // YAML's anchors and tags, a value on the next line, one that is beside its name in a flow map; CloudFormation's defaults; a property list.
  "[ \\t]{0,4}:[ \\t]{1,4}(?:&[A-Za-z0-9_-]{1,40}|!!?[A-Za-z]{1,10})[ \\t]{1,4}[\"']?",
  "[ \\t]{0,4}[:=][ \\t]{0,4}\\r?\\n[ \\t+]{1,40}[\"'`]",
  ",[ \\t]{0,4}[\"']?value[\"']?[ \\t]{0,4}:[ \\t]{0,4}[\"']?",
  ":[ \\t]{0,4}\\r?\\n[ \\t]{1,40}Type:[ \\t]{1,4}String[ \\t]{0,4}\\r?\\n(?:[ \\t]{1,40}(?:NoEcho|Description):[^\\n]{1,80}\\n){0,2}[ \\t]{1,40}Default:[ \\t]{1,4}[\"']?",
  "</key>\\s{0,40}<string>",
  "[ \\t]{1,4}(?:is|to|as)[ \\t]{1,4}[\"'`*]{0,3}",
  "[ \\t]{1,8}--body[ =][\"']?",
  "[ \\t]{0,4}\\r?\\n[ \\t+]{0,20}(?:-[ \\t])?[\"']?value[\"']?[ \\t]{0,4}[:=][ \\t]{0,4}[\"']?",
  "[ \\t]{1,8}value=[\"']",
  ":[ \\t]{0,4}[|>][+-]?[ \\t]{0,4}\\r?\\n[ \\t+]{1,40}",
].join("|")})`;
/** And after it: a quote, a space, the end, or the next entry of a flow map; not the bracket of a call. */
const GIVEN_END = "(?:[\"'`\\s&<\\\\|,}]|$)";

/** `Hash` at the end of a name in any usual case. */
const cased = (words: readonly string[]): string => words.map((w) => `[${w[0]?.toUpperCase() ?? ""}${w[0] ?? ""}]${w.slice(1)}|${w.toUpperCase()}`).join("|");
const named = (words: readonly string[]): string => `(?:${cased(words)})s?\\d{0,3}${SET}`;
const ID = `(?:(?:^|[^A-Za-z])[UuGg]?[Ii]d|[a-z0-9]Id|[A-Z0-9_]ID|[Uu]uid|UUID|[Gg]uid|GUID|[Ss]id|SID)s?${SET}`;
const HASH = named(["hash", "md5", "sha", "digest", "checksum", "sum", "crc", "etag", "integrity", "commit", "revision", "rev", "ref", "fingerprint", "thumbprint", "signature", "sig", "nonce", "salt", "tree", "blob", "parent", "version", "cache"]);
const ENTITY = named(["user", "username", "login", "account", "assistant", "phone", "number", "squad", "workflow", "call", "org", "organization", "customer", "tenant", "price", "product", "request", "trace", "span", "correlation", "inbox", "project", "event", "build"]);
const META = named(["regex", "regexp", "pattern", "policy", "rule", "format", "field", "name", "label", "hint", "placeholder", "title", "text", "message", "url", "uri", "path", "file", "type", "length", "selector", "input", "variable", "arn", "prefix", "suffix", "expiry", "expires", "endpoint", "algorithm", "strategy", "class", "kind", "source", "domain", "host", "alias", "count", "limit", "budget", "page", "next", "cursor", "public", "publishable", "example", "template", "env", "query", "sample"]);
const NOT_A_CREDENTIAL = [ID, HASH, ENTITY];

const NO_DIGIT = "^[^0-9]*$";
const NO_LETTER = "^[^A-Za-z]*$";
const NO_CAPITAL = "^[^A-Z]*$";
const NO_SMALL = "^[^a-z]*$";
// Words, as in an identifier, a path or a sentence, with at most one group of digits. Each step is told by its first characters, so
// that nothing is tried twice; of 10,000 random values of 24 letters and digits four look so, of 32 none in seven.
const SEPARATOR = "[_./+~:!?%=-]";
const CAPITALIZED = "(?:Https?|Html|Xml|Css|Sql|Tls|Ssl|Ssh|Smtp|Sso|Kms|Mfa|Rpc|Ctx|Msg|Cfg|Src|Of|To|In|Is|At|On|By|Or|If|As|No|Up|Id|My|Do|We|Js|Ts|Db|Io|Ip|Ui)|[A-Z]?(?:[AEIOUY][a-z]{2,}|[B-DF-HJ-NP-TV-XZ][b-df-hj-np-tv-xz]{0,3}[aeiouy][a-z]+)";
const WORD_RUN = `(?:${SEPARATOR}[a-z]*|[A-Z]+${SEPARATOR}[a-z]*|${CAPITALIZED})`;
const WORDS = `^[A-Z]*[a-z]*${WORD_RUN}*(?:[A-Z]*\\d{1,4}[a-z]*${WORD_RUN}*)?[A-Z]*$`;
/** Code where a password could stand: words and at most one digit. A person's password of words has more digits, or a sign. */
const CODE_WORDS = `^[A-Z]*[a-z]*(?:[_.-][a-z]*|[A-Z]+[_.-][a-z]*|${CAPITALIZED})*(?:[A-Z]*\\d[a-z]*(?:[_.-][a-z]*|[A-Z]+[_.-][a-z]*|${CAPITALIZED})*)?[A-Z]*[?!:=.]?$`;
/** Identifiers that anybody may read. */
const PUBLIC = ["^pk_(?:test|live)_", "^AC[0-9a-fA-F]{32}$", "^SK[0-9a-fA-F]{32}$", "^age1", "^(?:price|prod|cus|sub|we|evt|pi|in|acct|req|ch|seti|si|pm)_[A-Za-z0-9]+$", "^arn:", "^ssh-", "^ENC\\[", "^sha(?:1|256|384|512)-", "^[gh]\\d{1,6}:[A-Za-z0-9_-]{22}$"];
const DATE_OR_NUMBER = ["^\\d{4}-\\d\\d-\\d\\d", "^v?\\d+\\.\\d+\\.\\d+", "^[0-9.,_-]+$"];
const CODE = ["^[$%&*<{@]", "\\$\\{", "\\{\\{", "^(?:process|config|env|os|import|this|self|req|secrets|vars|github|steps|inputs)[.:]", "^[a-z0-9_.-]+(?:/[a-z0-9_.-]+)+/?$", "^\\.{0,2}/", "^[a-z][a-z0-9+.-]*://"];

/** Every literal with which a match of the pattern can begin; stops where the pattern stops being literal. */
export function literalPrefixes(pattern: RegExp): string[] {
  let rest = pattern.source.replace(/^\^/, "");
  let all = [""];
  for (;;) {
    const group = /^\((?:\?:)?((?:[\w\\./-]+)(?:\|[\w\\./-]*)*)\)(?![?*{+])/.exec(rest);
    const one = /^(?:\\([^A-Za-z0-9])|([A-Za-z0-9_:/-]))(?![?*{+])/.exec(rest);
    const step = group ?? one;
    if (!step) return all;
    const choices = group ? (group[1] as string).split("|").map((c) => c.replaceAll("\\", "")) : [(one?.[1] ?? one?.[2]) as string];
    all = all.flatMap((p) => choices.map((c) => p + c));
    rest = rest.slice(step[0].length);
  }
}
const body = (pattern: RegExp): string => pattern.source.replace(/^\^/, "").replace(/\$$/, "").replace(/\((?!\?)/g, "(?:");
/** Three characters and one that isn't a letter or digit: enough to be told anywhere. */
const distinctive = (prefix: string): boolean => prefix.length >= 3 && /[^A-Za-z0-9]/.test(prefix);

/** A kind with a shape of its own: its declared format wherever it stands. */
function shaped(id: string, title: string, pattern: RegExp): ScanRule | null {
  const prefixes = literalPrefixes(pattern);
  if (!prefixes.every(distinctive)) return null;
  return { id, title, keywords: [...new Set(prefixes.map((p) => p.toLowerCase()))], pattern: `${LEFT}(${body(pattern)})`, entropy: 2.8 };
}

/** What a kind without a shape needs to be told: the words near it, and how its value is bounded. */
interface Hints {
  readonly words: readonly string[];
  readonly value?: string;
  readonly notValue?: readonly string[];
  readonly entropy?: number;
  /** Only after a name such as `secret`. */
  readonly afterName?: boolean;
}
/** What is given as a user and a password on a command line. */
const CURL = "curl[ \\t][^\\n]{0,200}?(?:-u|--user|--proxy-user)[ =]?[\"']?[^\\s:\"']{1,100}:";
const NAME = "(?:token|secret|pass(?:word|wd|phrase)?|pwd|auth|key|value|credential|bearer)[A-Za-z0-9_]{0,24}";
const MAIL_WORDS = ["smtp", "mail"];
const HINTS: Readonly<Record<string, Hints>> = {
  "twilio.authToken": { words: ["twilio"] },
  "twilio.apiKeySecret": { words: ["twilio"], notValue: [NO_DIGIT, NO_CAPITAL, NO_SMALL], entropy: 3.5 },
  "vapi.token": { words: ["vapi"] },
  "vonage.apiSecret": { words: ["vonage", "nexmo"], value: "[A-Za-z0-9!#$%&*+./:=?@^_~-]{8,25}", notValue: [NO_DIGIT, NO_CAPITAL, NO_SMALL, ...CODE], entropy: 2.5, afterName: true },
  "pipedrive.apiToken": { words: ["pipedrive"], notValue: [NO_DIGIT] },
  "salesforce.consumerSecret": { words: ["salesforce", "sfdc"], notValue: ["^[A-Za-z./+=]*$"] },
  "smtp.password.gmail": { words: ["gmail", ...MAIL_WORDS], value: "[a-z]{16}|[a-z]{4}(?: [a-z]{4}){3}", notValue: ["[A-Z]"], entropy: 2.5, afterName: true },
  "smtp.password.ses": { words: ["amazonaws", "amazonses", "ses_", "ses.", "ses:", "aws", ...MAIL_WORDS], notValue: [NO_DIGIT, NO_SMALL], entropy: 3.8 },
  "smtp.password.mailtrap": { words: ["mailtrap"], entropy: 2 },
};
function near(id: string, title: string, pattern: RegExp, hints: Hints): ScanRule {
  const value = hints.value ?? body(pattern);
  return {
    id, title, keywords: hints.words, near: 3, ignoreCase: hints.afterName ?? pattern.flags.includes("i"), likely: true,
    pattern: hints.afterName ? `${NAME}(?:${GIVEN}|[ \\t]+${QUOTES})(${value})${GIVEN_END}` : `${BARE_LEFT}(${value})${BARE_RIGHT}`,
    entropy: hints.entropy ?? 2.8,
    notValue: [...PUBLIC, ...(hints.notValue ?? [])],
    notAfter: [...NOT_A_CREDENTIAL, ...(hints.afterName ? [META] : []), "^[ \\t]*[+]?[ \\t]*"],
  };
}

/** Kinds that a rule below tells: Mailgun's API keys, passwords that a person chose by their names, and signing secrets of both makers by one prefix. */
const GENERAL: readonly string[] = ["smtp.apiKey", "smtp.password", "smtp.password.mailgun", "smtp.password.generic", "outbound-webhooks.signingSecret"];

function declared(): ScanRule[] {
  const rule = (id: string, title: string, pattern: RegExp): ScanRule[] => {
    if (GENERAL.includes(id)) return [];
    const own = shaped(id, title, pattern);
    if (own) return [own];
    const hints = HINTS[id];
    if (!hints) throw new Error(`${id} has no shape of its own: say in HINTS which words stand near it`);
    return [near(id, title, pattern, hints)];
  };
  const kinds = integrations.flatMap((i) => Object.entries(i.secrets).flatMap(([name, s]: [string, SecretSpec]) => rule(`${i.id}.${name}`, `${i.title}: ${s.title}`, s.format.pattern)));
  const mail = Object.entries(MAIL_RULES).flatMap(([provider, r]) => rule(`smtp.password.${provider}`, `SMTP password (${provider})`, r.password.pattern));
  return [...kinds, ...mail];
}

const SECRET_WORDS = ["token", "secret", "passwd", "password", "passphrase", "pwd", "apikey", "api_key", "api-key", "access_key", "accesskey", "access-key", "auth_key", "authkey", "auth-key", "signing_key", "signingkey", "private_key", "privatekey", "encryption_key", "encryptionkey", "credential"];
const SECRET_NAME = "(?:token|secret|passw(?:or)?d|passphrase|pwd|(?:api|access|auth|signing|private|encryption)[_-]?key|credential)";
const PASSWORD_WORDS = ["passw", "passphrase", "pwd", "_pass", "pass:", "pass\"", "pass'", "pass`", "pass>", "pass=", "pass "];
const PASSWORD_NAME = "(?:passw(?:or)?d|passwd|passphrase|pwd|(?:^|[^A-Za-z])pass|_pass)[A-Za-z0-9_]{0,16}";
/** Signs of code, templates and expressions, where a generated password with signs of every sort could stand. */
const EXPRESSION = ["^\\$[({]", "^\\$[A-Za-z_][A-Za-z0-9_]*(?:$|[^A-Za-z0-9_!#%&*+?^~])", "[$#%]\\{|\\{[A-Za-z0-9_][A-Za-z0-9_.:-]*\\}|\\{\\{|\\$\\(|<%", "^<[^>]*>$", "^%[A-Za-z0-9_.]+%?$", "^[*&!@][A-Za-z_.-]+\\d*$", "\\(\\?|\\[[^\\]]?[Aa0]-|\\\\[dwsDWSbpux]|\\{\\d+,", "[A-Za-z_]\\(.*\\)", "^(?:process|config|env|os|import|this|self|req|secrets|vars|github|steps|inputs)[.:]", "^\\.{0,2}/", "^[a-z][a-z0-9+.-]*://", "[=!]==?|&&|=>", "^[A-Za-z0-9_.]+[<\\[(]"];
const TEXT_VALUE = "[^\\s\"'`<>{}()\\[\\],;|\\\\]{8,100}";

/** Keys of the tools in use, and names that say what their value is. */
const tools: readonly ScanRule[] = [
  // Stripe mints its own signing secrets: no declaration holds one, and the alphabet is wider than base64's groups of four.
  { id: "webhook.signingSecret", title: "Webhook signing secret (Stripe or Standard Webhooks)", keywords: ["whsec_"], pattern: `${LEFT}(whsec_[A-Za-z0-9+/]{24,96}={0,2})`, entropy: 2.8 },
  { id: "mailgun.apiKey", title: "Mailgun API key", keywords: [], pattern: `${BARE_LEFT}(key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})${BARE_RIGHT}`, entropy: 2.8 },
  { id: "mailtrap.apiToken", title: "Mailtrap API token", keywords: ["mailtrap"], near: 3, pattern: `${BARE_LEFT}([0-9a-f]{32})${BARE_RIGHT}`, entropy: 2.8, notAfter: NOT_A_CREDENTIAL, likely: true },
  // SES calls a key id its SMTP user name; there it is a plain setting.
  { id: "aws.accessKeyId", title: "AWS access key id", keywords: ["akia", "asia", "abia", "acca", "a3t"], pattern: `${LEFT}((?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})(?:[^A-Za-z0-9]|$)`, entropy: 2.8, notAfter: [`[Uu]ser(?:[Nn]ame)?${SET}`, `(?:USER|USERNAME)${SET}`] },
  { id: "aws.secretAccessKey", title: "AWS secret access key", keywords: ["aws", "secret_access", "secretaccess", "akia", "asia"], near: 3, pattern: `${BARE_LEFT}([A-Za-z0-9/+]{40})${BARE_RIGHT}`, entropy: 4, notValue: [WORDS, "^[A-Za-z]+$", NO_CAPITAL, NO_SMALL], notAfter: NOT_A_CREDENTIAL, likely: true },
  { id: "age.identity", title: "age identity", keywords: ["age-secret-key-"], pattern: `${LEFT}(AGE-SECRET-KEY-(?:PQ-)?1[AC-HJ-NP-Z02-9]{50,70})`, entropy: 3 },
  { id: "pulumi.accessToken", title: "Pulumi access token", keywords: ["pul-"], pattern: `${LEFT}(pul-[a-f0-9]{40})(?:[^A-Za-z0-9]|$)`, entropy: 2.8 },
  { id: "github.token", title: "GitHub token", keywords: ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"], pattern: `${LEFT}(gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})`, entropy: 3 },
  { id: "gitlab.token", title: "GitLab token", keywords: ["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-", "glagent-"], pattern: `${LEFT}(gl(?:pat|dt|rt|ptt|cbt|soat|ft|agent)-[A-Za-z0-9_.-]{20,255})`, entropy: 3 },
  { id: "bitbucket.token", title: "Bitbucket or Atlassian token", keywords: ["atbb", "atatt3", "atctt3"], pattern: `${LEFT}(ATBB[A-Za-z0-9_=-]{24,64}|AT[AC]TT3[A-Za-z0-9_=-]{60,255})`, entropy: 3 },
  { id: "npm.token", title: "npm token", keywords: ["npm_"], pattern: `${LEFT}(npm_[A-Za-z0-9]{36})(?:[^A-Za-z0-9]|$)`, entropy: 3 },
  { id: "vault.token", title: "Vault token", keywords: ["hvs.", "hvb.", "hvr."], pattern: `${LEFT}(hv[sbr]\\.[A-Za-z0-9_-]{24,500})`, entropy: 3, notValue: [WORDS] },
  { id: "private-key", title: "Private key", keywords: ["private key", "putty-user-key-file"], pattern: `(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[\\s"'\`+,|>#*]|\\\\+[nr]){1,40}(?:(?:Proc-Type|DEK-Info|Version|Comment)[^\\n\\\\]{0,100}(?:[\\s"'\`+,|>#*]|\\\\+[nr]){1,40}){0,4}[A-Za-z0-9+/]{40}|PuTTY-User-Key-File-[23]: [a-z0-9-]+)`, entropy: 0 },
  { id: "url.password", title: "Password in a URL", keywords: ["://"], ignoreCase: true, likely: true, pattern: `[a-z][a-z0-9+.-]{1,20}://[^\\s:/@"'\`<>]{0,100}:([^\\s/@:"'\`<>]{4,128})@[a-z0-9_.\\[$%{-]`, entropy: 1.8, notValue: [...CODE.slice(0, 3), "^(?:postgres|root|guest|admin|user|test|minio|mysql|redis|token|pass|pwd|key)$", "[()\\[\\]{}|^]"] },
  { id: "curl.password", title: "Password of curl", keywords: ["curl"], likely: true, pattern: `${CURL}([^\\s:"'\`<>]{8,200})(?:[\\s"'\`]|$)`, entropy: 2.2, notValue: [CODE_WORDS, NO_LETTER, ...PUBLIC, ...DATE_OR_NUMBER, ...CODE] },
  { id: "bearer.token", title: "Bearer token", keywords: ["bearer", "basic "], ignoreCase: true, likely: true, pattern: `(?:bearer|authorization["'\`]?[ \\t]{0,4}[:=,][ \\t"'\`]{0,4}basic)[ \\t]+["'\`]?([A-Za-z0-9_+/~.-]{14,400}={0,2})`, entropy: 3, notValue: [WORDS, ...PUBLIC, ...CODE] },
  { id: "named.secret", title: "Value of a name that says secret", keywords: SECRET_WORDS, ignoreCase: true, likely: true, pattern: `${SECRET_NAME}[A-Za-z0-9_]{0,24}(?:${GIVEN}|[ \\t]+${QUOTES})([A-Za-z0-9_+/~.-]{14,400}={0,2})${GIVEN_END}`, entropy: 3, notValue: [WORDS, ...PUBLIC, ...DATE_OR_NUMBER, ...CODE], notAfter: [...NOT_A_CREDENTIAL, META, "arn:[a-z-]+:[^\\s\"']*"] },
  // KEY= in capitals is a variable; `key:` in code is the key of a map or a cache.
  { id: "named.key", title: "Value of a variable that says key", keywords: ["key=", "key =", "key\"", "token=", "secret=", "auth=", "auth =", "auth\""], likely: true, pattern: `(?:^|[^A-Za-z0-9_])(?:[A-Z0-9_]{1,40}_)?(?:KEY|AUTH|CREDS|CREDENTIALS)[A-Z0-9_]{0,12}["'\`]?[ \\t]{0,4}[:=][ \\t"'\`]{0,4}([A-Za-z0-9_+/~.-]{20,400}={0,2})${GIVEN_END}`, entropy: 3, notValue: [WORDS, ...PUBLIC, ...DATE_OR_NUMBER, ...CODE], notAfter: [...NOT_A_CREDENTIAL, META, `(?:PUBLIC|PUBLISHABLE|CACHE|IDEMPOTENCY|PRIMARY|FOREIGN|SORT|PARTITION|OBJECT|BUCKET|KMS)_?KEY[A-Z0-9_]*${SET}`] },
  { id: "named.password", title: "Password", keywords: PASSWORD_WORDS, ignoreCase: true, likely: true, pattern: `${PASSWORD_NAME}${GIVEN}(${TEXT_VALUE})${GIVEN_END}`, entropy: 2.2, notValue: [CODE_WORDS, "^[a-z]+$", NO_LETTER, ...PUBLIC, ...DATE_OR_NUMBER, ...CODE, "^\\W", "[=!]==?|&&|=>"], notAfter: [...NOT_A_CREDENTIAL, META] },
  // As generators make them, with brackets, quotes and commas: in quotes, or alone to the end of a line.
  { id: "quoted.password", title: "Password in quotes", keywords: PASSWORD_WORDS, ignoreCase: true, likely: true, pattern: `${PASSWORD_NAME}${GIVEN}["'\`]((?:[^\\s"\\\\]|\\\\.){8,100}?)["'\`](?:[\\s,;)}\\]<]|$)`, entropy: 2.8, notValue: [NO_DIGIT, NO_CAPITAL, NO_SMALL, CODE_WORDS, WORDS, ...PUBLIC, ...DATE_OR_NUMBER, ...EXPRESSION], notAfter: [...NOT_A_CREDENTIAL, META] },
  { id: "bare.password", title: "Password to the end of a line", keywords: PASSWORD_WORDS, ignoreCase: true, likely: true, pattern: `^[ \\t+-]{0,12}(?:(?:export|set)[ \\t]+)?["']?(?:[A-Za-z0-9_.-]{0,40}[_.-])?(?:[a-z]{0,20}passw(?:or)?d|passphrase|pwd|pass)[A-Za-z0-9_]{0,16}["']?[ \\t]{0,4}[=:][ \\t]{0,4}([^\\s"'\`]\\S{7,99})[ \\t]{0,4}\\r?$`, entropy: 2.8, notValue: [NO_DIGIT, NO_CAPITAL, NO_SMALL, CODE_WORDS, WORDS, ...PUBLIC, ...DATE_OR_NUMBER, ...EXPRESSION, "[;,{(]$"], notAfter: [META] },
  // Words that make a sentence are no passphrase.
  { id: "phrase.password", title: "Passphrase of a variable", keywords: ["pass", "pwd"], likely: true, pattern: "(?:^|[^A-Za-z0-9_])(?:[A-Z0-9]{1,40}_){0,6}(?:PASSWORD|PASSWD|PASSPHRASE|PWD|PASS)[\"']?[ \\t]{0,4}(?:=>|[:=])[ \\t]{0,4}[\"']([^\"'\\\\\\n]{10,100})[\"'](?:[\\s,;)}]|$)", entropy: 2.8, notValue: ["^\\S*$", NO_DIGIT, "(?i)(?:^|[^a-z])(?:must|should|need|passw[a-z]*|characters?|please|enter|choose|use|invalid|wrong|least|your|is|are|not|and|or|the|digits?)(?:[^a-z]|$)", ...EXPRESSION], notAfter: [META] },
  // Names and values with nothing but a space between: a container's variables, a shell's set.
  { id: "line.password", title: "Password of a variable", keywords: SECRET_WORDS.concat("pass"), ignoreCase: true, likely: true, pattern: `^[ \\t+]{0,8}(?:[$] )?(?:ENV|ARG|setx?(?:[ \\t]+-[a-z]{1,3})?|setenv|fastcgi_param|pulumi[ \\t]+config[ \\t]+set(?:[ \\t]+--secret)?)[ \\t]+[a-z0-9_]{0,40}(?:${SECRET_NAME.slice(3, -1)}|pass)[a-z0-9_]{0,16}[ \\t]+["']?(${TEXT_VALUE})(?:["'\\s]|$)`, entropy: 2.2, notValue: [CODE_WORDS, NO_LETTER, ...PUBLIC, ...DATE_OR_NUMBER, ...CODE] },
  { id: "flag.password", title: "Password on a command line", keywords: ["--"], ignoreCase: true, likely: true, pattern: `[ \\t"'\`]--[a-z0-9-]{0,30}(?:password|passwd|token|secret|api-?key)(?:-(?:string|value|text))?[= \\t]{1,3}["'\`]?([A-Za-z0-9!#%&*+./:=?@^_~-]{8,200})(?:[\\s"'\`\\\\]|$)`, entropy: 2.5, notValue: [WORDS, NO_DIGIT, NO_LETTER, ...PUBLIC, ...DATE_OR_NUMBER, ...CODE, "^-"] },
];

/** Values that stand for a value: words of documentation, one character again and again, counting up. */
export const PLACEHOLDERS: readonly string[] = [
  "(?i)example|placeholder|change_?me|replace_?me|redacted|your[_-]|yourkey|dummy|not_?a_?real|insert_?here|fill_?me|(?:^|[^a-z0-9])todo(?:[^a-z0-9]|$)|sample_|_sample|x{6}|\\*{4}|\\.{4}",
  Array.from("0123456789abcdefABCDEF").map((c) => `${c}{8}`).join("|"),
  "(?i)0123456789|12345678|abcdefgh|qwertyui|deadbeefdeadbeef|cafebabecafebabe",
  "(?i)^(?:password|passwort|secret|passw0rd)$|mypassword|yourpassword|testpassword",
];

/** SHA-256 of sample values that providers print in their documentation, so that they don't stand here themselves. */
export const DOCUMENTED: readonly string[] = [
  "2cafc0970149a84f3b9e62eaf169f36f59907a3b3e31f7b82e68c69cd27f7326",
  "f2d6ca16515033e5dce14eba840b979d27b5cbae24bb3e5bf484339667f86397",
  "7e8de44ea9ecf6d53415c90f5b249a8591f7abafbf7d65a2c0d855afeca3ec09",
  "96ad2ccd81462a766178ae09a71df55f548a3f66da11606f9cdf40b391e22dd0",
  "2dd745ff991276aed56826de4e41d9d81b006c671a1491c08e9fc74e9362d95a",
  // Marks in Pulumi's own wire format: of a value that isn't known yet, and of a secret.
  "30ad0c82ec8d05e98fefcc9f4e0d030308d2820123015da91bc8722111b0c034",
  "5e56393271db3db7608d079d31ccf8640e0ed44cba3d1c1967bbca1871735a8d",
];

/** Every rule: shapes first, so that a value is called by its own kind rather than by its surroundings. */
export const scanRules: readonly ScanRule[] = ((all: readonly ScanRule[]) => [...all.filter((r) => !r.likely), ...all.filter((r) => r.likely)])([...declared(), ...tools]);
