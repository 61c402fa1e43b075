import { writtenIn } from "./kit/texts.ts";
import { each, Unknowns } from "./kit/unknown.ts";
import { definePolicy, SEALED_VERSION, tagsOf, type Resource } from "./policy.ts";

const ARN = /arn:aws[a-z-]*:[a-z0-9-]+:([a-z0-9-]*):(\d{12}|):/g;
const ACCOUNT = /(?<!\d)(\d{12})(?!\d)/g;
const NAME = /(?:^|[^A-Za-z0-9_-])(?:alias\/)?stackseal[/]([a-z][a-z0-9-]*)(?=\/)/g;

/** Calls `judge` with every text of a resource. */
function texts(r: Resource, judge: (text: string, path: string) => void): void {
  each(writtenIn(r.props), (w) => {
    if ("unknown" in w) throw w.unknown;
    if ("text" in w) judge(w.text, w.path);
  });
}

export const environmentSeparation = definePolicy({
  id: "environment-separation",
  title: "Account, region, key and name prefix of one environment never in another",
  severity: "critical",
  level: "mandatory",
  remediation: "Every environment has an account, a region, keys and names of its own: refer to this environment's.",
  chapter: "Environment Separation",
  codes: ["ACCOUNT_SHARED", "URL_SHARED"],
  resource: (r, report, known) => {
    const said = new Set<string>();
    const say = (m: string): void => { if (!said.has(m)) report(m); said.add(m); };
    const u = new Unknowns();
    u.try(() => { const e = tagsOf(r)["environment"]; if (e !== undefined && e !== r.environment) say("the environment tag names another environment"); });
    u.try(() => {
      texts(r, (text, path) => {
        for (const m of text.matchAll(NAME)) if (m[1] !== r.environment && (known.environments.length === 0 || known.environments.some((e) => e.name === m[1]))) say(`property ${path} has a name of another environment`);
        // An account's number by itself: a principal, a registry, a queue's address.
        for (const m of text.matchAll(ACCOUNT)) { const foreign = known.environments.find((e) => e.accountId === m[1] && e.name !== r.environment && e.accountId !== r.own?.accountId); if (foreign) say(`property ${path} names the account of ${foreign.name}`); }
        for (const m of text.matchAll(ARN)) {
          const [, region = "", account = ""] = m;
          const foreign = known.environments.find((e) => e.accountId === account && e.name !== r.environment);
          if (account && r.own?.accountId !== undefined && account !== r.own.accountId) say(`property ${path} names ${foreign ? `the account of ${foreign.name}` : "an account that isn't this environment's"}`);
          // Global services have no region; IAM's events and CloudFront's certificates live in us-east-1.
          if (region && r.own?.region !== undefined && region !== r.own.region && region !== "us-east-1" && !r.own.replicas.includes(region)) say(`property ${path} names a region that isn't this environment's`);
        }
      });
    });
    u.try(() => { const region = r.type.startsWith("aws:") ? r.props["region"] : undefined; if (typeof region === "string" && region !== "" && r.own?.region !== undefined && ![r.own.region, "us-east-1", ...r.own.replicas].includes(region)) say("property region names a region that isn't this environment's"); });
    u.try(() => { const store = r.type === SEALED_VERSION ? (r.props["store"] as { accountId?: unknown; region?: unknown } | undefined) : undefined; if (store?.accountId !== undefined && r.own?.accountId !== undefined && (store.accountId !== r.own.accountId || store.region !== r.own.region)) say("the store's account or region isn't this environment's"); });
    u.end();
  },
  passes: [
    { says: "accepts an environment's own names", resource: { type: SEALED_VERSION, stack: "dev", props: { secretId: "stackseal/dev/twilio", store: { kind: "aws", accountId: "111111111111", region: "eu-west-1" }, tags: { environment: "dev", tier: "development" } } } },
    { says: "accepts its own account and region in an ARN", resource: { type: "aws:sns/topicSubscription:TopicSubscription", stack: "dev-payments", props: { topic: "arn:aws:sns:eu-west-1:111111111111:stackseal" } } },
    { says: "accepts ARNs without an account", resource: { type: "aws:iam/rolePolicy:RolePolicy", stack: "dev", props: { policy: '{"Resource":"arn:aws:s3:::bucket/*"}' } } },
  ],
  breaks: [
    { says: "rejects another environment's secret", resource: { type: SEALED_VERSION, stack: "dev", props: { secretId: "stackseal/prod/twilio" } } },
    { says: "rejects another environment's parameter", resource: { type: "aws:ssm/parameter:Parameter", stack: "dev", props: { name: "/stackseal/prod/twilio/FROM" } } },
    { says: "rejects another environment's tag", resource: { type: SEALED_VERSION, stack: "dev", props: { secretId: "stackseal/dev/twilio", tags: { environment: "prod" } } } },
    { says: "rejects another environment's key", resource: { type: "aws:secretsmanager/secret:Secret", stack: "dev", props: { name: "stackseal/dev/twilio", kmsKeyId: "alias/stackseal/prod/standard" } } },
    { says: "rejects another environment's account inside a policy document", resource: { type: "aws:secretsmanager/secretPolicy:SecretPolicy", stack: "staging", props: { policy: '{"Statement":[{"Principal":{"AWS":"arn:aws:iam::333333333333:role/app"}}]}' } } },
    { says: "rejects an account that nobody declared", resource: { type: "aws:sns/topicSubscription:TopicSubscription", stack: "prod", props: { endpoint: "arn:aws:sqs:eu-west-1:999999999999:queue" } } },
    { says: "rejects another environment's account by its number alone", resource: { type: "aws:iam/role:Role", stack: "dev", props: { assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"333333333333"},"Action":"sts:AssumeRole"}]}' } } },
    { says: "rejects another environment's registry", resource: { type: "aws:ecs/taskDefinition:TaskDefinition", stack: "dev", props: { containerDefinitions: '[{"image":"333333333333.dkr.ecr.eu-west-1.amazonaws.com/app"}]' } } },
    { says: "rejects another region of a resource's own", resource: { type: "aws:sns/topic:Topic", stack: "prod", props: { name: "alerts", region: "ap-south-1" } } },
    { says: "rejects another region", resource: { type: "aws:sns/topicSubscription:TopicSubscription", stack: "prod", props: { endpoint: "arn:aws:sqs:eu-central-1:333333333333:queue" } } },
    { says: "rejects another environment's store", resource: { type: SEALED_VERSION, stack: "dev", props: { secretId: "stackseal/dev/twilio", store: { kind: "aws", accountId: "333333333333", region: "eu-west-1" } } } },
    { says: "rejects two environments on one account", project: (p) => { p.replace("stacks/staging/environment.yaml", "222222222222", "111111111111"); } },
  ],
});
