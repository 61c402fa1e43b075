import { existsSync } from "node:fs";
import { join } from "node:path";
import { readPeople } from "../../seal/deploy.ts";
import { signedFiles, signFile } from "../../seal/file-signature.ts";
import { defineCommand } from "../command.ts";
import { superAdmin } from "../people.ts";

export default defineCommand({
  name: "people sign",
  summary: "Sign people.yaml, the access matrix and the levels of the policies as they stand, as a Super Admin: after an edit by hand",
  wants: "none",
  examples: ["stackseal people sign", "ssh-keygen -Y verify -f allowed_signers -I super-admin-1 -n stackseal-people -s stacks/people.yaml.sig < stacks/people.yaml"],
  run: (context) => {
    const signer = superAdmin(context, readPeople(context.root, ""));
    const files = signedFiles.filter((f) => existsSync(join(context.root, f))).map((f) => signFile(context.root, f, signer.key));
    return Promise.resolve({ exit: 0, json: { signed: files, by: signer.name }, text: files.map((f) => `wrote ${f}, signed by ${signer.name}`).join("\n") });
  },
});
