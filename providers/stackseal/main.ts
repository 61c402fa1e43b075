import { runPlugin, projectRoot } from "../run-plugin.ts";
import { stacksealProvider } from "./index.ts";

const rollback = (process.env["STACKSEAL_ROLLBACK"] ?? "").split(",").filter(Boolean);
// What the AWS SDK would say of Node 20 is no news to who deploys.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
void runPlugin(stacksealProvider({ root: projectRoot(process.cwd(), process.env["PWD"]), env: process.env, rollback }), {
  print: (line) => process.stdout.write(line),
  exit: (code) => process.exit(code),
  parent: () => process.ppid,
  onSignal: (end) => { for (const s of ["SIGINT", "SIGTERM"] as const) process.once(s, end); },
});
