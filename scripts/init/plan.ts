import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import type { z } from "zod";
import { readDocument } from "../../lib/document.ts";
import { FindingError } from "../../lib/finding.ts";
import { Git } from "../../lib/git.ts";
import { HOSTS, initSchema, type Host, type InitConfig, type InitEnvironment } from "../../schemas/init.ts";
import { ENVIRONMENT_NAME, PEOPLE_FILE } from "../../schemas/layout.ts";
import { parseWith } from "../../schemas/parse.ts";
import type { Context } from "../command.ts";
import { initCodes } from "./codes.ts";

/** What init is going to make: options and the config file, with every default in place. */
export interface Plan {
  readonly root: string;
  readonly project: string;
  readonly person: string;
  readonly handle: string | undefined;
  /** A file that was named; undefined: STACKSEAL_SIGNING_KEY, git's key, ~/.ssh/id_ed25519 or a new one. */
  readonly signingKey: string | undefined;
  readonly identity: string;
  /** Where identities that nobody has yet are written, outside the repository. */
  readonly keys: string;
  readonly environments: Readonly<Record<string, InitEnvironment>>;
  readonly hosts: readonly Host[];
  readonly imports: readonly { readonly file: string; readonly environment: string }[];
}
const person = initSchema.shape.person.unwrap().shape;
type Options = Readonly<Record<string, unknown>>;
const text = (v: unknown): string | undefined => (typeof v === "string" && v !== "" ? v : undefined);
const list = (v: unknown): string[] => (Array.isArray(v) ? v.map(String) : []);
const wrong = (message: string, hint: string): FindingError => new FindingError(initCodes.finding("INIT_OPTION", { message, hint }), 2);

export const slug = (s: string): string => s.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[-0-9]+|-+$/g, "").slice(0, 30).replace(/-$/, "") || "platform";

/** Reads options and config file. Throws FindingError. */
export function planOf(context: Context, o: Options): Plan {
  const config = { ...configOf(context, text(o["config"])), ...flagsOf(o) };
  const root = context.root;
  const project = config.project ?? slug(basename(root));
  const home = context.env["HOME"] ?? homedir();
  const keys = join(context.env["XDG_CONFIG_HOME"] ?? join(home, ".config"), "stackseal", project);
  const person = text(o["person"]) ?? config.person?.name ?? "super-admin-1";
  const environments = config.environments ?? defaults(project, config);
  for (const name of Object.keys(environments)) if (!ENVIRONMENT_NAME.test(name) || name === "local" || /-(payments|foundation)$/.test(name)) throw wrong(`"${name}" can't be an environment's name`, "lower case letters, digits and hyphens; local is made anyway; -payments and -foundation are its stacks");
  const identity = resolve(root, text(o["identity"]) ?? config.person?.identity ?? context.env["SOPS_AGE_KEY_FILE"] ?? join(keys, `${person}.age`));
  for (const f of [identity, keys]) if (inside(root, f)) throw new FindingError(initCodes.finding("INIT_IDENTITY_INSIDE", { message: `${relative(root, f)} is inside the repository: an identity there would be committed one day`, hint: "--identity FILE, or HOME or XDG_CONFIG_HOME outside the repository" }), 2);
  const other = madeFor(keys);
  if (other !== null && other !== root && !existsSync(join(root, PEOPLE_FILE)) && existsSync(join(other, PEOPLE_FILE))) throw wrong(`${keys} holds the keys of another project of that name, in ${other}: two projects share no deployer`, `stackseal init --project ${project}-2`);
  const imports = [...(config.import ?? []), ...list(o["import"]).map((v) => {
    const m = /^(.+):([a-z][a-z0-9-]*)$/.exec(v);
    return { file: m?.[1] ?? v, environment: m?.[2] ?? Object.keys(environments)[0] ?? "dev" };
  })];
  for (const i of imports) {
    if (!(i.environment in environments)) throw wrong(`--import ${i.file}: no environment "${i.environment}"`, `one of ${Object.keys(environments).join(", ")}: --import FILE:ENVIRONMENT`);
    if (!existsSync(resolve(root, i.file))) throw wrong(`--import ${i.file}: there is no such file`, "--import FILE:ENVIRONMENT");
  }
  const hosts = list(o["host"]).length ? list(o["host"]).filter((h): h is Host => HOSTS.includes(h as Host)) : (config.hosts ?? [hostOf(context)]);
  return { root, project, person, handle: text(o["handle"]) ?? config.person?.handle, signingKey: text(o["signingKey"]) ?? config.person?.signingKey, identity, keys, environments, hosts, imports };
}
/** The folder of the project that the keys in a folder were made for; null where nobody wrote it down. */
const madeFor = (keys: string): string | null => (existsSync(join(keys, MADE_FOR)) ? readFileSync(join(keys, MADE_FOR), "utf8").trim() : null);
export const MADE_FOR = "made-for";
const inside = (root: string, file: string): boolean => {
  const r = relative(root, file);
  return r === "" || (!r.startsWith("..") && !r.startsWith("/"));
};
const hostOf = (context: Context): Host => ((new Git(context.root, context.env).text(["remote", "get-url", "origin"]) ?? "").includes("gitlab") ? "gitlab" : "github");

function configOf(context: Context, file: string | undefined): InitConfig {
  if (file === undefined) return {};
  const { document, findings } = readDocument(context.root, file);
  const parsed = document && parseWith(initSchema, document);
  if (!parsed?.value) throw new FindingError([...findings, ...(parsed?.findings ?? [])], 2);
  const both = parsed.value.environments && (["domain", "accounts", "region", "vault", "email"] as const).find((k) => parsed.value?.[k] !== undefined);
  if (both) throw new FindingError(initCodes.finding("INIT_OPTION", { message: `"${both}" is for the environments that init makes by itself: those in "environments" say their own`, ...(document && { at: document.locate([both], "key") }), path: both }), 2);
  return parsed.value;
}
/** What flags say, by the same rules as the config file. */
function flagsOf(o: Options): Pick<InitConfig, "project" | "domain" | "region" | "vault" | "email" | "accounts"> {
  const accounts = list(o["account"]).map((v) => {
    const m = /^([a-z][a-z0-9-]*)=(\d{12})$/.exec(v);
    if (!m || !(m[1] as string in TIERS)) throw wrong("--account wants ENVIRONMENT=ACCOUNT, the account with 12 digits", "--account dev=111111111111");
    return [m[1] as string, m[2] as string] as const;
  });
  const given = Object.fromEntries((["project", "domain", "region", "vault", "email"] as const).flatMap((k) => (text(o[k]) === undefined ? [] : [[k, text(o[k])]])));
  for (const [k, v] of [...Object.entries(given), ...(["person", "handle"] as const).map((p) => [p, text(o[p])] as const)]) {
    const field: z.ZodType = k === "person" ? person.name : k === "handle" ? person.handle : initSchema.shape[k as "domain"];
    const r = field.safeParse(v);
    if (!r.success) throw wrong(`--${k}: ${r.error.issues[0]?.message ?? "not of the form wanted"}`, "stackseal init --help");
  }
  return { ...given, ...(accounts.length && { accounts: Object.fromEntries(accounts) }) };
}
const TIERS = { dev: "development", staging: "staging", prod: "production" } as const;
/** dev, staging and prod: under the domain, in the accounts that are named. What isn't named is a placeholder that init says. */
function defaults(project: string, c: InitConfig): Record<string, InitEnvironment> {
  const domain = c.domain ?? `${project}.example`;
  return Object.fromEntries((Object.keys(TIERS) as (keyof typeof TIERS)[]).map((name, i) => [name, {
    tier: TIERS[name], url: name === "prod" ? `https://${domain}` : `https://${name}.${domain}`, plan: "starter" as const,
    store: c.vault !== undefined ? { kind: "vault" as const, address: c.vault, mount: `stackseal-${name}` } : { kind: "aws" as const, accountId: c.accounts?.[name] ?? `${PLACEHOLDER}${i + 1}`, region: c.region ?? "eu-west-1" },
    alerts: [c.email ?? `platform-team@${domain}`],
  }]));
}
/** The first eleven digits of an account that nobody named. */
export const PLACEHOLDER = "00000000000";
