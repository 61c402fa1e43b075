// What the canary runs, in order. The list grows with the commands: one that has no line here is run as DEFAULT says.

export interface Step {
  /** Words and flags after `stackseal`. */
  readonly args: readonly string[];
  readonly input?: string;
  /** Prints a value because it was asked to: its standard output isn't searched. */
  readonly reveals?: boolean;
  /** The program that is started to have the values in its environment. */
  readonly given?: string;
  /** As whom: an example person, whose keys are at hand; nobody where absent. */
  readonly as?: string;
  /** Runs until it is stopped, milliseconds. */
  readonly stopAfter?: number;
  readonly env?: Readonly<Record<string, string>>;
}
const ENVS = ["local", "dev", "staging", "prod"];
const each = (f: (env: string) => Step): Step[] => ENVS.map(f);

export const STEPS: readonly Step[] = [
  { args: ["start"] },
  { args: ["check"] }, { args: ["check", "--json"] },
  { args: ["preview"] }, { args: ["preview", "--json"] }, { args: ["preview", "--format", "markdown"] }, { args: ["preview", "--format", "github"] }, { args: ["preview", "--save-plan", "plan.json"] },
  ...each((e) => ({ args: ["secret", "list", "--env", e, "--json"] })), ...each((e) => ({ args: ["secret", "list", "--env", e] })),
  ...each((e) => ({ args: ["secret", "verify", "--env", e] })),
  { args: ["up", "--env", "local", "--yes"] }, { args: ["up", "--env", "local", "--yes", "--json"] },
  { args: ["refresh", "--env", "local", "--yes", "--json"] }, { args: ["export", "--env", "local"] }, { args: ["history", "--env", "local", "--json"] },
  { args: ["policies"] }, { args: ["policies", "--env", "local", "--json"] },
  { args: ["scan", "--json"] }, { args: ["scan", "--history", "--format", "sarif"] }, { args: ["scan", ".stackseal", "--json"] },
  { args: ["doctor", "--env", "local", "--json"] }, { args: ["doctor", "--env", "local", "--sandbox"] }, { args: ["drift", "--env", "local", "--json"] },
  { args: ["rotate", "due", "--json"] }, { args: ["rotate", "plan", "--env", "local", "--json"] }, { args: ["rotations", "--json"] },
  { args: ["audit", "log", "--json"] }, { args: ["audit", "log"] }, { args: ["audit", "report", "--out", "report.html"] }, { args: ["audit", "bundle", "--since", "2020-01-01", "--until", "2099-12-31", "--out", "bundle"], as: "super-admin-1" },
  { args: ["audit", "verify", "bundle.tar", "--json"] }, { args: ["audit", "log", "--format", "csv"] },
  { args: ["backup", "create", "--out", "backup", "--json"], as: "super-admin-1" }, { args: ["backup", "drill", "ARCHIVE", "--identity", "KEY:super-admin-1", "--identity", "KEY:super-admin-2", "--json"] },
  { args: ["backup", "restore", "ARCHIVE", "--identity", "KEY:super-admin-1", "--identity", "KEY:admin-1", "--into", "restored"] }, { args: ["backup", "restore", "ARCHIVE", "--identity", "KEY:engineer-1", "--into", "restored2"] },
  { args: ["docs", "--out", "book"] }, { args: ["access", "review", "--json"] }, { args: ["access", "matrix", "--json"] },
  { args: ["rotate", "start", "outbound-webhooks.crm-sync.signingSecret", "--env", "local", "--grace", "0s", "--yes", "--json"] }, { args: ["rotations", "--env", "local"] },
  { args: ["types", "--env", "dev"] }, { args: ["people", "list", "--json"] }, { args: ["people", "exposure", "engineer-1"] },
  { args: ["secret", "reseal", "--env", "dev", "--yes"], as: "super-admin-1" },
  { args: ["people", "remove", "engineer-1", "--yes"], as: "super-admin-1" },
  { args: ["secret", "get", "twilio.authToken", "--env", "dev", "--reveal"], as: "super-admin-1", reveals: true },
  { args: ["secret", "export", "--env", "dev", "--format", "dotenv"], as: "super-admin-1", reveals: true },
  { args: ["run", "--env", "local", "--", "sleep", "0.3"], reveals: true, given: "sleep" },
  // What goes wrong: a wrong key, a service that sends the caller's key back, an uncaught error in the midst.
  { args: ["secret", "get", "twilio.authToken", "--env", "prod", "--reveal"], as: "engineer-1" },
  { args: ["up", "--env", "prod", "--yes"], as: "super-admin-1" },
  { args: ["up", "--env", "local", "--yes", "--json"], env: { STACKSEAL_STRIPE_SANDBOX: "ECHO" } },
  { args: ["destroy", "--env", "local", "--yes"], env: { NODE_OPTIONS: "CRASH" } },
  { args: ["up", "--env", "local", "--yes"], env: { NODE_OPTIONS: "CRASH" } },
  { args: ["destroy", "--env", "local", "--yes", "--json"] },
  { args: ["sandbox"], stopAfter: 4000 },
];
/** Over the Pulumi CLI: a stack of its own, in a backend of files. */
export const CLI_STEPS: readonly Step[] = [
  { args: ["up", "--env", "local", "--engine", "pulumi", "--yes", "--json"] }, { args: ["preview", "--env", "local", "--engine", "pulumi", "--json"] },
  { args: ["export", "--env", "local", "--engine", "pulumi"] }, { args: ["refresh", "--env", "local", "--engine", "pulumi", "--yes"] }, { args: ["destroy", "--env", "local", "--engine", "pulumi", "--yes"] },
];
/** How a command that has no line above is run. */
export const DEFAULT = (name: string): Step => ({ args: [...name.split(" "), "--env", "local", "--yes", "--json"], stopAfter: 10_000 });
/** Left out, and why. */
export const EXCUSED: Readonly<Record<string, string>> = {
  "webhook listen": "waits for a request", "completion": "prints a script", "secret merge": "git's merge driver: its files are tried in its own tests",
};
