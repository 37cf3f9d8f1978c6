import type { ToolCall } from '../tasks/task';
import { isTooDeep } from './answer-values';
import { bfclProblem } from './bfcl-match';
import { checkedCalls, checkedGold, checkedOptions, type MatchCallsOptions } from './match-options';
import type { NeutralRecord } from './neutral-record';
import { canPair } from './pair-calls';
import type { SourceLanguage } from './source-values';
import { isAbsent, ownValue, valuesEqual } from './value-equality';

export type { MatchCallsOptions } from './match-options';

export interface CallsMatch {
  correct: boolean;
  /** Whether the prediction at the first index may stand for the gold call at the second. */
  pairMatches: (predicted: number, gold: number) => boolean;
}

/**
 * Whether predicted calls are the gold calls: as many, in any order, each of the right name with the right arguments. An argument that is
 * null or "" counts as left out. A call that is nested more than 500 levels deep is none of the gold calls.
 *
 * This is the rule of exams: right or wrong. The Solver's reward gives credit for parts and has another rule for values
 * (rewards/matcher.ts). @param predicted null where an answer could not be read: right only if no call is wanted
 * @throws ConfigError for calls or options that are none, and for alternatives that are fewer than the gold calls
 */
export function matchCalls(
  predicted: readonly ToolCall[] | null,
  gold: readonly ToolCall[],
  options: MatchCallsOptions = {},
): CallsMatch {
  const calls = checkedCalls(predicted ?? [], 'predicted');
  const wanted = checkedGold(gold);
  const { alternatives, optionalArgs, tools, checkTypes, language, ordered } = checkedOptions(
    options,
    wanted.length,
  );
  const deep = new Set(calls.filter((call) => isTooDeep(call.arguments)));
  const pairMatches = (from: number, to: number): boolean => {
    const call = calls[from]!;
    if (deep.has(call)) return false;
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
  const isCorrect = (): boolean => {
    if (calls.length !== wanted.length || deep.size > 0) return false;
    if (ordered || calls.length < 2) return calls.every((_, index) => pairMatches(index, index));
    return canPair(
      calls.map((call) => JSON.stringify(call)),
      wanted.map((call, index) => JSON.stringify([call, alternatives?.[index], optionalArgs?.[index]])),
      pairMatches,
    );
  };
  return { correct: isCorrect(), pairMatches };
}

/** The same name, the same arguments but for absent and optional ones, equal values. */
function isGoldCall(call: ToolCall, gold: ToolCall, optional: readonly string[]): boolean {
  if (call.name.trim() !== gold.name.trim()) return false;
  const names = new Set([...Object.keys(call.arguments), ...Object.keys(gold.arguments)]);
  return [...names].every((name) => {
    const value = ownValue(call.arguments, name);
    const wanted = ownValue(gold.arguments, name);
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
