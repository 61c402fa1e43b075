import type { CommandSpec } from "../command.ts";

export interface CommandEntry {
  readonly name: string;
  /** Repeated here so that `--help` and completion load no command. A test holds it against the command's own. */
  readonly summary: string;
  readonly load: () => Promise<CommandSpec>;
}

/** Every command, in the order in which `--help` shows them. */
export const commands: readonly CommandEntry[] = [
  { name: "check", summary: "Judge everything that can be judged without a key", load: async () => (await import("./check.ts")).default },
  { name: "preview", summary: "Show what would change, under the policies, without a key", load: async () => (await import("./preview.ts")).default },
  { name: "policies", summary: "List the rules, or run them on what is deployed", load: async () => (await import("./policies.ts")).default },
  { name: "attest", summary: "Vouch, with your signature, for what no machine can see: a second factor, a review, a test in staging", load: async () => (await import("./attest.ts")).default },
  { name: "scan", summary: "Look for credentials in the tree, in what is staged, in the history or in standard input", load: async () => (await import("./scan.ts")).default },
  { name: "up", summary: "Deploy an environment", load: async () => (await import("./up.ts")).default },
  { name: "refresh", summary: "Read what is there from the providers and keep it as the state", load: async () => (await import("./refresh.ts")).default },
  { name: "destroy", summary: "Remove everything that an environment deployed", load: async () => (await import("./destroy.ts")).default },
  { name: "export", summary: "Print a stack's state as pulumi stack export does; pulumi stack import opens it", load: async () => (await import("./export.ts")).default },
  { name: "import", summary: "Replace a stack's state by a file of pulumi stack export or stackseal export", load: async () => (await import("./import.ts")).default },
  { name: "history", summary: "List a stack's updates, newest first", load: async () => (await import("./history.ts")).default },
  { name: "cancel", summary: "Ask a running update to stop at the next safe point, or take away the lock of one that died", load: async () => (await import("./cancel.ts")).default },
  { name: "secret list", summary: "List an environment's credentials from their public claims; never decrypts", load: async () => (await import("./secret-list.ts")).default },
  { name: "secret get", summary: "Decrypt one credential: to a pipe as it is, to a terminal only with --reveal", load: async () => (await import("./secret-get.ts")).default },
  { name: "secret set", summary: "Seal a new value: from a pipe, a prompt without echo or a file, never an argument", load: async () => (await import("./secret-set.ts")).default },
  { name: "secret generate", summary: "Mint and seal a credential that is ours to mint, such as an outbound webhook's signing secret", load: async () => (await import("./secret-generate.ts")).default },
  { name: "secret sign", summary: "Adopt what the sops CLI wrote: judge it, write its claims and sign them", load: async () => (await import("./secret-sign.ts")).default },
  { name: "secret reseal", summary: "Seal an environment's files anew, under a fresh data key, to whom the access matrix says; issue ids stay", load: async () => (await import("./secret-reseal.ts")).default },
  { name: "secret verify", summary: "Open any sops file and verify its MAC; says what the MAC covers, never a value", load: async () => (await import("./secret-verify.ts")).default },
  { name: "secret import", summary: "Seal what exists: .env, JSON, YAML, a sops file or AWS Secrets Manager; the source is never changed", load: async () => (await import("./secret-import.ts")).default },
  { name: "secret export", summary: "Print an environment's variables in clear, for those who must; prefer stackseal run", load: async () => (await import("./secret-export.ts")).default },
  { name: "run", summary: "Run a process with its environment's variables; nothing is written to disk", load: async () => (await import("./run.ts")).default },
  { name: "types", summary: "Write typed access to the variables: a TypeScript module, a JSON Schema, samples for Laravel's config", load: async () => (await import("./types.ts")).default },
  { name: "people list", summary: "Who is in people.yaml: role, tiers, keys, second factor, active or not", load: async () => (await import("./people-list.ts")).default },
  { name: "people add", summary: "Add a person or a machine: people.yaml signed, .sops.yaml, and what is sealed to them sealed anew", load: async () => (await import("./people-add.ts")).default },
  { name: "people change", summary: "Change a person or a machine: role, tiers, keys, dates, second factor; what is sealed to them is sealed anew", load: async () => (await import("./people-change.ts")).default },
  { name: "people remove", summary: "A leaver: out of people.yaml and every recipient list, new pepper generations, and the list of what they could know", load: async () => (await import("./people-remove.ts")).default },
  { name: "people exposure", summary: "What the holder of a key could ever know, from the whole of git history, and what of it is still in force", load: async () => (await import("./people-exposure.ts")).default },
  { name: "people sync", summary: "Finish an interrupted change; bring .sops.yaml and every sealed file in accord with people.yaml and the access matrix", load: async () => (await import("./people-sync.ts")).default },
  { name: "people sign", summary: "Sign people.yaml and the access matrix as they stand, as a Super Admin: after an edit by hand", load: async () => (await import("./people-sign.ts")).default },
  { name: "secret merge", summary: "Merge two versions of a sealed file, value by value: git's merge driver, and the way out of a conflict", load: async () => (await import("./secret-merge.ts")).default },
  { name: "secret diff", summary: "Say what changed in sealed files, without a key and never a value; also git's textconv and external diff", load: async () => (await import("./secret-diff.ts")).default },
  { name: "doctor", summary: "Prove an environment's credentials at their providers: the troubleshooting checklists, step by step", load: async () => (await import("./doctor.ts")).default },
  { name: "webhook sign", summary: "Sign a webhook's body: the headers that a receiver checks", load: async () => (await import("./webhook-sign.ts")).default },
  { name: "webhook verify", summary: "Verify a webhook as its receiver must: signature, age, clock skew", load: async () => (await import("./webhook-verify.ts")).default },
  { name: "webhook send", summary: "Sign a webhook and send it, once: to this machine, or with --yes to any other", load: async () => (await import("./webhook-send.ts")).default },
  { name: "webhook listen", summary: "A receiver on loopback that verifies what comes and prints it, until Ctrl-C", load: async () => (await import("./webhook-listen.ts")).default },
  { name: "rotate due", summary: "List what is overdue or due soon, from public claims: with its owner and how it is rotated", load: async () => (await import("./rotate-due.ts")).default },
  { name: "rotate plan", summary: "Show a rotation's steps, its overlap, who must act and what is interrupted; all of an environment in order of danger", load: async () => (await import("./rotate-plan.ts")).default },
  { name: "rotate start", summary: "Rotate a credential, or all after a compromise: both live through the overlap, the old one is proven dead, every step is recorded", load: async () => (await import("./rotate-start.ts")).default },
  { name: "rotate resume", summary: "Go on with a rotation from its last recorded step: after a kill, an outage, an overlap, or what a person did", load: async () => (await import("./rotate-resume.ts")).default },
  { name: "rotate abort", summary: "Go back from a rotation: the old credential is in force again, the new one is taken back at its provider", load: async () => (await import("./rotate-abort.ts")).default },
  { name: "rotate attest", summary: "Vouch, as a Super Admin who took no part in it, that an old credential is dead where no probe can tell", load: async () => (await import("./rotate-attest.ts")).default },
  { name: "rotate departure", summary: "Walk an exposure list: a line closes when another credential is in force and the exposed one is proven dead, or attested", load: async () => (await import("./rotate-departure.ts")).default },
  { name: "rotate run", summary: "Unattended: go on with what is open and rotate what is due, of the kinds that environment.yaml lists; for a rotator's machine in CI", load: async () => (await import("./rotate-run.ts")).default },
  { name: "rotations", summary: "Every rotation, for an audit: dates, reason, actor, overlap, verdicts; its record's chain verified; gaps against the schedule", load: async () => (await import("./rotations.ts")).default },
  { name: "sandbox", summary: "Run the loopback fakes until Ctrl-C", load: async () => (await import("./sandbox.ts")).default },
  { name: "audit log", summary: "Who changed which credential, setting, recipient, role, policy or alert: from git alone, without a key", load: async () => (await import("./audit-log.ts")).default },
  { name: "completion", summary: "Print a shell's completion script", load: async () => (await import("./completion.ts")).default },
  { name: "start", summary: "The main job on this machine: seal samples, preview all, deploy local, verify", load: async () => (await import("./start.ts")).default },
];
