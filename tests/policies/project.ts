import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseDocument } from "../../lib/document.ts";
import type { SampleProject } from "../../policies/kit/sample-project.ts";
import { accountsDigest, ATTESTATION_NAMESPACE, ATTESTATIONS_FILE, attestationText, personDigest, shapeDigest, type Attestation } from "../../schemas/attestations.ts";
import { readSigningKey } from "../../seal/signature.ts";
import { fixedClock } from "../../lib/clock.ts";
import { readProject } from "../../stacks/read.ts";
import { attestationsText } from "../../tools/example-attestations.ts";
import { makeExample, type Keys } from "../../tools/example-people.ts";

const repo = resolve(import.meta.dirname, "../..");
export const MADE = new Date("2026-11-24T09:00:00Z");
export const clock = fixedClock(MADE);

/** The shipped example made anew, so that its people's keys are at hand. */
export interface Example {
  readonly dir: string;
  readonly keys: Record<string, Keys>;
}
export async function makeSample(): Promise<Example> {
  const dir = mkdtempSync(join(tmpdir(), "policies-"));
  for (const e of ["dev", "staging", "prod"]) for (const f of ["environment.yaml", "payments.yaml"]) cpSync(join(repo, "stacks", e, f), join(dir, "stacks", e, f));
  return { dir, keys: await makeExample(dir, MADE) };
}
export const remove = (dir: string): void => { rmSync(dir, { recursive: true, force: true }); };

const GIT = { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
/** A copy of the example to be changed. */
export class Project implements SampleProject {
  readonly dir = mkdtempSync(join(tmpdir(), "policy-"));
  readonly env = { PATH: process.env["PATH"], HOME: this.dir, ...GIT };
  private readonly keys: Record<string, Keys>;
  constructor(example: Example) {
    this.keys = example.keys;
    cpSync(example.dir, this.dir, { recursive: true });
  }
  read(file: string): string {
    return readFileSync(join(this.dir, file), "utf8");
  }
  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.dir, file)), { recursive: true });
    writeFileSync(join(this.dir, file), text);
  }
  remove(file: string): void {
    rmSync(join(this.dir, file));
  }
  replace(file: string, from: string | RegExp, to: string): void {
    const text = this.read(file);
    const next = text.replace(from, to);
    if (next === text) throw new Error(`${file} has no ${String(from)}`);
    this.write(file, next);
  }
  private attestations(): Attestation[] {
    return (parseDocument(this.read(ATTESTATIONS_FILE), ATTESTATIONS_FILE).document?.value as { attestations: Attestation[] }).attestations;
  }
  attest(kind: Attestation["kind"], subject: string, by: string, o: { readonly at?: string; readonly signer?: string | null; readonly digest?: string } = {}): void {
    const project = readProject(this.dir, { clock });
    const [what = "", name = ""] = subject.split("/");
    const environment = project.environments.find((e) => e.name === (name || what));
    const person = project.people?.people[name];
    const digest = o.digest ?? (what === "person" && person ? personDigest(name, person) : environment ? (what === "accounts" ? accountsDigest : shapeDigest)(environment.environment, environment.payments) : `sha256:${"0".repeat(64)}`);
    const a = { kind, subject, digest, attestedAt: o.at ?? "2026-11-20", by, evidence: "seen on a call" };
    const signer = o.signer === undefined ? by : o.signer;
    const key = signer === null ? null : readSigningKey(this.keys[signer]?.signing ?? "");
    const others = existsSync(join(this.dir, ATTESTATIONS_FILE)) ? this.attestations() : [];
    this.write(ATTESTATIONS_FILE, attestationsText([...others, { ...a, ...(key && { signature: key.sign(attestationText(a), ATTESTATION_NAMESPACE) }) }]));
  }
  forget(kind: string, subject: string): void {
    const all = this.attestations();
    const kept = all.filter((a) => a.kind !== kind || a.subject !== subject);
    if (kept.length === all.length) throw new Error(`no attestation of ${subject}`);
    this.write(ATTESTATIONS_FILE, attestationsText(kept));
  }
  commit(author: string): void {
    const git = (...args: string[]): void => {
      const r = spawnSync("git", args, { cwd: this.dir, encoding: "utf8", env: this.env });
      if (r.status !== 0) throw new Error(`git ${args[0] ?? ""}: ${r.stderr}`);
    };
    git("init", "-q", "-b", "main");
    git("add", "-A");
    git("-c", `user.name=${author}`, "-c", `user.email=${author}@acme.example`, "commit", "-q", "--allow-empty", "-m", "change");
  }
  /** The signing key of a person, for the commands that sign. */
  signingKey(name: string): string {
    return this.keys[name]?.signing ?? "";
  }
}
