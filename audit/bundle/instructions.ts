import { commitsCommand } from "./git-parts.ts";
import { BUNDLE_NAMESPACE, type Manifest } from "./manifest.ts";

/** VERIFY.txt: how to check the bundle with git, sha256sum and ssh-keygen alone. The indented lines are commands, run in the bundle's folder. */
export function instructions(m: Omit<Manifest, "files">): string {
  const { git: g, previous } = m;
  return `How to check this bundle without the tool that made it
======================================================

Needed: a POSIX shell, git, sha256sum, ssh-keygen. Run the indented lines in this folder. Each must end with exit code 0.

Get these from somewhere else than this bundle, and set them first:
  SIGNERS   an allowed-signers file of ssh-keygen with the Super Admins' public keys, one a line: NAME KEY
  CLONE     a full clone of the repository, fetched by yourself (where the project is a folder in it: that folder)
  PREVIOUS  the folder of the former bundle, as you received it then${previous === null ? " (this bundle names none)" : ""}

1. Who signed it. The manifest says ${m.signer.name}; believe SIGNERS, not the manifest.

    ssh-keygen -Y verify -f "$SIGNERS" -I '${m.signer.name}' -n ${BUNDLE_NAMESPACE} -s manifest.json.sig < manifest.json

2. Every file is the one that was signed, none is missing, none was added.

    grep -A 1 '"path": "SHA256SUMS"' manifest.json | grep -q "$(sha256sum SHA256SUMS | cut -d ' ' -f 1)"
    sha256sum -c --quiet SHA256SUMS
    test "$(find . ! -type d ! -name manifest.json.tsr ! -name manifest.json.lock.json | wc -l)" -eq "$(($(wc -l < SHA256SUMS) + 3))"

3. The history is the one in the repository: the bundle's last commit is in it, no commit was dropped or put in, the copied files are as committed.

    git -C "$CLONE" merge-base --is-ancestor ${g.head} HEAD
    git -C "$CLONE" ${commitsCommand(g)} | diff - git/commits.txt
    (cd git/files && find . -type f | cut -c 3-) | while read -r f; do git -C "$CLONE" show "${g.head}:./$f" | cmp - "git/files/$f" || exit 1; done

${previous === null ? "4. There is no former bundle: the manifest's \"previous\" is null." : `4. It follows on the former bundle (check that one the same way).

    echo '${previous.manifestSha256}  '"$PREVIOUS/manifest.json" | sha256sum -c --quiet -`}

What this can't show
  git/log.jsonl and the other lists under git/ are read out of these commits by the tool: "stackseal -C CLONE audit verify DIR" makes them
  anew, byte for byte. By hand, "git show COMMIT" tells what a line of git/log.jsonl says.
  recorded/ holds what git doesn't: it is as it was found when the bundle was made. The signature and the next bundle's chain keep it from
  being changed later; nothing here proves that it was true.
  Where manifest.json.lock.json lies beside the manifest, a locked bucket has a copy of it and says since when; whoever may read there asks it:
  aws s3api get-object --bucket BUCKET --key KEY --version-id VERSION copy.json, then cmp copy.json manifest.json and LastModified.
  Dates of commits are their writers' word. ${m.timeStamp === null ? "Where manifest.json.tsr lies beside the manifest, it is an RFC 3161 time stamp over it, given afterwards: openssl ts -verify -data manifest.json -in manifest.json.tsr -CAfile AUTHORITY. Without one, that the bundle existed at its date is the signer's word." : `${m.timeStamp.file} is an RFC 3161 token over ${m.timeStamp.over}; check it with its authority's certificate: openssl ts -verify.`}
${m.absent.map((a) => `  Not in this bundle: ${a}\n`).join("")}`;
}
