import { join } from "node:path";
import { readDocument } from "../../lib/document.ts";
import { FindingError, hasErrors } from "../../lib/finding.ts";
import { LOCAL, signingSecretName, WORK_DIR } from "../../schemas/layout.ts";
import { readProject } from "../../stacks/read.ts";
import { defineCommand, type Context } from "../command.ts";
import { painter } from "../render/paint.ts";
import { previewEnvironment } from "../changes/previewed.ts";
import { embedded } from "../../engine/index.ts";
import { deploy } from "../deploy.ts";

/** How the command line is called in this folder: a clone has a script for it, an installed package a bin. */
function commandHere(root: string): string {
  const { document } = readDocument(root, "package.json");
  return (document?.value as { name?: unknown } | undefined)?.name === "stackseal" ? "npm run -s stackseal --" : "npx stackseal";
}
/** Checks what was delivered: a test event signed by the sandbox is accepted by the official SDK with the secret read back from the store. */
async function verifyDelivery(context: Context, endpoints: Readonly<Record<string, { readonly id: string }>>): Promise<number> {
  const [{ signedEvent }, { fileStore }, { default: Stripe }] = await Promise.all([import("../../sandbox/stripe.ts"), import("../../providers/stores/file.ts"), import("stripe")]);
  const store = fileStore(context.root, LOCAL, context.env);
  let verified = 0;
  for (const [name, { id }] of Object.entries(endpoints)) {
    const event = signedEvent(join(context.root, WORK_DIR, "sandbox"), id, "payment_intent.succeeded", new Date());
    const secret = (await store.read(signingSecretName(LOCAL, name)))?.["current"];
    if (!event || secret === undefined) throw new Error(`the endpoint ${name} or its signing secret is missing`);
    Stripe.webhooks.constructEvent(event.body, event.signature, secret);
    verified++;
  }
  return verified;
}

export default defineCommand({
  name: "start",
  summary: "The main job on this machine: seal samples, preview all, deploy local, verify",
  wants: "none",
  options: [{ flags: "--diff", description: "every resource that the previews show, and what was put out" }],
  examples: ["stackseal start", "stackseal start --diff"],
  run: async (context, _args, options) => {
    const full = options["diff"] === true;
    const p = painter(context.color);
    const first = readProject(context.root, { clock: context.clock });
    const local = first.environments.find((e) => e.name === LOCAL);
    if (!local) throw new FindingError(first.findings);
    const { seedLocal } = await import("../../seal/seed.ts");
    const made = await seedLocal(context.root, local.tier, local.expected, context.clock.now());
    context.out(`${p.bold("1. Sealed")}  ${made ? "throwaway identities and sample credentials for local were made in .stackseal/" : "local's sample credentials are there already"}\n`);
    const project = readProject(context.root, { clock: context.clock });
    if (hasErrors(project.findings)) return { exit: 1, findings: project.findings };
    context.out(`\n${p.bold("2. Previewed")}  embedded engine, without a key, compared with nothing${full ? "" : ": counted by stack and type, --diff lists them"}\n\n`);
    let ok = true;
    const findings = [...project.findings];
    for (const d of project.environments) {
      if (context.signal.aborted) return { exit: 130 };
      context.progress(`previewing ${d.name}`);
      const r = await previewEnvironment(context, d);
      ok &&= r.ok;
      findings.push(...r.findings);
      context.progress(null);
      context.out(`${full ? r.text : r.folded}\n`);
    }
    if (!ok) return { exit: 1, findings };
    const target = project.environments.find((e) => e.name === LOCAL);
    if (!target || context.signal.aborted) return { exit: 130 };
    context.out(`${p.bold("3. Deployed")}  local, by the embedded engine, onto the loopback sandbox\n\n`);
    const up = await deploy(context, await embedded(context), target);
    context.progress(null);
    context.out(`${full ? up.text : up.text.slice(0, up.text.length - up.outputText.length)}\n`);
    findings.push(...up.findings);
    if (!up.ok) return { exit: 1, findings };
    const n = await verifyDelivery(context, (up.outputs["endpoints"] ?? {}) as Record<string, { id: string }>);
    context.out(`${p.bold("4. Verified")}  ${n} signed test events accepted by the official Stripe SDK with the secrets read back from the store\n\n`);
    const s = commandHere(context.root);
    context.out(`${up.changed === 0 ? "Nothing changed: what is declared is what is deployed." : `${up.changed} resources changed.`} Next:\n  ${s} check               judge every environment without a key\n  ${s} preview --env dev   what would change in dev\n  edit stacks/local/payments.yaml, then ${s} start: the change is one update in place\n`);
    return { exit: 0, findings };
  },
});
