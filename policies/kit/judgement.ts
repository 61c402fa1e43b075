import type { Policies } from "@pulumi/policy";
import type { Finding } from "../../lib/finding.ts";
import { EXCEPTIONS_FILE, type Exception } from "../../schemas/exceptions.ts";
import type { Declared } from "../../stacks/read.ts";
import { faultsOf } from "../exceptions-valid.ts";
import { rules } from "../index.ts";
import type { PackConfig } from "./config.ts";
import { readConfig } from "./config.ts";
import { judgeDeclarations, type DeclaredViolation } from "./declared.ts";
import { environmentOf, ExceptionBook, type WrittenException } from "./exceptions.ts";
import { knownOf, type Facts } from "./facts.ts";
import { makePolicies } from "./pack.ts";

/** The pack made ready for one project: its configuration, the exceptions in force, and what the declarations violate. */
export class Judgement {
  readonly facts: Facts;
  readonly config: PackConfig;
  readonly book: ExceptionBook;
  /** Of the pack's configuration. */
  readonly findings: readonly Finding[];
  private readonly violations: readonly DeclaredViolation[];
  private readonly wrong: readonly { readonly e: WrittenException; readonly message: string; readonly key: string; readonly hint?: string }[];

  constructor(facts: Facts) {
    this.facts = facts;
    const { config, findings } = readConfig(facts.root, rules);
    this.config = config;
    this.findings = findings;
    const ids = rules.map((r) => r.id);
    this.wrong = facts.exceptions.flatMap((e) => faultsOf(e.value, e.index, facts, ids).map((f) => ({ e, ...f })));
    this.book = new ExceptionBook(facts.exceptions.filter((e) => !this.wrong.some((w) => w.e === e)));
    this.violations = judgeDeclarations(facts, rules, config, this.book);
  }
  /** The rules for the engines. */
  policies(environments: readonly Declared[] = this.facts.environments): Policies {
    return makePolicies({ rules, known: knownOf(environments, this.facts.now), config: this.config, book: this.book });
  }
  /** Exceptions in force: of the environments named, and those that concern all. */
  inForce(only: readonly string[] = []): Exception[] {
    return this.book.inForce.map((e) => e.value).filter((e) => { const env = environmentOf(e); return only.length === 0 || env === null || only.includes(env); });
  }
  /**
   * What the declarations violate. `judged`: the environments whose graphs were judged too: only of them can it be told whether an
   * exception for a resource was used.
   */
  declared(judged: readonly string[] = []): DeclaredViolation[] {
    const rule = rules.find((r) => r.id === "exceptions-valid") as (typeof rules)[number];
    const level = rule.level;
    const at = (e: WrittenException, key: string): { at: DeclaredViolation["at"]; path: string } => ({ at: this.facts.locate(EXCEPTIONS_FILE, ["exceptions", e.index, key]), path: `exceptions.${e.index}.${key}` });
    const say = (e: WrittenException, key: string, message: string, hint: string = rule.remediation): DeclaredViolation => ({ rule, level, message, hint, environment: null, ...at(e, key) });
    return [
      ...this.violations,
      ...this.wrong.map((w) => say(w.e, w.key, w.message, w.hint)),
      ...this.book.inForce.flatMap((e) => {
        const environment = environmentOf(e.value);
        const told = e.value.resource === undefined || (environment !== null && judged.includes(environment));
        const key = e.value.resource === undefined ? "path" : "resource";
        if (told && this.book.used(e) === 0) return [say(e, key, "the exception isn't used: nothing here violates its rule")];
        const one = this.book.one(e);
        if (one !== null) return [say(e, key, "the exception is too wide: it names more than the one place that it lets through", `name that: ${one}`)];
        return this.book.used(e) > 1 ? [say(e, key, `the exception is too wide: it lets ${this.book.used(e)} violations through`, "name the one place: stacks/ENV/FILE.yaml#key.of.it")] : [];
      }),
    ];
  }
}
