import type { Clock } from "../lib/clock.ts";
import type { Finding } from "../lib/finding.ts";
import type { ExpectedSecret } from "../schemas/integrations/index.ts";
import type { People } from "../schemas/people.ts";
import type { Verdict } from "../schemas/rotation-record.ts";
import type { Identity } from "../seal/age.ts";
import type { Peppers } from "../seal/fingerprint.ts";
import type { Signer } from "../seal/seed.ts";
import type { Signers } from "./signers.ts";
import type { Declared, Project } from "../stacks/read.ts";
import type { Store } from "../providers/stores/contract.ts";

export interface HttpCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}
/** No answer is `ok: false`; its message names host and cause, never what was sent. */
export type HttpReply = { readonly ok: true; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly text: string } | { readonly ok: false; readonly message: string };

export interface Probed {
  readonly verdict: Verdict;
  readonly code: string;
  /** Never a value. */
  readonly message: string;
}
/** A credential to be judged live: the value, or the one under the declaration's path. */
export interface Subject {
  readonly path: string;
  readonly kind: string;
  readonly integration: string;
  readonly value: string;
  /** The integration's plain settings, with those that change with the credential already changed. */
  readonly settings: Readonly<Record<string, unknown>>;
}
/** What a key pair at AWS is made and ended with; null where there is no access. */
export interface AccessKeys {
  /** The user who has this access key, and all of that user's keys. */
  owner(accessKeyId: string): Promise<{ readonly user: string; readonly keys: readonly string[] }>;
  create(user: string): Promise<{ readonly id: string; readonly secret: string }>;
  deactivate(user: string, accessKeyId: string): Promise<void>;
  remove(user: string, accessKeyId: string): Promise<void>;
}

/** Everything that a rotation may know of the outside and do to it; the commands make one, tests fake it. */
export interface Outside {
  readonly root: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The rotator's process variables: keys that may mint. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One call; never repeated on its own. The URL is the provider's true one: where a sandbox is meant, the caller of this room sends it there. */
  readonly send: (call: HttpCall) => Promise<HttpReply>;
  readonly probe: (subject: Subject) => Promise<Probed>;
  readonly store: Store;
  readonly accessKeys: (() => Promise<AccessKeys>) | null;
  /** Makes the sandbox's Stripe send an event; null where the provider is the true one. */
  readonly trigger: ((type: string) => Promise<void>) | null;
  /** Writes a file in one step, or not at all (lib/atomic). */
  readonly write: (file: string, text: string, mode: number) => void;
  readonly remove: (file: string) => void;
  readonly wait: (ms: number) => Promise<void>;
  /** What just happened, for a person. */
  readonly say: (text: string) => void;
}

/** An environment in which somebody rotates. */
export interface Rotator extends Outside {
  readonly declared: Declared;
  readonly project: Project;
  readonly people: People;
  /** Who might sign a rotation's steps once, as history tells. */
  readonly once?: Signers["once"];
  readonly signer: Signer;
  /** What history tells of a value that was in force before; null where it never was. Absent where there is no history. */
  readonly heldBefore?: (e: Pick<ExpectedSecret, "path" | "spec">, value: string) => Promise<Finding | null>;
  readonly identities: readonly Identity[];
  readonly peppers: Peppers;
  /** Fingerprints of values that somebody could know, and the list that says so: such a value never comes back. */
  readonly exposed?: ReadonlyMap<string, string>;
  /** Whether everything that it talks to is on this machine: nothing is interrupted, nobody must act elsewhere. */
  readonly sandbox: boolean;
  readonly options: {
    /** How long a grace may be waited for in this run. */
    readonly waitMs: number;
    /** Of the strategy where absent. */
    readonly graceSeconds?: number;
    /** Integrations whose copy of the old value was replaced by hand. */
    readonly confirmed: readonly string[];
    /** A hard cut may be made now, whatever the hour. */
    readonly now: boolean;
    /** How long an old credential may take to die, and a new one to be accepted, at the provider. */
    readonly settleMs: number;
  };
  /** The value that a person gives, where one is at hand: asked once. */
  readonly receive: (() => Promise<string | null>) | null;
}
