import type { z } from "zod";
import type { SecretClass } from "./access.ts";
import type { Mode } from "./claims.ts";
import type { ChecklistStep, ProbeSpec } from "./probe.ts";
import type { RotationSpec } from "./rotation.ts";

/** A value in the true format, made at run time so that nothing like a real key is checked in: `sk_test_{alnum:24}`. Character sets: see schemas/template.ts. */
export type Template = string;

export interface SecretFormat {
  /** Anchored at both ends. */
  readonly pattern: RegExp;
  /** In words, for messages: `sk_test_ or sk_live_ and at least 24 letters and digits`. */
  readonly says: string;
  /** The provider doesn't document the shape: a mismatch is a warning. */
  readonly soft?: boolean;
}

export interface SecretSpec {
  readonly title: string;
  readonly class: SecretClass;
  readonly format: SecretFormat;
  /** Test or live, told from the value; absent where the value doesn't show it. Null: this value doesn't show it. */
  readonly modeOf?: (value: string) => Mode | null;
  /** A person may have chosen it: slow fingerprint (`hN`) and strength rules. */
  readonly human?: boolean;
  /** Minted by us (`secret generate`). */
  readonly generate?: Template;
  readonly accepts: readonly Template[];
  readonly rejects: readonly { readonly sample: Template; readonly why: string }[];
  /** Runtime variables that carry it; `{NAME}` is replaced by the entry's name in capitals where there are several. */
  readonly env: readonly string[];
  /** The settings map whose every entry has one of these: `outbound-webhooks.<entry>.signingSecret`. */
  readonly each?: string;
  /** Plain settings that change with it, as a user name does with its password. */
  readonly pairs?: readonly string[];
  /** Whether an environment with these settings has it: `optional` may be absent, `none` may not be there. Wanted where absent. */
  readonly use?: (own: Readonly<Record<string, unknown>>) => "wanted" | "optional" | "none";
  /** The ceiling and default of `maxAgeDays`. */
  readonly maxAgeDays: number;
  readonly probe: ProbeSpec;
  readonly rotation: RotationSpec;
}

export interface IntegrationSpec<S extends z.ZodType = z.ZodType> {
  readonly id: string;
  readonly title: string;
  /** Chapter of the product documentation. */
  readonly chapter: string;
  /** Which file declares it. */
  readonly file: "environment" | "payments";
  readonly settings: S;
  readonly secrets: Readonly<Record<string, SecretSpec>>;
  /** Runtime variables of the plain settings: variable → dotted path in the settings, or what is derived from them (undefined: left out). */
  readonly env: Readonly<Record<string, string | ((own: Readonly<Record<string, unknown>>) => string | null | undefined)>>;
  /** Where a person finds what the declaration wants, in the provider's console. */
  readonly find: readonly { readonly what: string; readonly where: string; readonly url: string }[];
  /** The troubleshooting steps of the product documentation, in its order. */
  readonly checklist: readonly ChecklistStep[];
  readonly docs?: string;
}

/** Declares an integration; everything else (JSON Schema, variables, scanner rules, documentation) is derived from it. */
export const defineIntegration = <const S extends z.ZodType, const T extends IntegrationSpec<S>>(spec: T & { settings: S }): T => spec;
