import { FindingError, hasErrors, type Finding } from "../../lib/finding.ts";
import { nearest } from "../../lib/nearest.ts";
import { nameReader, type Meaning } from "../../schemas/import-names.ts";
import { REASONS, type Reason } from "../../schemas/claims.ts";
import { loopback } from "../../schemas/fields.ts";
import { judgeValue } from "../../seal/set.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand, type Context, type Result } from "../command.ts";
import { holds, readAws, readPlain, readSource, sourceOf, SOURCES, type Item, type Items, type Source } from "../import-source.ts";
import { judgeNew, maySeal, sealingOf, sealNew, type Sealing } from "../sealing.ts";
import type { ExpectedSecret } from "../../schemas/integrations/index.ts";
import { sealCodes } from "../../seal/codes.ts";
import { openPeppers } from "../../seal/pepper.ts";
import { painter } from "../render/paint.ts";
import { knownEnvironments } from "./check.ts";

/** With --partial these are left out and said, not refused. */
const LEFT_OUT = new Set(["IMPORT_UNMAPPED", "IMPORT_AMBIGUOUS"]);

type Understood = Item & { readonly meaning: Meaning | null };

async function itemsOf(context: Context, names: readonly string[], options: Readonly<Record<string, unknown>>): Promise<Items> {
  const source = (options["from"] as Source | undefined) ?? "auto";
  const text = (v: unknown): string | undefined => (typeof v === "string" ? v : undefined);
  if (source === "aws") {
    const region = text(options["region"]) ?? context.env["AWS_REGION"], endpoint = context.env["AWS_ENDPOINT_URL"];
    // An emulator on this machine knows nobody; AWS knows who is at hand.
    const emulator = endpoint !== undefined && URL.canParse(endpoint) && loopback(new URL(endpoint).hostname) && context.env["AWS_ACCESS_KEY_ID"] === undefined;
    return readAws(names, { ...(region !== undefined && { region }), ...(endpoint !== undefined && { endpoint }), ...(emulator && { credentials: { accessKeyId: "test", secretAccessKey: "test" } }) });
  }
  const each = await Promise.all(names.map(async (file): Promise<Items> => {
    const content = readSource(context.root, file);
    const kind = source === "auto" ? sourceOf(file, content) : source;
    if (kind !== "sops") return readPlain(file, content, kind);
    const { readSopsSource } = await import("../import-sops.ts");
    return readSopsSource(context, file, content);
  }));
  return { items: each.flatMap((e) => e.items), findings: each.flatMap((e) => e.findings) };
}

export default defineCommand({
  name: "secret import",
  summary: "Seal what exists: .env, JSON, YAML, a sops file or AWS Secrets Manager; the source is never changed",
  wants: "one",
  args: [{ name: "<source...>", description: "files, or names of secrets with --from aws" }],
  options: [
    { flags: "--from <format>", description: "what the source is", choices: SOURCES, default: "auto" },
    { flags: "--dry-run", description: "say what maps to which declared credential; write nothing" },
    { flags: "--partial", description: "write what is understood though the rest isn't" },
    { flags: "--reason <reason>", description: "why the values are new here", choices: REASONS, default: "initial" },
    { flags: "--region <region>", description: "of the secrets, with --from aws" },
  ],
  examples: ["stackseal secret import .env --env dev --dry-run", "stackseal secret import legacy.sops.yaml --env staging", "stackseal secret import acme/dev --from aws --region eu-west-1 --env dev"],
  run: async (context, names, options): Promise<Result> => {
    const [env = ""] = knownEnvironments(context);
    const declared = readProject(context.root, { only: [env], clock: context.clock });
    const d = declared.environments[0];
    if (!d) throw new FindingError(declared.findings, 2);
    const { items, findings: read } = await itemsOf(context, names, options);
    const meaningOf = nameReader({ ...d.environment.integrations, ...(d.payments && { stripe: d.payments.stripe }) }, d.expected);
    const understood: Understood[] = items.map((i) => ({ ...i, meaning: meaningOf(i.name) }));
    const partial = options["partial"] === true;
    const findings: Finding[] = [...read, ...understood.flatMap((u) => judge(u, d.tier, d.expected.map((e) => e.path))), ...twice(understood)]
      .map((f) => (partial && LEFT_OUT.has(f.code) ? { ...f, severity: "warning" as const } : f));
    const wrong = new Set(findings.filter((f) => f.severity === "error").map((f) => f.path));
    const dry = options["dryRun"] === true;
    const reason = options["reason"] as Reason;
    const { against, already } = await judgeDeep(context, env, understood.filter((u) => u.meaning?.kind === "credential" && holds(u.value) && !wrong.has(u.name)), dry);
    findings.push(...against);
    for (const f of against) if (f.severity === "error") wrong.add(f.path);
    const good = understood.filter((u) => u.meaning?.kind === "credential" && holds(u.value) && !wrong.has(u.name) && !already.includes(u.meaning.expected.path));
    const json = {
      mapped: understood.flatMap((u) => (u.meaning?.kind === "credential" ? [{ name: u.name, path: u.meaning.expected.path, ok: !wrong.has(u.name) }] : [])),
      settings: understood.flatMap((u) => (u.meaning?.kind === "setting" ? [{ name: u.name, integration: u.meaning.integration, agrees: u.meaning.declared === u.value }] : [])),
      unmapped: understood.filter((u) => u.meaning === null || u.meaning.kind === "ambiguous").map((u) => u.name),
    };
    const table = render(context, understood, wrong);
    const refused = hasErrors(findings) && !partial;
    if (dry || refused) return { exit: hasErrors(findings) ? 1 : 0, findings, json: { ...json, written: [], already }, text: `${table}${dry ? "Dry run: nothing was written." : "Nothing was written: mend the source or the declaration, or take what is understood with --partial."}\n` };
    const done = await seal(context, env, good, reason);
    const closing = done.written.length ? `Sealed ${done.written.length} credentials of ${env}. The source still holds them in clear: delete it, and issue every value in it anew (stackseal rotate due --env ${env}).\n` : "Nothing new to seal.\n";
    const all = [...findings, ...done.findings];
    return { exit: hasErrors(all) ? 1 : 0, findings: all, json: { ...json, written: done.written, already }, text: `${table}${closing}` };
  },
});

function judge(u: Understood, tier: Parameters<typeof judgeValue>[2], paths: readonly string[]): Finding[] {
  const place = { ...(u.at && { at: u.at }), path: u.name };
  switch (u.meaning?.kind) {
    case "credential": return !holds(u.value) ? [{ code: "IMPORT_EMPTY", severity: "warning", message: `${u.name} → ${u.meaning.expected.path}: it holds no value, so nothing is sealed`, ...place }] : judgeValue(u.value, u.meaning.expected, tier).map((f) => ({ ...f, ...place, message: `${u.name} → ${f.path ?? ""}: ${f.message}` }));
    case "setting": return u.meaning.declared === u.value ? [] : [{ code: "IMPORT_SETTING_DIFFERS", severity: "warning", message: `${u.name} is a plain setting and differs from the declared one`, ...place, hint: "settings are declared in environment.yaml or payments.yaml: look which one is right" }];
    case "minted": return [{ code: "IMPORT_MINTED", severity: "warning", message: `${u.name} is minted by Stripe and kept in the store: it isn't imported`, ...place, hint: "up makes an endpoint of its own and delivers its secret" }];
    case "ambiguous": return [{ code: "IMPORT_AMBIGUOUS", severity: "error", message: `${u.name} may mean ${u.meaning.paths.join(" or ")}`, ...place, hint: "name it by its variable or path in the source" }];
    case undefined: {
      const near = nearest(u.name, paths);
      return [{ code: "IMPORT_UNMAPPED", severity: "error", message: `${u.name} is no declared credential or setting`, ...place, hint: near !== null ? `did you mean ${near}?` : "declare its integration first, or go on without it: --partial" }];
    }
  }
}
/** Two names that mean one credential: nobody can say which value is the right one, unless they are equal. */
function twice(all: readonly Understood[]): Finding[] {
  const seen = new Map<string, Understood>();
  return all.flatMap((u): Finding[] => {
    if (u.meaning?.kind !== "credential" || !holds(u.value)) return [];
    const { path } = u.meaning.expected;
    const first = seen.get(path);
    seen.set(path, first ?? u);
    return first && first.value !== u.value ? [{ code: "IMPORT_TWICE", severity: "error", message: `${u.name} and ${first.name} both mean ${path}, with different values`, ...(u.at && { at: u.at }), path: u.name, hint: "leave the right one in the source" }] : [];
  });
}
/** What only somebody with a key can tell, asked of every value before the first is written: strength, known to a leaver, in force elsewhere or before. In a dry run without a key a warning says that it wasn't asked. */
async function judgeDeep(context: Context, env: string, items: readonly Understood[], dry: boolean): Promise<{ against: Finding[]; already: string[] }> {
  const against: Finding[] = [], already: string[] = [];
  if (items.length === 0) return { against, already };
  try {
    const sealing = sealingOf(context, env);
    const peppers = await openPeppers(sealing.root, env, sealing.declared.tier, sealing.identities);
    const first = new Map<string, string>();
    for (const [n, u] of items.entries()) {
      if (u.meaning?.kind !== "credential") continue;
      const e = u.meaning.expected;
      context.progress(`judging ${n + 1} of ${items.length}: ${e.path}`);
      const place = { ...(u.at && { at: u.at }), path: u.name };
      const told = [...mayNot(sealing, e), ...(await judgeNew(sealing, e, u.value, peppers))];
      if (told.length > 0 && told.every((f) => f.code === "VALUE_UNCHANGED")) {
        already.push(e.path);
        continue;
      }
      const twin = first.get(u.value);
      if (twin !== undefined && twin !== e.path) told.push(sealCodes.finding("VALUE_SHARED", { message: `the source gives the same value to ${twin}`, path: e.path, hint: "every credential is a value of its own, in every environment" }));
      first.set(u.value, twin ?? e.path);
      against.push(...told.map((f) => ({ ...f, ...place, message: `${u.name} → ${e.path}: ${f.message}` })));
    }
  } catch (e) {
    if (!dry || !(e instanceof FindingError)) throw e;
    against.push(...e.findings.map((f) => ({ ...f, severity: "warning" as const, message: `not judged whether the values are strong, unexposed and their own: ${f.message}` })));
  }
  return { against, already };
}
function mayNot(s: Sealing, e: ExpectedSecret): readonly Finding[] {
  try {
    maySeal(s, e);
    return [];
  } catch (x) {
    if (x instanceof FindingError) return x.findings;
    throw x;
  }
}
async function seal(context: Context, env: string, items: readonly Understood[], reason: Reason): Promise<{ written: string[]; findings: Finding[] }> {
  const written: string[] = [], findings: Finding[] = [];
  for (const [n, u] of items.entries()) {
    if (u.meaning?.kind !== "credential") continue;
    const e = u.meaning.expected;
    if (written.includes(e.path)) continue;
    context.progress(`sealing ${n + 1} of ${items.length}: ${e.path}`);
    try {
      // Read anew each time: what was sealed a moment ago counts as in force.
      await sealNew(sealingOf(context, env), e, u.value, reason);
      written.push(e.path);
    } catch (x) {
      if (!(x instanceof FindingError)) throw x;
      findings.push(...x.findings);
    }
  }
  return { written, findings };
}
function render(context: Context, all: readonly Understood[], wrong: ReadonlySet<string | undefined>): string {
  const p = painter(context.color);
  const width = Math.max(4, ...all.map((u) => u.name.length));
  const says = (u: Understood): string => {
    switch (u.meaning?.kind) {
      case "credential": return !holds(u.value) ? `– ${u.meaning.expected.path}, empty` : `${wrong.has(u.name) ? p.red("✗") : p.green("→")} ${u.meaning.expected.path}`;
      case "setting": return `= setting of ${u.meaning.integration}${u.meaning.declared === u.value ? "" : ", differs"}`;
      case "minted": return "– minted by Stripe, not imported";
      case "ambiguous": return `${p.red("?")} ${u.meaning.paths.join(" or ")}`;
      case undefined: return `${p.red("?")} not declared`;
    }
  };
  return all.map((u) => `  ${u.name.padEnd(width)}  ${says(u)}\n`).join("");
}
