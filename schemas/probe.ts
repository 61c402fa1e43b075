// How a credential is checked live, as data: interpreted by the doctor, printed by the documentation. No file here does I/O.

export type Verdict = "valid" | "invalid" | "inconclusive" | "skipped";

/** Where the credential goes in a request. `{name}` in a text is a declared setting, `{value}` the credential itself. */
export type ProbeAuth =
  | { readonly kind: "bearer" }
  | { readonly kind: "basic"; readonly user: string }
  | { readonly kind: "header"; readonly name: string }
  /** A form's fields. */
  | { readonly kind: "form"; readonly fields: Readonly<Record<string, string>> }
  /** As bearer, the token that the main call was answered with (`HttpProbe.grants`). */
  | { readonly kind: "granted" };

export interface ProbeCall {
  readonly method: "GET" | "POST";
  /** With `{settings}`; its origin is replaced by the sandbox's where that is asked. */
  readonly url: string;
  readonly auth: ProbeAuth;
  readonly headers?: Readonly<Record<string, string>>;
  /** A JSON body's fields. */
  readonly json?: Readonly<Record<string, string>>;
}

/** What an answer says of the credential, where it isn't what its status says anyway (2xx valid, 401 invalid, 429 and 5xx inconclusive). The first that fits is taken. */
export interface ProbeReading {
  readonly status: number;
  /** Dotted path in the JSON answer that must be `is`; every answer of that status where absent. */
  readonly field?: string;
  readonly is?: string | number | boolean;
  readonly verdict: Verdict;
  readonly code: string;
  readonly message: string;
  readonly next: string;
  /** The credential shows by this answer that it is of test or live mode. */
  readonly mode?: "test" | "live";
  /** The account, not the credential, is what the answer is about: the credential step stays valid. */
  readonly account?: boolean;
}

type Plain = string | boolean | number;
/** What an answer tells of the account, compared with the declaration or the environment. */
export type ProbeFact =
  /** The account's standing: `good` values are fine, all others are not. */
  | { readonly kind: "standing"; readonly field: string; readonly good: readonly Plain[]; readonly productionOnly?: boolean }
  /** A number, such as a balance, that should be above. */
  | { readonly kind: "above"; readonly field: string; readonly than: number; readonly what: string }
  /** Must be the declared setting. */
  | { readonly kind: "setting"; readonly field: string; readonly setting: string; readonly what: string }
  /** Must be one of these in production; and, where `others` is given, one of those elsewhere. */
  | { readonly kind: "tier"; readonly field: string; readonly production: readonly Plain[]; readonly others?: readonly Plain[]; readonly what: string }
  /** A list that must hold all of these. */
  | { readonly kind: "includes"; readonly field: string; readonly wants: readonly string[]; readonly what: string }
  /** Names the account, so that two environments on one account are seen. */
  | { readonly kind: "account"; readonly field: string };

export interface ProbeLimit {
  readonly what: string;
  /** A response header, or `field:` and a dotted path of the answer. */
  readonly remaining: string;
  readonly limit?: string;
}
/** A further call with the same credential, made once that was accepted. */
export interface ProbeMore {
  readonly what: string;
  readonly call: ProbeCall;
  /** The only fields that are looked at. */
  readonly keep: readonly string[];
  readonly facts: readonly ProbeFact[];
  readonly limits?: readonly ProbeLimit[];
  /** Said where the answer is 403. */
  readonly forbidden: string;
  /** What an answer says of the account, where it isn't what its status says anyway. */
  readonly readings?: readonly ProbeReading[];
}
/** Something that the declared use needs to reach with the credential. */
export interface ProbeResource {
  readonly what: string;
  readonly call: ProbeCall;
  /** Only where this setting is declared, and, where `mentions` is given, holds that text somewhere. */
  readonly when?: string;
  readonly mentions?: string;
  /** A list in the answer that must not be empty. */
  readonly some?: string;
  /** A declared id: 404 and 400 mean that it doesn't exist there. */
  readonly declared?: boolean;
  /** Said where the answer is 403, for what is looked at and not needed. */
  readonly forbidden?: string;
}

export interface HttpProbe {
  readonly kind: "http";
  /** The fake that stands for the provider in the sandbox; the integration's id where absent. */
  readonly service?: string;
  /** The provider's name, where it isn't the integration's title. */
  readonly provider?: string;
  readonly call: ProbeCall;
  /** The only fields of the main answer that are looked at; nothing else is kept or printed. */
  readonly keep: readonly string[];
  readonly readings: readonly ProbeReading[];
  readonly facts: readonly ProbeFact[];
  /** The field of the main answer that carries a token for `granted` calls: held in memory alone. */
  readonly grants?: string;
  readonly more: readonly ProbeMore[];
  readonly permissions: readonly ProbeResource[];
  /** What no reading call can prove. */
  readonly unprovable: string;
  /** Headers of the main answer that tell usage. */
  readonly limits: readonly ProbeLimit[];
  /** What the provider publishes of its limits. */
  readonly limitsKnown: string;
  /** `once`: a corrupted copy is sent once and must be refused. `never`: the provider locks accounts. */
  readonly control: "once" | "never";
  /** Origins of the provider's other regions: a key of another region looks dead here. `declare` says what to change. */
  readonly regions?: readonly { readonly name: string; readonly origin: string; readonly declare: string }[];
  /** Recent errors that the provider keeps: a list, and each one's code. */
  readonly errors?: { readonly what: string; readonly call: ProbeCall; readonly list: string; readonly code: string };
  /** What to look for in the application's log. */
  readonly logLine: string;
  /** Where a new one is made. */
  readonly page: string;
}

/** `http`: an API's answer. `smtp`: a real login. `none`: never called, and why. */
export type ProbeSpec = HttpProbe | { readonly kind: "smtp" } | { readonly kind: "none"; readonly why: string };

/** One step of a troubleshooting checklist; its id is the `step` of the doctor's results. */
export interface ChecklistStep {
  readonly id: string;
  readonly title: string;
}
