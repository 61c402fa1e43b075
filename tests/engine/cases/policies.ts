// Policies of every kind and level: what the pack of the recorded cases holds.
type Report = (message: string, urn?: string) => void;
interface Resource { readonly type: string; readonly name: string; readonly urn: string; readonly props: Readonly<Record<string, unknown>>; readonly notApplicable: (why: string) => never }
const names = (list: readonly Resource[]): string => list.map((r) => r.name).sort().join(",");
export const policies: readonly object[] = [
  { name: "says-one", description: "v is 1", enforcementLevel: "advisory", validateResource: (r: Resource, report: Report) => { if (r.props["v"] === 1) report(`${r.name} has 1`); } },
  { name: "forbids-two", description: "v is 2", enforcementLevel: "mandatory", severity: "high", validateResource: (r: Resource, report: Report) => { if (r.props["v"] === 2) report(`${r.name} has 2`); } },
  { name: "is-off", description: "never", enforcementLevel: "disabled", validateResource: (_r: Resource, report: Report) => { report("never said"); } },
  { name: "mends-w", description: "w is 3", enforcementLevel: "remediate", remediateResource: (r: Resource) => (r.props["w"] === 3 ? { ...r.props, w: "mended" } : undefined) },
  { name: "mends-less", description: "w stays s1", enforcementLevel: "remediate", validateResource: (r: Resource, report: Report) => { if (r.props["w"] === "s1") report(`${r.name} wasn't mended`); } },
  { name: "only-groups", description: "groups alone", enforcementLevel: "mandatory", validateResource: (r: Resource, report: Report) => { if (!r.type.endsWith(":Group")) r.notApplicable("no group"); if (r.props["rep"] === 2) report("a group of two"); } },
  { name: "counts", description: "of the stack", enforcementLevel: "advisory", validateStack: (s: { readonly resources: readonly Resource[] }, report: Report) => { report(`there are ${names(s.resources.filter((r) => !r.type.startsWith("pulumi:")))}`); } },
  { name: "no-three", description: "of the stack", enforcementLevel: "mandatory", validateStack: (s: { readonly resources: readonly Resource[] }, report: Report) => { for (const r of s.resources) if (r.props["map"] === 3) report(`${r.name} maps to 3`, r.urn); } },
];
