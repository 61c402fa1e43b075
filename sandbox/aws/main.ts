import { runPlugin } from "../../providers/run-plugin.ts";
import { sandboxAws } from "./index.ts";

// What the AWS SDK would say of Node 20 is no news to who deploys.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
void runPlugin(sandboxAws(process.env), {
  print: (line) => process.stdout.write(line),
  exit: (code) => process.exit(code),
  parent: () => process.ppid,
  onSignal: (end) => { for (const s of ["SIGINT", "SIGTERM"] as const) process.once(s, end); },
});
