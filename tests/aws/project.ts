import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readDocument } from "../../lib/document.ts";
import type { SecretClass } from "../../schemas/access.ts";
import { expectedSecrets } from "../../schemas/integrations/index.ts";
import { environmentFile, humanPepperFile, paymentsFile, pepperFile, sealedFile } from "../../schemas/layout.ts";
import { parseEnvironment, parsePayments } from "../../schemas/parse.ts";
import { newIdentity, recipientOf } from "../../seal/age.ts";
import { sealPeppers, sealSamples, newPepper, type Signer } from "../../seal/seed.ts";
import { newSigningKey, readSigningKey } from "../../seal/signature.ts";

const repo = resolve(import.meta.dirname, "../..");
const cli = join(repo, "dist/cli.js");
export const ACCOUNT = "111111111111";

export interface CloudProject {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs the command line there. */
  readonly run: (args: readonly string[], more?: Readonly<Record<string, string>>) => Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
  /** Seals new samples of a class: every credential has a new issue. */
  readonly reissue: (cls: SecretClass) => Promise<void>;
}
/** A project with the one environment `dev`, sealed to an identity of this test, its store as given. */
export async function cloudProject(store: string, extra: (environment: string) => string = (t) => t): Promise<CloudProject> {
  const root = mkdtempSync(join(tmpdir(), "cloud-"));
  for (const f of ["stacks", "Pulumi.yaml"]) cpSync(join(repo, f), join(root, f), { recursive: true, filter: (p) => !p.endsWith(".ts") });
  for (const e of ["local", "staging", "prod"]) rmSync(join(root, "stacks", e), { recursive: true });
  const rewrite = (file: string, change: (t: string) => string): void => { writeFileSync(join(root, file), change(readFileSync(join(root, file), "utf8"))); };
  rewrite(environmentFile("dev"), (t) => extra(t.replace(/^store: .*$/m, `store: ${store}`)));
  rewrite(paymentsFile("dev"), (t) => t.replace(/^ {4}mode: test$/m, "    mode: test\n    apiBase: sandbox"));
  const identity = await newIdentity();
  const recipient = await recipientOf(identity);
  const signing = newSigningKey("super-admin-1");
  writeFileSync(join(root, "stacks/people.yaml"), `people:\n    super-admin-1:\n        role: super-admin\n        tiers: [development, staging, production]\n        recipients: [${recipient}]\n        signing: ["${signing.publicLine}"]\n        secondFactor: { attestedAt: "2026-11-01" }\n        from: "2026-01-01"\n`);
  const signer: Signer = { name: "super-admin-1", key: readSigningKey(signing.file)! };
  const now = new Date();
  const peppers = { g: newPepper(), h: newPepper() };
  writeFileSync(join(root, pepperFile("dev")), await sealPeppers({ g1: peppers.g }, [recipient], now));
  writeFileSync(join(root, humanPepperFile("dev", "development")), await sealPeppers({ h1: peppers.h }, [recipient], now));
  const environment = parseEnvironment(readDocument(root, environmentFile("dev")).document!).value!;
  const payments = parsePayments(readDocument(root, paymentsFile("dev")).document!).value!;
  const expected = expectedSecrets({ ...environment.integrations, stripe: payments.stripe }, "development");
  const seal = async (cls: SecretClass): Promise<void> => {
    writeFileSync(join(root, sealedFile("dev", cls)), await sealSamples(expected.filter((e) => e.spec.class === cls), "dev", [recipient], { g: new Map([[1, peppers.g]]), h: new Map([[1, peppers.h]]) }, signer, now));
  };
  for (const cls of ["standard", "payments"] as const) await seal(cls);
  const home = mkdtempSync(join(tmpdir(), "home-"));
  writeFileSync(join(home, "signing"), signing.file, { mode: 0o600 });
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, NO_COLOR: "1", SOPS_AGE_KEY: identity, STACKSEAL_SIGNING_KEY: join(home, "signing") };
  return {
    root, env, reissue: seal,
    run: (args, more = {}) => new Promise((done) => { execFile(process.execPath, [cli, "-C", root, ...args], { env: { ...env, ...more }, maxBuffer: 64 << 20 }, (e, out, err) => { done({ code: typeof e?.code === "number" ? e.code : e ? 1 : 0, out, err }); }); }),
  };
}
