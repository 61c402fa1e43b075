import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FindingError } from "../lib/finding.ts";
import { LOCAL, sealedFile } from "../schemas/layout.ts";
import { SANDBOX_DIR } from "../schemas/sandbox.ts";
import { readClear } from "../seal/clear.ts";
import { identitiesFor } from "../seal/identity.ts";
import { openSealed } from "../seal/open.ts";
import { runningSandbox, type RunningSandbox } from "../doctor/sandbox-address.ts";
import type { DiagnoseOptions } from "../doctor/diagnose.ts";
import type { Unread } from "../doctor/unread.ts";
import type { AwsAccess } from "../doctor/ses.ts";
import { onThisMachine } from "../schemas/fields.ts";
import type { Declared } from "../stacks/read.ts";
import type { Context } from "./command.ts";

// What the commands that ask providers have in common.

/** Opens what the identity at hand may open; of everything else says why it can't be read. Never throws for that. */
export async function readableValues(context: Context, d: Declared): Promise<DiagnoseOptions["value"]> {
  const values = new Map<string, string>();
  const why = new Map<string, Omit<Unread, "value">>();
  for (const cls of ["standard", "payments"] as const) {
    if (!d.expected.some((e) => e.spec.class === cls)) continue;
    try {
      const { sealed, findings } = readClear(context.root, sealedFile(d.name, cls));
      if (!sealed) throw new FindingError(findings);
      for (const [path, value] of (await openSealed(sealed, identitiesFor(context.root, d.name, context.env))).values) values.set(path, value);
    } catch (e) {
      if (!(e instanceof FindingError)) throw e;
      const [first] = e.findings;
      // No file at all: nothing of this class is sealed yet.
      if (first?.code === "FILE_MISSING") continue;
      const others = ["SEAL_NO_IDENTITY", "SEAL_NOT_RECIPIENT"].includes(first?.code ?? "");
      why.set(cls, { why: `${first?.message ?? "it can't be opened"} (${first?.code ?? ""})`, code: others ? "NO_IDENTITY" : "SEALED_UNREADABLE", next: others ? "set SOPS_AGE_KEY_FILE to an identity that may open it" : (first?.hint ?? `stackseal check --env ${d.name}`) });
    }
  }
  return (path) => {
    const value = values.get(path);
    if (value !== undefined) return { value };
    const spec = d.expected.find((e) => e.path === path)?.spec;
    const missing = { why: "no value is sealed", code: "VALUE_MISSING" as const, next: d.name === LOCAL ? "stackseal start" : `stackseal secret ${spec?.generate === undefined ? "set" : "generate"} ${path} --env ${d.name} --reason initial` };
    return { value: null, ...(why.get(spec?.class ?? "standard") ?? missing) };
  };
}
/** The sandbox that runs, or one for as long as the command does. */
export async function sandboxFor(context: Context): Promise<RunningSandbox & { close(): Promise<void> }> {
  const running = runningSandbox(context.root, context.env);
  if (running) return { ...running, close: () => Promise.resolve() };
  const { startSandbox } = await import("../sandbox/index.ts");
  const own = await startSandbox({ stateDir: join(context.root, SANDBOX_DIR) });
  return { urls: own.urls, ca: own.ca, close: () => own.close() };
}
/** A PEM file that is trusted besides the usual authorities. Throws FindingError CA_UNREADABLE. */
export function caFrom(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const pem = readFileSync(file, "utf8");
    if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  } catch {
    // Said below.
  }
  throw new FindingError({ code: "CA_UNREADABLE", severity: "error", message: "the file of --ca holds no PEM certificate", hint: "a file that begins with -----BEGIN CERTIFICATE-----" }, 2);
}
/** The AWS credentials that this process was given; null where it was given none: no instance is asked for its own. */
export async function awsAccess(context: Pick<Context, "env">): Promise<AwsAccess | null> {
  const { env } = context;
  if (!["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"].some((n) => (env[n] ?? "") !== "")) return null;
  const { awsSettings } = await import("../providers/aws/connect.ts");
  const endpoint = env["AWS_ENDPOINT_URL_SESV2"] ?? env["AWS_ENDPOINT_URL"];
  let timer: NodeJS.Timeout | undefined;
  try {
    const identity = await Promise.race([awsSettings({ accountId: "", region: "us-east-1" }, env).credentials(), new Promise<null>((done) => { timer = setTimeout(() => { done(null); }, 4_000); })]);
    return identity && { identity, ...(endpoint !== undefined && onThisMachine(endpoint) && { endpoint }) };
  } catch {
    // A profile that has none, or a login that is over: the quota is said not to be told.
    return null;
  } finally {
    clearTimeout(timer);
  }
}
