// What the tests are held against beyond npm: pinned, installed once into the user's cache, never into the tree.
// Where an interpreter or a registry is absent, the tests that need the peer are skipped and the reason is said.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

export const cache = join(process.env.XDG_CACHE_HOME || join(homedir() || tmpdir(), ".cache"), "stackseal", "tools");

/** `go`: built by `go install`. `go-module`: a module whose replacements `go install` refuses, built as a dependency; only where its `wanted` variable is set, for it takes minutes. `pip`: a virtual environment of its own, whose `commands` alone come on PATH. `apt`: a Debian package, where we are root there. */
const peers = [
  { kind: "go", name: "sops", version: "v3.13.3", module: "github.com/getsops/sops/v3/cmd/sops" },
  { kind: "go", name: "stripe-mock", version: "v0.203.0", module: "github.com/stripe/stripe-mock" },
  { kind: "go", name: "gitleaks", version: "v8.30.1", module: "github.com/zricethezav/gitleaks/v8" },
  { kind: "go", name: "actionlint", version: "v1.7.12", module: "github.com/rhysd/actionlint/cmd/actionlint" },
  { kind: "go-module", name: "pulumi", version: "v3.260.0", module: "github.com/pulumi/pulumi/pkg/v3", command: "cmd/pulumi", flags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.260.0", wanted: "STACKSEAL_PULUMI" },
  { kind: "pip", name: "ministack", version: "1.5.33", requirements: ["ministack==1.5.33"], commands: ["ministack"] },
  { kind: "pip", name: "moto", version: "5.2.5", requirements: ["moto==5.2.5", "flask", "flask-cors", "jsonpath_ng"], commands: ["moto_server"] },
  { kind: "apt", name: "chromium", version: "any", commands: ["chromium", "chromium-browser", "google-chrome"] },
];

const quiet = (command, args, options = {}) => spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"], ...options });
const answers = (command, args) => spawnSync(command, args, { stdio: "ignore" }).status === 0;
const onPath = (command) => (process.env.PATH ?? "").split(":").some((d) => d !== "" && existsSync(join(d, command)));

const has = { go: () => answers("go", ["version"]), "go-module": () => answers("go", ["version"]), pip: () => answers("python3", ["-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"]), apt: () => true };

// Each installer fills a folder of its own; it is renamed into place when it is whole, so that two runs at once, or a killed one, leave nothing half-done.
const install = {
  go: (p, dir) => quiet("go", ["install", `${p.module}@${p.version}`], { env: { ...process.env, GOBIN: dir, GOFLAGS: "" } }).status === 0,
  "go-module": (p, dir) => {
    const build = mkdtempSync(join(tmpdir(), "stackseal-go-"));
    writeFileSync(join(build, "go.mod"), "module stackseal.test/peer\n\ngo 1.24\n");
    writeFileSync(join(build, "peer.go"), `//go:build peer\n\npackage peer\n\nimport _ "${p.module}/${p.command}"\n`);
    const env = { ...process.env, GOFLAGS: "" };
    const ok = quiet("go", ["get", `${p.module}/${p.command}@${p.version}`], { cwd: build, env }).status === 0 && quiet("go", ["build", "-ldflags", p.flags, "-o", join(dir, p.name), `${p.module}/${p.command}`], { cwd: build, env }).status === 0;
    rmSync(build, { recursive: true, force: true });
    return ok;
  },
  pip: (p, dir, final) => {
    const venv = join(final, "..", `${p.name}-${p.version}.venv`);
    rmSync(venv, { recursive: true, force: true });
    const ok = quiet("python3", ["-m", "venv", venv]).status === 0 && quiet(join(venv, "bin/python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...p.requirements]).status === 0;
    if (ok) for (const c of p.commands) symlinkSync(join(venv, "bin", c), join(dir, c));
    return ok;
  },
  apt: (p) => {
    if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get") || process.env.STACKSEAL_NO_APT) return false;
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const get = () => quiet("apt-get", ["install", "-y", "-qq", "--no-install-recommends", p.name], { env, stdio: "ignore" }).status === 0;
    return get() || (quiet("apt-get", ["update", "-qq"], { env, stdio: "ignore" }).status === 0 && get());
  },
};

/** Installs what is missing. `paths` go before PATH; `missing` says why a peer isn't there. */
export function installPeers(say) {
  const paths = [], missing = [];
  mkdirSync(cache, { recursive: true });
  for (const p of peers) {
    const final = join(cache, `${p.name}-${p.version}`);
    const there = p.kind === "apt" ? p.commands.some(onPath) : existsSync(final);
    if (!there && p.wanted !== undefined && !process.env[p.wanted]) {
      missing.push({ name: p.name, why: `built from its Go module where ${p.wanted}=1 is set (some minutes, once)` });
      continue;
    }
    if (!there) {
      if (!has[p.kind]()) {
        missing.push({ name: p.name, why: p.kind.startsWith("go") ? "no Go toolchain" : "no Python 3.10 with venv" });
        continue;
      }
      say(`installing ${p.name}${p.version === "any" ? "" : ` ${p.version}`} (once)`);
      const dir = mkdtempSync(join(cache, `.${p.name}-`));
      if (!install[p.kind](p, dir, final)) {
        rmSync(dir, { recursive: true, force: true });
        missing.push({ name: p.name, why: p.kind === "apt" ? "not on PATH, and apt-get can't install it here" : "its registry didn't give it" });
        continue;
      }
      if (p.kind === "apt" || existsSync(final)) rmSync(dir, { recursive: true, force: true });
      else renameSync(dir, final);
    }
    if (p.kind !== "apt") paths.push(final);
  }
  return { paths, missing };
}
