import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ORGANIZATION } from "../../../engine/embedded/context.ts";
import type { Deployment } from "../../../engine/embedded/deployment.ts";
import { channel, listen, startPlugin } from "./grpc.ts";
import { tooLong, type ProgramLimits } from "../../../engine/embedded/inline.ts";
import { monitorService } from "../../../engine/embedded/monitor.ts";
import { PolicyPack, type Analyzer } from "../../../engine/embedded/policy.ts";
import { configOf } from "../../../engine/embedded/policy-config.ts";
import { analyzerRpc, engineRpc, resourceRpc, unimplemented } from "./client.ts";
import { analyzerPb, empty, fromStruct, grpc, promised, toStruct, type Method } from "../../../engine/embedded/rpc.ts";
import type { Props } from "../../../lib/pulumi-value.ts";

// The official runners of programs and policy packs, in processes of their own, served by the same handlers as the in-process way.

const sdk = dirname(createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json"));
type Env = Readonly<Record<string, string | undefined>>;

/** Runs a program folder with Pulumi's runner, then finishes the deployment: the runner waits for that. */
export async function runSpawned(d: Deployment, program: { readonly dir: string; readonly env: Env }, limits: ProgramLimits): Promise<void> {
  const { context: c } = d, { settings: info } = c;
  let signal: () => void = () => undefined, release: () => void = () => undefined;
  const signalled = new Promise<"signalled">((done) => { signal = () => { done("signalled"); }; }), released = new Promise<void>((done) => { release = done; });
  const service = monitorService(d, () => { signal(); return released; });
  const server = await listen((s) => {
    s.addService(resourceRpc.ResourceMonitorService, service.monitor as never);
    s.addService(engineRpc.EngineService, service.engine as never);
  });
  const args = ["--monitor", server.address, "--engine", server.address, "--project", info.project, "--stack", info.stack, "--organization", ORGANIZATION, "--root-directory", program.dir, "--pwd", program.dir, "--parallel", String(info.parallel), ...(info.preview ? ["--dry-run"] : []), program.dir];
  const child = spawn(process.execPath, [join(sdk, "cmd/run/index.js"), ...args], {
    cwd: program.dir, stdio: ["ignore", "pipe", "pipe"],
    env: { ...program.env, PULUMI_CONFIG: JSON.stringify(info.config), PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(info.secretKeys) },
  });
  child.stdout.resume();
  child.stderr.resume();
  const exited = new Promise<number>((done) => { child.once("error", () => { done(1); }); child.once("exit", (code) => { done(code ?? 1); }); });
  const kill = (): void => { child.kill("SIGKILL"); };
  process.once("exit", kill);
  let timer: NodeJS.Timeout | undefined;
  const before = c.onStop, stopped = new Promise<"stopped">((done) => { c.onStop = () => { before(); done("stopped"); }; });
  const late = new Promise<"late">((done) => { timer = setTimeout(() => { done("late"); }, limits.timeoutMs); });
  try {
    const how = await Promise.race([signalled, exited, late, stopped]);
    if (how === "late") tooLong(d, limits);
    if (how === "stopped") await Promise.race([exited, new Promise((done) => setTimeout(done, 2000))]); // the SDK ends quietly
    if (typeof how === "number" && !c.stopped) c.fail(new Error(`the program ended with exit code ${String(how)}`), undefined, "PROGRAM_FAILED");
    await d.finish(how === "signalled");
    release();
    if (how === "signalled" && (await Promise.race([exited, new Promise<number>((done) => setTimeout(() => { done(1); }, 5000))])) !== 0 && !c.failed) c.fail(new Error("the program ended with an error after it had declared everything"), undefined, "PROGRAM_FAILED");
  } finally {
    clearTimeout(timer);
    process.off("exit", kill);
    kill();
    await exited;
    server.close();
  }
}

/** Starts a policy pack's folder with Pulumi's runner and configures it; `stop` ends it. */
export async function startPack(dir: string, stack: { readonly project: string; readonly stack: string; readonly preview: boolean }, config: Readonly<Record<string, unknown>>, env: Env): Promise<{ readonly pack: PolicyPack; readonly stop: () => Promise<void> }> {
  const plugin = await startPlugin([process.execPath, join(sdk, "cmd/run-policy-pack/index.js"), "127.0.0.1:1", dir], { cwd: dir, env });
  const client = new analyzerRpc.AnalyzerClient(plugin.address, grpc.credentials.createInsecure(), channel) as unknown as Analyzer & Configurable & { close(): void };
  const stop = async (): Promise<void> => { client.close(); await plugin.stop(); };
  try {
    const about = new analyzerPb.AnalyzerStackConfigureRequest();
    about.setStack(stack.stack);
    about.setProject(stack.project);
    about.setOrganization("organization");
    about.setDryRun(stack.preview);
    await promised(client, client.configureStack, about).catch((e: unknown) => { if (!unimplemented(e)) throw e; });
    const info = await promised(client, client.getAnalyzerInfo, empty()), request = new analyzerPb.ConfigureAnalyzerRequest();
    for (const p of info.getPoliciesList()) {
      const schema = p.getConfigschema();
      const { level, settings } = configOf({ name: p.getName(), ...(schema && { configSchema: { properties: fromStruct(schema.getProperties()) as Record<string, object>, required: schema.getRequiredList() } }) }, config);
      const m = new analyzerPb.PolicyConfig();
      m.setEnforcementlevel(level === undefined ? p.getEnforcementlevel() : LEVEL[level]);
      m.setProperties(toStruct(settings as Props));
      request.getPolicyconfigMap().set(p.getName(), m);
    }
    await promised(client, client.configure, request);
    return { pack: new PolicyPack(info.getName(), info.getVersion(), client), stop };
  } catch (e) {
    await stop();
    throw e;
  }
}
const { ADVISORY, MANDATORY, DISABLED, REMEDIATE } = analyzerPb.EnforcementLevel;
const LEVEL = { advisory: ADVISORY, mandatory: MANDATORY, disabled: DISABLED, remediate: REMEDIATE } as const;
interface Configurable {
  readonly configureStack: Method<InstanceType<typeof analyzerPb.AnalyzerStackConfigureRequest>, unknown>;
  readonly getAnalyzerInfo: Method<ReturnType<typeof empty>, InstanceType<typeof analyzerPb.AnalyzerInfo>>;
  readonly configure: Method<InstanceType<typeof analyzerPb.ConfigureAnalyzerRequest>, unknown>;
}
