// How a credential is replaced, as data; interpreted by the room rotation/.
//
// Texts are templates: `{accountSid}` and other plain settings of the integration, `{oldUsername}` for what such a setting was before, `{next}` (the new
// value), `{marker}` (a name that tells which rotation made a thing), `{id}` (the provider's id of what was made), `{old}` (its id of what is replaced),
// `{userDomain}` (of a login), `{eu}` (`.eu` where the declared host is one of Europe's), and what an earlier step took. In a URL all is percent-encoded.

/** Who speaks in a call: the credential in force, the new one, or a key of the rotator's own that may mint. */
export type Speaker = "current" | "next" | "admin";
export type StepAuth =
  | { readonly kind: "bearer"; readonly as: Speaker }
  | { readonly kind: "basic"; readonly user: string; readonly as: Speaker };

/** One call at the provider. Statuses that it doesn't name are a refusal (4xx) or no answer (429, 5xx). */
export interface HttpStep {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly auth: StepAuth;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  /** Further fields of the form, each group sent only where the thing of its name was taken. */
  readonly formWith?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The form goes as multipart/form-data. */
  readonly multipart?: boolean;
  /** A string that is one template alone (`{scopes}`) keeps the taken thing's own type. */
  readonly json?: Readonly<Record<string, unknown>>;
  /** Statuses that mean that it was done before, or that there is nothing to do. */
  readonly done?: readonly number[];
  /** Name → dotted path in the JSON answer, for later steps. */
  readonly take?: Readonly<Record<string, string>>;
  /** Name → what an entry of a list says, the one whose field is this. */
  readonly find?: Readonly<Record<string, { readonly in: string; readonly where: string; readonly is: string; readonly take: string }>>;
}
/** Where an answer lists what exists: to find what an interrupted run made, and what is replaced. */
export interface ListStep extends HttpStep {
  /** Dotted path of the array; empty where the answer is the array. */
  readonly items: string;
  readonly id: string;
  /** Holds the marker, where the provider keeps a name. */
  readonly name?: string;
  /** Holds the value's last characters, where the provider keeps them: tells which one is the old one. */
  readonly tail?: string;
}

/** Who speaks where no key of the rotator's own is given: the credential itself, another secret of the same integration where the environment has it, or nobody. */
export type AdminFallback = "current" | "none" | { readonly secret: string };
export interface ApiRotation {
  readonly kind: "api";
  readonly strategy: string;
  readonly overlap: string;
  /** How long the old one lives on beside the new one, by default. 0: until the next step. */
  readonly graceSeconds: number;
  /** The old one dies in the very call that makes the new one. */
  readonly hardCut?: boolean;
  /** What a call needs that the credential itself may not do: the variable of the rotator's process that holds such a key. */
  readonly admin?: { readonly variable: string; readonly says: string; readonly fallback: AdminFallback };
  /** Asked first, for what later steps need. */
  readonly prepare?: readonly HttpStep[];
  readonly list?: ListStep;
  /** The old one's id: taken from its value by a pattern's first group, or the one that the list showed before. */
  readonly old?: { readonly from: "value"; readonly pattern: RegExp } | { readonly from: "list" };
  /** `provider`: its answer shows the value once, at this path. `us`: we make the value and seal it before the provider hears of it. */
  readonly mint: { readonly by: "provider"; readonly step: HttpStep; readonly value: string; readonly id?: string; readonly settings?: Readonly<Record<string, string>> } | { readonly by: "us"; readonly template: string; readonly step: HttpStep; readonly id?: string; readonly settings?: Readonly<Record<string, string>> };
  /** Takes back what was made and isn't used; run after an interrupted mint too. */
  readonly discard: HttpStep | null;
  /** Ends the old one. */
  readonly revoke: HttpStep | null;
  /** Others that hold the old value and must be told before it ends, by hand. */
  readonly holders?: readonly { readonly integration: string; readonly says: string }[];
}
export interface GuidedRotation {
  readonly kind: "guided";
  readonly steps: readonly string[];
  readonly page?: string;
  readonly overlap: string;
  readonly hardCut?: boolean;
  /** How the old one is ended by hand. */
  readonly revoke: string;
}
/** A second thing of the same kind beside the first, then the first is removed. */
export interface ReplaceRotation {
  readonly kind: "replace";
  readonly overlap: string;
  readonly graceSeconds: number;
  readonly list: ListStep;
  readonly create: HttpStep;
  readonly update: HttpStep;
  readonly retrieve: HttpStep;
  readonly remove: HttpStep;
  /** Lists what was sent since an instant: tells whether the receiver took everything. */
  readonly events: HttpStep;
}
/** Minted and verified by us alone. */
export interface OwnRotation {
  readonly kind: "own";
  readonly overlap: string;
  readonly graceSeconds: number;
}
/** An AWS access key of the user who has the current one; SES's password is derived from it. */
export interface IamRotation {
  readonly kind: "iam";
  readonly strategy: string;
  readonly overlap: string;
  readonly graceSeconds: number;
}
export type RotationSpec = (ApiRotation | GuidedRotation | ReplaceRotation | OwnRotation | IamRotation) & {
  /** 0 to 100: what whoever holds it can do. Orders a rotation after a compromise. */
  readonly danger: number;
  /** Readers take the old value beside the new one until it ends: they sign with both, or verify with both what others sign. */
  readonly both?: true;
};

/** The name under which a strategy goes in lists. */
export const strategyName = (r: RotationSpec): string => ("strategy" in r ? r.strategy : r.kind);
/** The environment's schedule allows an unattended run of these alone. */
export const mayGoUnattended = (r: RotationSpec): boolean => r.kind === "own" || ((r.kind === "api" || r.kind === "iam") && !("hardCut" in r && r.hardCut));
