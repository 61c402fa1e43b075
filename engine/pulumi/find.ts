import { accessSync, constants, realpathSync } from "node:fs";
import { delimiter, join, sep } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;
const NAME = process.platform === "win32" ? "pulumi.exe" : "pulumi";
const inNodeModules = (path: string): boolean => path.split(/[\\/]/).includes("node_modules");

/** PATH without what npm puts on it: a package named pulumi there is a downloader. */
export const pathOf = (env: Env): string => (env["PATH"] ?? "").split(delimiter).filter((d) => d !== "" && !inNodeModules(d)).join(delimiter);

/** The Pulumi CLI's executable: on PATH, else under PULUMI_HOME (`~/.pulumi`). Null where there is none; one that lies in a node_modules folder, or links into one, never counts. */
export function findCli(env: Env): string | null {
  const home = env["PULUMI_HOME"] ?? (env["HOME"] === undefined ? undefined : join(env["HOME"], ".pulumi"));
  const dirs = [...pathOf(env).split(delimiter), ...(home === undefined ? [] : [join(home, "bin")])];
  return dirs.filter((d) => d.startsWith(sep) || /^[A-Za-z]:/.test(d)).map((d) => join(d, NAME)).find(executable) ?? null;
}
function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return !inNodeModules(realpathSync(file));
  } catch {
    return false;
  }
}
