import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isoDate } from "../../lib/clock.ts";
import { FindingError } from "../../lib/finding.ts";
import { allows } from "../../schemas/access.ts";
import { REASONS, type Reason } from "../../schemas/claims.ts";
import { SCHEDULES } from "../../schemas/environment.ts";
import { LOCAL } from "../../schemas/layout.ts";
import { members } from "../../schemas/people.ts";
import { readPeople } from "../../seal/deploy.ts";
import { identitiesFor } from "../../seal/identity.ts";
import { openPeppers } from "../../seal/pepper.ts";
import { recipientsFor } from "../../seal/recipients.ts";
import { localSigner, type Signer } from "../../seal/seed.ts";
import { judgeValue, setCredential } from "../../seal/set.ts";
import { publicBlob, readSigningKey } from "../../seal/signature.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand, type Context } from "../command.ts";
import { knownEnvironments } from "./check.ts";
import { expectedOf } from "./secret-get.ts";

const LIMIT = 64 << 10;
const usage = (code: string, message: string, hint?: string): FindingError => new FindingError({ code, severity: "error", message, hint }, 2);

/** The value: from a file, a pipe (one final newline is the pipe's own), or a prompt without echo. */
async function readValue(context: Context, file: unknown): Promise<string> {
  if (typeof file === "string") {
    if (!existsSync(file)) throw usage("VALUE_FILE", "--file names a file that isn't there");
    const bytes = readFileSync(file);
    if (bytes.length > LIMIT) throw usage("VALUE_FILE", "the value is larger than 64 KiB");
    return bytes.toString("utf8").replace(/\r?\n$/, "");
  }
  if (!context.stdin.isTTY) {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const c of context.stdin) {
      chunks.push(Buffer.from(c as Buffer));
      if ((size += (c as Buffer).length) > LIMIT) throw usage("VALUE_FILE", "the value is larger than 64 KiB");
    }
    return Buffer.concat(chunks).toString("utf8").replace(/\r?\n$/, "");
  }
  return prompt(context);
}
function prompt(context: Context): Promise<string> {
  context.say("value (not shown): ");
  const { stdin } = context;
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  return new Promise((done, fail) => {
    let text = "";
    const end = (): void => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.off("data", take);
      context.say("\n");
    };
    const take = (chunk: string | Buffer): void => {
      for (const ch of String(chunk)) {
        if (ch === "\u0003") { end(); fail(usage("INTERRUPTED", "nothing was changed")); return; }
        if (ch === "\r" || ch === "\n" || ch === "\u0004") { end(); done(text); return; }
        text = ch === "\u007f" || ch === "\b" ? text.slice(0, -1) : text + ch;
      }
    };
    stdin.on("data", take);
    stdin.resume();
  });
}
/** Who signs: `local`'s own key, else the key that STACKSEAL_SIGNING_KEY names, found in people.yaml. */
function signerOf(context: Context, env: string): Signer {
  const local = env === LOCAL ? localSigner(context.root) : null;
  if (local) return local;
  const file = context.env["STACKSEAL_SIGNING_KEY"]?.replace(/^~(?=\/)/, homedir());
  if (file === undefined || !existsSync(file)) throw usage("SIGNING_KEY", "no signing key is at hand", "set STACKSEAL_SIGNING_KEY to your SSH private key's file (Ed25519, its public half in people.yaml)");
  const key = readSigningKey(readFileSync(file, "utf8"));
  if (!key) throw usage("SIGNING_KEY", "the signing key is not an unencrypted OpenSSH Ed25519 key", "ssh-keygen -t ed25519 makes one");
  const who = members(readPeople(context.root, env)).find((m) => m.entry.signing.some((l) => publicBlob(l).equals(publicBlob(key.publicLine))));
  if (!who) throw usage("SIGNING_KEY", "nobody in people.yaml has this signing key");
  return { name: who.name, key };
}

export default defineCommand({
  name: "secret set",
  summary: "Seal a new value: from a pipe, a prompt without echo or a file, never an argument",
  wants: "one",
  args: [{ name: "<path>", description: "such as stripe.secretKey" }],
  options: [{ flags: "--reason <reason>", description: "why the value is new", choices: REASONS }, { flags: "--file <file>", description: "read the value from this file" }],
  examples: ["printf %s \"$TOKEN\" | stackseal secret set twilio.authToken --env dev --reason initial", "stackseal secret set stripe.secretKey --env prod --reason scheduled"],
  run: async (context, [path = ""], options) => {
    const [env = ""] = knownEnvironments(context);
    if (typeof options["reason"] !== "string") throw usage("USAGE_REASON", `--reason is missing: ${REASONS.join(", ")}`);
    const project = readProject(context.root, { clock: context.clock });
    const d = project.environments.find((e) => e.name === env);
    if (!d) throw new FindingError(project.findings, 2);
    const e = expectedOf(d.expected, path, env);
    const signer = signerOf(context, env);
    const people = readPeople(context.root, env);
    const role = members(people).find((m) => m.name === signer.name)?.entry.role;
    if (role === undefined || !allows(role, e.spec.class, d.tier, "seal")) throw new FindingError({ code: "SEAL_WRITER_NOT_ALLOWED", severity: "error", message: `${signer.name} (${role ?? "unknown"}) may not seal ${e.spec.class} credentials of ${d.tier}`, path });
    const identities = identitiesFor(context.root, env, context.env);
    const value = await readValue(context, options["file"]);
    const wrong = judgeValue(value, e, d.tier);
    if (wrong.length) throw new FindingError(wrong);
    const schedule = e.spec.class === "payments" ? d.payments?.rotation?.payments : d.environment.rotation?.standard;
    const now = context.clock.now();
    const claims = await setCredential({
      root: context.root, environment: env, tier: d.tier, expected: e, value, reason: options["reason"] as Reason, maxAgeDays: schedule ? SCHEDULES[schedule] : e.spec.maxAgeDays, identities, signer, now,
      peppers: await openPeppers(context.root, env, d.tier, identities), recipients: recipientsFor(people, d.tier, e.spec.class, isoDate(now)).map((r) => r.recipient),
      others: project.environments.flatMap((x) => x.credentials.map((c) => ({ environment: x.name, path: c.path, claims: c.claims }))),
    });
    return { exit: 0, json: { path, environment: env, issueId: claims.issueId, fingerprint: claims.fingerprint }, text: `sealed ${path} of ${env}: issue ${claims.issueId}, by ${claims.sealedBy}. Next: stackseal preview --env ${env}` };
  },
});
