import { loopback } from "../../schemas/fields.ts";

/** What a service's client is made with. */
export interface ClientSettings {
  readonly region: string;
  readonly endpoint: string;
  readonly credentials: () => Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }>;
  readonly maxAttempts: number;
  readonly forcePathStyle: boolean;
}
type Make = new (s: ClientSettings) => { destroy(): void };

/** The emulator that the provider talks to: one on this machine, and no other. Clients are kept a service and region. */
export class Emulator {
  readonly region: string;
  readonly account: string;
  private readonly endpoint: string;
  private readonly env: Readonly<Record<string, string | undefined>>;
  private readonly clients = new Map<string, { destroy(): void }>();
  /** Throws where the address is not on this machine. */
  constructor(endpoint: string, region: string, account: string, env: Readonly<Record<string, string | undefined>>) {
    if (!URL.canParse(endpoint) || !loopback(new URL(endpoint).hostname)) throw new Error("SANDBOX_ADDRESS: this AWS provider talks to an emulator on loopback and to nothing else");
    this.endpoint = endpoint;
    this.region = region;
    this.account = account;
    this.env = env;
  }
  client<T extends Make>(service: T, region = this.region): InstanceType<T> {
    const key = `${service.name}@${region}`;
    let c = this.clients.get(key);
    if (!c) this.clients.set(key, (c = new service({ region, endpoint: this.endpoint, credentials: () => Promise.resolve(this.credentials()), maxAttempts: 4, forcePathStyle: true })));
    return c as InstanceType<T>;
  }
  close(): void {
    for (const c of this.clients.values()) c.destroy();
    this.clients.clear();
  }
  private credentials(): { accessKeyId: string; secretAccessKey: string; sessionToken?: string } {
    const [accessKeyId, secretAccessKey, sessionToken] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].map((k) => this.env[k]);
    return accessKeyId !== undefined && secretAccessKey !== undefined ? { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) } : { accessKeyId: "test", secretAccessKey: "test" };
  }
}
