import { diffOf, type Provider } from "../../lib/provider.ts";
import { parseUrn } from "../urn.ts";
import { changedKeys, plainProps } from "../values.ts";

// No AWS provider schema comes with npm: which property changes replace is this small table, from the typings of @pulumi/aws 7.48
// ("Forces new resource"); outside it a change is an update.
const REPLACES: Readonly<Record<string, readonly string[]>> = {
  "aws:secretsmanager/secret:Secret": ["name", "namePrefix"],
  "aws:ssm/parameter:Parameter": ["name"],
  "aws:kms/alias:Alias": ["name", "namePrefix"],
  "aws:sns/topic:Topic": ["name", "namePrefix", "fifoTopic"],
  "aws:cloudwatch/eventRule:EventRule": ["name", "namePrefix", "eventBusName"],
  "aws:s3/bucket:Bucket": ["bucket", "bucketPrefix"],
};

/** Stands in for a provider whose plugin isn't here, in previews alone: inputs pass through, nothing is validated, and nothing can be deployed. */
export function unplugged(pkg: string): Provider {
  const refuse = (): Promise<never> => Promise.reject(new Error(`the ${pkg} plugin is not here: deploy with the Pulumi CLI`));
  return {
    checkConfig: (_u, _o, inputs) => Promise.resolve({ inputs, failures: [] }),
    diffConfig: () => Promise.resolve(diffOf("unknown")),
    configure: () => Promise.resolve({ acceptSecrets: true, supportsPreview: false }),
    check: (_u, _o, inputs) => Promise.resolve({ inputs, failures: [] }),
    diff: (urn, _id, oldIn, _oldOut, newIn) => {
      const diffs = changedKeys(plainProps(oldIn), plainProps(newIn));
      return Promise.resolve(diffOf(diffs.length ? "some" : "none", diffs, diffs.filter((k) => REPLACES[parseUrn(urn).type]?.includes(k))));
    },
    create: refuse, update: refuse, delete: refuse, invoke: refuse,
    read: (_u, id, inputs, outputs) => Promise.resolve({ id, inputs, outputs }),
    getSchema: () => Promise.resolve("{}"),
    cancel: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
