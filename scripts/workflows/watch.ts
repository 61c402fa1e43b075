import { stackName, type StackPart } from "../../schemas/layout.ts";
import { exportState, fetchIdentity, forget, OPENER } from "./deploy.ts";
import { hostEnvironment } from "./names.ts";
import { run, type Job, type Place, type Step } from "./step.ts";
import { BUNDLE, fetchNotes, SUMMARY, type Kit } from "./kit.ts";

const parts = (p: Place): StackPart[] => ["foundation", "standard", ...(p.payments ? ["payments" as const] : [])];

/** Every night: what is due, what differs from git, what the rules say of the state (the auditor's rights: lists and descriptions), and the doctor (the rotator's identity, which opens no payment credential). */
export function nightlyJobs(kit: Kit): Job[] {
  return kit.o.places.flatMap((p): Job[] => {
    const stacks = parts(p).map((part) => stackName(p.name, part));
    return [
      {
        id: `watch-${p.name}`, name: `Watch ${p.name}`, stage: "watch", needs: ["bundle"], environment: hostEnvironment(p, "auditor"), oidc: true,
        steps: [
          ...kit.unpack, { kind: "pulumi" }, ...kit.cloud(p, "auditor"),
          // Each looks, whatever the one before it found.
          run("Due dates", kit.cli(`rotate due --env ${p.name}`)),
          run("Drift", kit.cli(`drift --env ${p.name}`), undefined, true),
          ...parts(p).map((part) => exportState(kit, p, part, "", true)),
          run("Policies on what is deployed", kit.cli(`policies --env ${p.name} ${stacks.map((s) => `--state ${s}.json`).join(" ")}`), undefined, true),
        ],
      },
      {
        id: `doctor-${p.name}`, name: `Doctor of ${p.name}`, stage: "watch", needs: ["bundle"], environment: hostEnvironment(p, "rotator"), oidc: true,
        steps: [...kit.unpack, ...kit.cloud(p, "rotator"), fetchIdentity(kit, p, "rotator"), run("Doctor", kit.cli(`doctor --env ${p.name} --part standard`), OPENER), forget(OPENER)],
      },
    ];
  });
}
/** Every quarter: what an auditor reads and what people sign off. The bundle's signature and the drill take people's own keys: the last step says the two commands. */
export function quarterlyJobs(kit: Kit): Job[] {
  const states = kit.o.places.flatMap((p) => parts(p).map((part) => `states/${stackName(p.name, part)}.json`));
  const exported: Job[] = kit.o.places.map((p) => ({
    id: `states-${p.name}`, name: `Export the states of ${p.name}`, stage: "watch", environment: hostEnvironment(p, "auditor"), oidc: true, needs: ["bundle"],
    steps: [
      ...kit.unpack, { kind: "pulumi" }, ...kit.cloud(p, "auditor"), run("A folder", "mkdir -p states"),
      ...parts(p).map((part) => exportState(kit, p, part, "states/")),
      { kind: "keep", name: `states-${p.name}`, path: "states/*.json", days: 90 },
    ],
  }));
  const bundle: Job = {
    id: "bundle", name: "Build the bundle, without any credential", stage: "build", digest: true,
    steps: [...kit.install, run("Check", kit.cli("check")), run("Pack", `tar --exclude=./${BUNDLE} -czf ../${BUNDLE} . && mv ../${BUNDLE} .`), { kind: "keep", name: BUNDLE, path: BUNDLE, days: 7 }],
  };
  const fetched = kit.o.places.map((p): Step => ({ kind: "fetch", name: `states-${p.name}`, into: "states" }));
  return [bundle, ...exported, {
    id: "evidence", name: "Evidence and access review", stage: "watch", needs: ["bundle", ...exported.map((j) => j.id)],
    steps: [
      // Notes come into the clone that the bundle is unpacked over, its token with it goes.
      { kind: "checkout", token: true }, fetchNotes, ...kit.unpack, ...fetched,
      run("A folder", "mkdir -p evidence"),
      run("Every change of a credential, a setting, a recipient or a role", kit.cli("audit log --format csv > evidence/audit-log.csv")),
      ...kit.o.places.map((p) => run(`Rotations of ${p.name}`, kit.cli(`rotations --env ${p.name} --format csv > evidence/rotations-${p.name}.csv`))),
      run("Who has access", kit.cli("people list --json > evidence/people.json")),
      run("The access matrix", kit.cli("access matrix > evidence/access-matrix.txt")),
      run("An access review, for Super Admins to sign off line by line", kit.cli("access review")),
      run("One page for an auditor", kit.cli("audit report --out evidence/report.html")),
      { kind: "keep", name: "evidence", path: "evidence/**\nstacks/reviews/*.yaml\nstates/*.json", days: 90 },
      run("What people do now, with their own keys", `printf '%s\\n' 'Download evidence and backup, then:' 'stackseal audit bundle --quarter QUARTER --out BUNDLE --state states/STACK.json' 'stackseal backup drill backup/ID.age --identity ONE --identity OTHER' 'stackseal access apply' | ${SUMMARY}`),
    ],
  }, {
    id: "backup", name: "An archive that any two of three people open", stage: "watch", needs: ["bundle", ...exported.map((j) => j.id)],
    steps: [
      ...kit.unpack, ...fetched, run("Archive", kit.cli(`backup create --out backup ${states.map((s) => `--state ${s}`).join(" ")}`.trim())),
      { kind: "keep", name: "backup", path: "backup/*", days: 90 },
    ],
  }];
}
