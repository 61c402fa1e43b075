import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, expect, describe, it } from "vitest";
import { startStripe } from "../../sandbox/stripe.ts";
import { findPeer, startMinistack, startProxy, type Emulator, type Proxy } from "../aws/emulator.ts";
import { ACCOUNT, cloudProject, type CloudProject } from "../aws/project.ts";
import { files, sealedMarkers } from "./markers.ts";
import { Search } from "./search.ts";
import { watch } from "./watch.ts";

const cli = resolve(import.meta.dirname, "../../dist/cli.js");

// The same search where the store is AWS: deployed, looked at, differing, put back.
describe.skipIf(findPeer("ministack") === undefined)("the canary in AWS", () => {
  let m: Emulator, proxy: Proxy, p: CloudProject, stripe: Awaited<ReturnType<typeof startStripe>>;
  const temp = mkdtempSync(join(tmpdir(), "canary-aws-"));
  const sent: string[] = [];
  beforeAll(async () => {
    m = await startMinistack(ACCOUNT);
    proxy = await startProxy(m.url);
    // Of what is sent to AWS only what is meant to carry a value may carry one.
    proxy.intercept = (target, body) => { if (!/^(PutSecretValue|CreateSecret|GetSecretValue)$/.test(target)) sent.push(`${target} ${body}`); return null; };
    p = await cloudProject(`{ kind: aws, accountId: "${ACCOUNT}", region: eu-west-1, endpoint: "${proxy.url}" }`);
    stripe = await startStripe(join(temp, "stripe"));
  }, 240_000);
  afterAll(async () => {
    await (proxy as Proxy | undefined)?.close();
    await (stripe as typeof stripe | undefined)?.close();
    await (m as Emulator | undefined)?.close();
    rmSync(temp, { recursive: true, force: true });
  });
  it("finds no marker in what is printed, written, sent or started", { timeout: 600_000 }, async () => {
    const all = await sealedMarkers(p.root, () => ({ SOPS_AGE_KEY: p.env["SOPS_AGE_KEY"] }));
    expect(all.length).toBeGreaterThan(8);
    let search = new Search(all);
    const hits: string[] = [];
    const looked = new Map<string, number>();
    const look = (where: string, bytes: Buffer): void => { for (const f of search.in(bytes)) hits.push(`${where}: ${f.marker} as ${f.form}`); };
    const run = async (...args: string[]): Promise<number | null> => {
      const env = { ...p.env, TMPDIR: temp, STACKSEAL_DEBUG: "1", DEBUG: "*", NODE_DEBUG: "http", STACKSEAL_STRIPE_SANDBOX: stripe.url };
      const w = await watch(process.execPath, [cli, "-C", p.root, ...args], { env, stopAfter: 240_000 });
      for (const [what, bytes] of [["standard output", w.stdout], ["standard error", w.stderr], ["processes", w.processes]] as const) look(`${args.join(" ")}: ${what}`, bytes);
      for (const dir of [p.root, temp]) for (const f of files(dir)) {
        const stamp = statSync(f).mtimeMs;
        if (f.startsWith(join(temp, "stripe")) || looked.get(f) === stamp) continue;
        looked.set(f, stamp);
        look(`${args.join(" ")}: file ${relative(dir, f)}`, readFileSync(f));
      }
      return w.code;
    };
    expect(await run("up", "--env", "dev", "--yes", "--json")).toBe(0);
    // What Stripe minted on the way is a marker too.
    const minted = (JSON.parse(readFileSync(join(temp, "stripe/stripe.json"), "utf8")) as { endpoints: { id: string; secret: string }[] }).endpoints;
    expect(minted.length).toBeGreaterThan(0);
    all.push(...minted.map((e) => ({ name: `signing secret of ${e.id}`, value: e.secret, fixed: 6 })));
    search = new Search(all);
    looked.clear();
    // The test of the test: the values really are there, where they belong.
    const store = new SecretsManagerClient({ region: "eu-west-1", endpoint: m.url, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
    expect(search.in(Buffer.from((await store.send(new GetSecretValueCommand({ SecretId: "stackseal/dev/twilio" }))).SecretString ?? "")).length).toBeGreaterThan(0);
    expect(await run("drift", "--env", "dev", "--json")).toBe(0);
    expect(await run("export", "--env", "dev")).toBe(0);
    await p.reissue("standard");
    for (const x of await sealedMarkers(p.root, () => ({ SOPS_AGE_KEY: p.env["SOPS_AGE_KEY"] }))) all.push({ ...x, name: `${x.name}, issued anew` });
    search = new Search(all);
    expect(await run("drift", "--env", "dev")).toBe(1);
    expect(await run("up", "--env", "dev", "--yes")).toBe(0);
    for (const args of [["refresh", "--env", "dev", "--yes"], ["history", "--env", "dev", "--json"], ["doctor", "--env", "dev", "--json"], ["rollback", "--env", "dev", "--secret", "stackseal/dev/twilio", "--yes", "--json"], ["policies", "--env", "dev", "--json"]]) await run(...args);
    for (const s of sent) look("sent to AWS", Buffer.from(s));
    expect(sent.length).toBeGreaterThan(100);
    expect(hits).toEqual([]);
  });
});
