import { ConfigError } from '../binding/errors';
import { hasPerfectMatching } from '../rewards/matcher';
import type { Tool, ToolCall } from '../tasks/task';
import { bfclProblem } from './bfcl-match';
import type { CallAlternatives, NeutralRecord } from './neutral-record';
import type { SourceLanguage } from './source-values';
import { isAbsent, valuesEqual } from './value-equality';

export interface MatchCallsOptions {
  /** Accepted values per gold call; when given they decide, by BFCL's rules. */
  alternatives?: readonly CallAlternatives[];
  /** Per gold call: arguments the answer may leave out. */
  optionalArgs?: readonly (readonly string[])[];
  /** The menu: BFCL's rules check types and required arguments against it. */
  tools?: readonly Tool[];
  /** BFCL's rules only: whether a value must have its declared type. Default true, as BFCL does. */
  checkTypes?: boolean;
  /** BFCL's rules only: how arguments that are source text are read. Default: as the type names of the function tell. */
  language?: SourceLanguage;
  /** Whether the calls must come in the order of the gold calls. Default false. */
  ordered?: boolean;
}

export interface CallsMatch {
  correct: boolean;
  /** Whether the prediction at the first index may stand for the gold call at the second. */
  pairMatches: (predicted: number, gold: number) => boolean;
}

/**
 * Whether predicted calls are the gold calls: as many, in any order, each of the right name with the right arguments. An argument that is
 * null or "" counts as left out.
 *
 * This is the rule of exams: right or wrong. The Solver's reward gives credit for parts and has another rule for values
 * (rewards/matcher.ts). @param predicted null where an answer could not be read: right only if no call is wanted
 * @throws ConfigError for alternatives that are fewer than the gold calls
 */
export function matchCalls(
  predicted: readonly ToolCall[] | null,
  gold: readonly ToolCall[],
  options: MatchCallsOptions = {},
): CallsMatch {
  const calls = (predicted ?? []).map(withArguments);
  const wanted = gold.map(withArguments);
  const { alternatives, optionalArgs, tools, checkTypes, language, ordered = false } = options;
  if (alternatives && (alternatives.length < gold.length || alternatives.some(isEmpty))) {
    throw new ConfigError(
      `matchCalls: alternatives must name the accepted values of each of the ${gold.length} gold calls, {function: {argument: [value, …]}}`,
      { alternatives: alternatives.length, gold: gold.length },
    );
  }
  const pairMatches = (from: number, to: number): boolean => {
    const call = calls[from]!;
    if (alternatives) {
      const tool = tools?.find(({ name }) => name === wanted[to]!.name);
      const rules = {
        ...(tool ? { tool } : {}),
        ...(checkTypes === undefined ? {} : { checkTypes }),
        ...(language === undefined ? {} : { language }),
      };
      return bfclProblem(call, alternatives[to]!, rules) === null;
    }
    return isGoldCall(call, wanted[to]!, optionalArgs?.[to] ?? []);
  };
  return { correct: isCorrect(calls.length, gold.length, ordered, pairMatches), pairMatches };
}

/** Callers in plain JavaScript may leave out the arguments of a call that has none. */
const withArguments = (call: ToolCall): ToolCall =>
  (call.arguments as ToolCall['arguments'] | null | undefined) ? call : { ...call, arguments: {} };

const isEmpty = (alternatives: CallAlternatives) => Object.keys(alternatives).length === 0;

function isCorrect(
  predicted: number,
  gold: number,
  ordered: boolean,
  pairMatches: (predicted: number, gold: number) => boolean,
): boolean {
  if (predicted !== gold) return false;
  const indices = Array.from({ length: gold }, (_, index) => index);
  if (ordered) return indices.every((index) => pairMatches(index, index));
  return hasPerfectMatching(indices.map((to) => indices.filter((from) => pairMatches(from, to))));
}

/** The same name, the same arguments but for absent and optional ones, equal values. */
function isGoldCall(call: ToolCall, gold: ToolCall, optional: readonly string[]): boolean {
  if (call.name.trim() !== gold.name.trim()) return false;
  const names = new Set([...Object.keys(call.arguments), ...Object.keys(gold.arguments)]);
  return [...names].every((name) => {
    const value = Object.hasOwn(call.arguments, name) ? call.arguments[name] : undefined;
    const wanted = Object.hasOwn(gold.arguments, name) ? gold.arguments[name] : undefined;
    if (isAbsent(value)) return isAbsent(wanted) || optional.includes(name);
    return !isAbsent(wanted) && valuesEqual(value!, wanted!);
  });
}

/** Categories of BFCL whose arguments are source text. */
const LANGUAGES: Readonly<Record<string, SourceLanguage>> = {
  simple_java: 'java',
  simple_javascript: 'javascript',
};

/** The options a record brings with it. */
export function optionsOf({
  gold_alternatives,
  optional_args,
  tools,
  meta,
}: NeutralRecord): MatchCallsOptions {
  const { benchmark, category } = meta ?? {};
  const language = benchmark === 'bfcl' && typeof category === 'string' ? LANGUAGES[category] : undefined;
  return {
    ...(gold_alternatives ? { alternatives: gold_alternatives } : {}),
    ...(optional_args ? { optionalArgs: optional_args } : {}),
    ...(language ? { language } : {}),
    tools,
  };
}

/** Scores the answer to a record by the record's own rule. */
export const matchRecord = (
  predicted: readonly ToolCall[] | null,
  record: NeutralRecord,
  options: Pick<MatchCallsOptions, 'checkTypes' | 'ordered'> = {},
): CallsMatch => matchCalls(predicted, record.gold, { ...optionsOf(record), ...options });
