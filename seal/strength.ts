import type { Finding } from "../lib/finding.ts";
import { sealCodes } from "./codes.ts";

const LEAST = 12;
const GOOD = 3;

/**
 * Whether a human-chosen password withstands guessing by someone who holds a pepper: 12 characters and zxcvbn's score 3 of 4.
 * The estimator and its word lists are loaded only here. Never quotes the value.
 */
export async function judgeStrength(value: string, path: string): Promise<Finding[]> {
  const weak = (message: string): Finding[] => [sealCodes.finding("VALUE_WEAK", { message, path, hint: "let the provider generate it, or take four random words and a number" })];
  if (value.length < LEAST) return weak(`a human-chosen password wants at least ${LEAST} characters`);
  const [core, common] = await Promise.all([import("@zxcvbn-ts/core"), import("@zxcvbn-ts/language-common")]);
  const { zxcvbn, zxcvbnOptions } = plain(core);
  const { dictionary, adjacencyGraphs } = plain(common);
  zxcvbnOptions.setOptions({ dictionary, graphs: adjacencyGraphs });
  return zxcvbn(value.slice(0, 100)).score >= GOOD ? [] : weak("this password is easily guessed");
}
/** CommonJS under Node's own loader comes as `default`. */
const plain = <T extends object>(module: T): T => ("default" in module ? (module.default as T) : module);
