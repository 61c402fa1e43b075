import type { Diagnosis } from "../../doctor/diagnose.ts";
import { FindingError } from "../../lib/finding.ts";
import type { Http } from "../../lib/http.ts";
import { nearest } from "../../lib/nearest.ts";
import { integrations } from "../../schemas/integrations/index.ts";
import { LOCAL, signingSecretName } from "../../schemas/layout.ts";
import { readProject, type Declared } from "../../stacks/read.ts";
import { defineCommand, type Context } from "../command.ts";
import { awsAccess, caFrom, readableValues, sandboxFor } from "../doctoring.ts";
import { count, diagnosisMarkdown, renderDiagnosis } from "../render/diagnosis.ts";
import { painter } from "../render/paint.ts";
import { knownEnvironments } from "./check.ts";

export default defineCommand({
  name: "doctor",
  summary: "Prove an environment's credentials at their providers: the troubleshooting checklists, step by step",
  wants: "one",
  options: [
    { flags: "--only <id>", description: "this integration; may be repeated", many: true },
    { flags: "--part <part>", description: "the integrations of this stack alone: whoever opens no payment credential leaves Stripe out", choices: ["standard", "payments"] },
    { flags: "--sandbox", description: "ask the loopback sandbox instead of the providers" },
    { flags: "--markdown", description: "a report for an incident" },
    { flags: "--send-mail <address>", description: "send a test message there" },
    { flags: "--confirm <url>", description: "with --send-mail: an imaps:// mailbox (password in STACKSEAL_IMAP_PASSWORD) or a sink's http URL where it must arrive" },
    { flags: "--deliver", description: "send the platform a signed Stripe event that means nothing" },
    { flags: "--ca <file>", description: "PEM certificates to trust besides the usual ones" },
    { flags: "--fresh", description: "send corrupted copies again that were refused within the last hour" },
  ],
  examples: ["stackseal doctor --env dev", "stackseal doctor --env local --sandbox", "stackseal doctor --env prod --only stripe --deliver", "stackseal doctor --env staging --markdown > incident.md", "stackseal doctor --env dev --only smtp --send-mail you@acme.example"],
  run: async (context, _args, options) => {
    const [env = ""] = knownEnvironments(context);
    const named = (options["only"] as string[] | undefined) ?? [];
    const project = readProject(context.root, { clock: context.clock });
    const d = project.environments.find((e) => e.name === env);
    if (!d) throw new FindingError(project.findings, 2);
    knownIds(named, d);
    const part = options["part"] as string | undefined;
    const only = part === undefined ? named : integrations.filter((i) => (i.file === "payments") === (part === "payments") && declares(d, i.id) && (named.length === 0 || named.includes(i.id))).map((i) => i.id);
    if (part !== undefined && only.length === 0) return { exit: 0, json: { environment: env, at: context.clock.now().toISOString(), sandbox: false, results: [], summary: count([]) }, text: `${env} declares nothing of ${part}\n` };
    const local = env === LOCAL;
    const useSandbox = options["sandbox"] === true || local;
    const wantsSandbox = useSandbox || d.payments?.stripe.apiBase === "sandbox" || Object.values(d.environment.integrations).some((s) => (s as { apiBase?: string } | undefined)?.apiBase === "sandbox");
    if (local && options["sandbox"] !== true) context.say("local's credentials are samples: the sandbox is asked\n");
    const [{ diagnose }, { controlFile }, { seenAccounts, rememberAccounts }, { createHttp }] = await Promise.all([import("../../doctor/diagnose.ts"), import("../../doctor/control-file.ts"), import("../../doctor/accounts.ts"), import("../../lib/http.ts")]);
    const given = caFrom(options["ca"] as string | undefined);
    const sandbox = wantsSandbox ? await sandboxFor(context) : null;
    const ca = [given, useSandbox ? sandbox?.ca : undefined].filter((x) => typeof x === "string").join("\n");
    const http = createHttp({ env: context.env, ...(ca !== "" && { ca }) });
    const controls = controlFile(context.root, context.clock);
    try {
      const waiting = new Set(integrations.filter((i) => only.length === 0 || only.includes(i.id)).map((i) => i.id).filter((id) => declares(d, id)));
      const show = (): void => { context.progress(waiting.size ? `doctor ${env}: waiting for ${[...waiting].join(", ")}` : null); };
      show();
      const value = await readableValues(context, d);
      const mail = options["sendMail"] as string | undefined;
      const [{ results, accounts }, sent] = await Promise.all([
        diagnose({
          name: d.name, tier: d.tier, environment: d.environment, payments: d.payments, only, value, sandbox: sandbox?.urls ?? null, allSandbox: useSandbox, http,
          controls: options["fresh"] === true ? { ...controls, refusedBefore: () => false } : controls,
          issueOf: (path) => d.credentials.find((c) => c.path === path)?.claims.issueId ?? "",
          neighbours: project.environments.map((e) => ({ name: e.name, tier: e.tier, settings: { ...e.environment.integrations } })), seen: seenAccounts(context.root),
          signal: context.signal, now: context.clock.now(), ...(ca !== "" && { ca }),
          ...(options["deliver"] === true && { deliver: (name: string) => signingSecret(context, d, name) }),
          aws: () => awsAccess(context),
          done: (id) => { waiting.delete(id); show(); },
        }),
        mail === undefined ? [] : sendMail(context, d, mail, options["confirm"] as string | undefined, value, useSandbox ? (sandbox?.urls ?? {}) : null, ca, http),
      ]);
      context.progress(null);
      if (context.signal.aborted) return { exit: 130 };
      rememberAccounts(context.root, accounts);
      controls.save();
      const all = [...results, ...sent];
      const titles = new Map(integrations.map((i) => [i.id, i.title]));
      const exit = all.some((r) => r.verdict === "invalid") ? 1 : all.some((r) => r.verdict === "inconclusive") ? 3 : 0;
      const text = options["markdown"] === true ? diagnosisMarkdown(env, context.clock.now(), all, titles) : renderDiagnosis(all, titles, painter(context.color));
      return { exit, text, json: { environment: env, at: context.clock.now().toISOString(), sandbox: useSandbox, results: all.map(({ title: _t, ...r }) => r), summary: count(all) } };
    } finally {
      await http.close();
      await sandbox?.close();
    }
  },
});
const declares = (d: Declared, id: string): boolean => (id === "stripe" ? d.payments !== null : (d.environment.integrations as Readonly<Record<string, unknown>>)[id] !== undefined);
function knownIds(only: readonly string[], d: Declared): void {
  const ids = integrations.map((i) => i.id).filter((id) => declares(d, id));
  for (const id of only) {
    if (ids.includes(id)) continue;
    const near = nearest(id, ids);
    throw new FindingError({ code: "INTEGRATION_UNKNOWN", severity: "error", message: `${d.name} declares no integration "${id}"`, hint: near !== null ? `did you mean ${near}?` : `there are: ${ids.join(", ")}` }, 2);
  }
}
/** The signing secret in force, from the store; the reason where it can't be read. */
async function signingSecret(context: Context, d: Declared, name: string): Promise<{ readonly secret: string | null; readonly why: string }> {
  const { openStore } = await import("../../providers/stores/index.ts");
  try {
    const secret = (await openStore({ root: context.root, env: context.env, clock: context.clock }, d.name, d.environment.store).read(signingSecretName(d.name, name)))?.["current"];
    return secret === undefined ? { secret: null, why: "the store holds no signing secret of this endpoint" } : { secret, why: "" };
  } catch (e) {
    if (!(e instanceof FindingError)) throw e;
    return { secret: null, why: `the store can't be read (${e.findings[0]?.code ?? ""})` };
  }
}
async function sendMail(context: Context, d: Declared, to: string, confirm: string | undefined, value: Awaited<ReturnType<typeof readableValues>>, sandbox: Readonly<Record<string, string>> | null, ca: string, http: Http): Promise<Diagnosis[]> {
  const settings = d.environment.integrations.smtp;
  if (!settings) throw new FindingError({ code: "INTEGRATION_UNKNOWN", severity: "error", message: `${d.name} declares no smtp`, hint: "declare integrations.smtp first" }, 2);
  const { sendTestMail } = await import("../../doctor/send-mail.ts");
  const got = value("smtp.password");
  const steps = await sendTestMail({ settings, to, password: got, sandbox, confirm: confirm ?? null, imapPassword: context.env["STACKSEAL_IMAP_PASSWORD"] ?? null, http, signal: context.signal, now: context.clock.now(), ...(ca !== "" && { ca }) });
  return steps.map((s) => ({ integration: "smtp", title: "Send a test email", ...s }));
}
