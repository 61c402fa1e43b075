import type { Path } from "../lib/document.ts";
import type { Position } from "../lib/finding.ts";
import type { StackPart } from "../schemas/layout.ts";
import type { Facts } from "./kit/facts.ts";
import type { SampleProject } from "./kit/sample-project.ts";

/** What the declarations say of an environment: what a resource of it may carry, and one of another may not. */
export interface KnownEnvironment {
  readonly name: string;
  readonly tier: string;
  readonly accountId?: string | undefined;
  readonly region?: string | undefined;
  /** OWNER/NAME whose jobs deploy it. */
  readonly repository?: string | undefined;
  readonly replicas: readonly string[];
  /** The platform's host. */
  readonly host: string;
  /** Only what runs on this machine. */
  readonly here: boolean;
}
export interface Known {
  readonly environments: readonly KnownEnvironment[];
  readonly now: Date;
}

/** A resource as a rule sees it. Reading a property that a preview can't know throws the SDK's UnknownValueError: let it pass. */
export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly protect: boolean;
  /** The stack's environment and part, told by the URN. */
  readonly environment: string;
  readonly part: StackPart;
  /** The declared environment; absent where the declarations aren't at hand. */
  readonly own?: KnownEnvironment | undefined;
  /** URNs that a property's value comes from; only in a stack's graph. */
  readonly from?: Readonly<Record<string, readonly string[]>> | undefined;
}
export interface Stack {
  readonly resources: readonly Resource[];
  readonly environment: string;
  readonly part: StackPart;
  readonly own?: KnownEnvironment | undefined;
}
/** Where a declaration's fault stands. */
export interface Place {
  readonly file: string;
  readonly path?: Path | undefined;
  readonly at?: Position | undefined;
  /** What to do, where it is more than the rule's own remediation. */
  readonly hint?: string | undefined;
  /** Said, and blocks nothing, whatever the rule's level. */
  readonly advice?: boolean | undefined;
}

export interface ResourceSample {
  readonly type: string;
  readonly name?: string;
  /** `dev` where absent. */
  readonly stack?: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly protect?: boolean;
  readonly from?: Readonly<Record<string, readonly string[]>>;
}
/** One of: a resource, a stack's resources, or a project (the shipped example, changed by `project`). */
export interface PolicySample {
  /** The sentence a reader wants: "rejects a webhook URL on http". */
  readonly says: string;
  readonly resource?: ResourceSample;
  readonly stack?: readonly ResourceSample[];
  readonly project?: (p: SampleProject) => void;
  /** Day on which a project is judged; that of the sample's making where absent. */
  readonly on?: string;
}

export interface PolicySpec {
  /** The file's name. */
  readonly id: string;
  readonly title: string;
  readonly severity: "low" | "medium" | "high" | "critical";
  readonly level: "advisory" | "mandatory";
  readonly remediation: string;
  /** Chapter of the product documentation. */
  readonly chapter: string;
  /** Settings in the pack's configuration, as JSON Schema properties. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Judges one resource. A message never quotes a value. */
  readonly resource?: (r: Resource, report: (message: string) => void, known: Known, settings: Readonly<Record<string, unknown>>) => void;
  /** Judges all resources of a stack together; the URN names the one that is wrong. */
  readonly stack?: (s: Stack, report: (message: string, urn?: string) => void, known: Known, settings: Readonly<Record<string, unknown>>) => void;
  /** Judges the declarations. */
  readonly declared?: (f: Facts, report: (message: string, place: Place) => void, settings: Readonly<Record<string, unknown>>) => void;
  /** Findings of the rooms before this one that are violations of this rule. */
  readonly codes?: readonly string[];
  /** A passing one first. */
  readonly passes: readonly PolicySample[];
  readonly breaks: readonly PolicySample[];
}
/** Rules that no configuration lowers and no exception lets through: what decides on both hangs on them. */
export const FIXED: readonly string[] = ["people-signed", "exceptions-valid"];
/** Declares a policy as a plain object; one a file, listed in index.ts. */
export const definePolicy = (spec: PolicySpec): PolicySpec => spec;

export const SEALED_VERSION = "stackseal:index:SealedVersion";
export const WEBHOOK_ENDPOINT = "stripe:index:WebhookEndpoint";
export const SECRET = "aws:secretsmanager/secret:Secret";
/** A resource's tags; empty where it has none. */
export const tagsOf = (r: Pick<Resource, "props">): Readonly<Record<string, unknown>> => (r.props["tags"] ?? {}) as Readonly<Record<string, unknown>>;
/** The tier of a resource's environment: as declared, else as tagged. */
export const tierOf = (r: Pick<Resource, "props" | "own">): string | undefined => r.own?.tier ?? (tagsOf(r)["tier"] as string | undefined);
