import { readFileSync } from "node:fs";

/** When a process was started, as the system counts; empty where it doesn't tell. A pid alone may have been given to another since. */
export function bornAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
/** Whether a process lives that was started then; `born` empty: any of that pid. */
export function isRunning(pid: number, born = ""): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return false; // 0 and below would mean whole groups of processes
  try {
    process.kill(pid, 0);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const now = bornAt(pid);
  return now === "" || born === "" || now === born;
}
