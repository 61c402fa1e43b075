import type { PolicyKind } from "../../schemas/iam/document.ts";
import type { Props, Value } from "../../lib/pulumi-value.ts";
import type { Emulator } from "./endpoint.ts";

export interface Made {
  readonly id: string;
  /** Beside the inputs, which are always among the outputs. */
  readonly outputs: Props;
}
/** One resource type of `aws`, as far as the program uses it. Everything is written so that a run that was killed can be run again. */
export interface AwsType {
  readonly type: string;
  /** The arguments that it knows; another one is refused. */
  readonly properties: readonly string[];
  /** Which of them make it another resource. */
  readonly replaces: readonly string[];
  /** Properties that hold a policy document, judged before anything is sent. */
  readonly policies?: Readonly<Record<string, PolicyKind>>;
  /** Makes it, or takes it over where an interrupted run has made it. */
  create(e: Emulator, p: Props): Promise<Made>;
  /** Makes what is there as the inputs say; the same as `create` where absent. */
  update?(e: Emulator, id: string, p: Props, old: Props): Promise<Made>;
  delete(e: Emulator, id: string, p: Props): Promise<void>;
  /** False where it is gone. Absent: it is there as long as nobody deletes it by hand. */
  exists?(e: Emulator, id: string, p: Props): Promise<boolean>;
}
export const defineType = (t: AwsType): AwsType => t;

export const text = (v: Value | undefined): string => (typeof v === "string" ? v : v === undefined || v === null ? "" : JSON.stringify(v));
export const maybe = (v: Value | undefined): string | undefined => (typeof v === "string" ? v : undefined);
export const number = (v: Value | undefined): number | undefined => (typeof v === "number" ? v : undefined);
export const flag = (v: Value | undefined): boolean => v === true;
export const list = (v: Value | undefined): Value[] => (Array.isArray(v) ? v : []);
export const texts = (v: Value | undefined): string[] => list(v).filter((x): x is string => typeof x === "string");
export const map = (v: Value | undefined): Props => (typeof v === "object" && v !== null && !Array.isArray(v) ? v : {});
export const tagList = (v: Value | undefined): { Key: string; Value: string }[] => Object.entries(map(v)).map(([Key, Value]) => ({ Key, Value: text(Value) }));
export const region = (p: Props): string | undefined => maybe(p["region"]);

/** Runs a call and lets the named errors pass: what is there already, or gone already. */
export async function unless<T>(names: readonly string[], call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (e) {
    if (names.includes((e as Error).name)) return null;
    throw e;
  }
}
