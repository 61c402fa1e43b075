export { LOCAL, PEOPLE_FILE } from "../schemas/layout.ts";
/** Files that carry a Super Admin's signature beside them: who may what. */
export const SIGNED: ReadonlySet<string> = new Set(["schemas/access.ts", "schemas/access.ts.sig", "stacks/people.yaml.sig"]);
