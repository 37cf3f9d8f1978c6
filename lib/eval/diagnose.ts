/** Why an answer is wrong, after the failure modes that the paper lists. */
import { GroundingText } from '../rewards/grounding';
import type { JsonValue, ToolCall } from '../tasks/task';
import { fromJson } from '../text';
import { cheapestAssignment } from './assignment';
import { isTooDeep } from './answer-values';
import { requiredOf } from './bfcl-match';
import { standardized } from './bfcl-values';
import { matchRecord } from './match-calls';
import type { NeutralRecord } from './neutral-record';
import { isAbsent, ownValue } from './value-equality';

export const ERROR_KINDS = [
  'no_parse',
  'wrong_tool',
  'wrong_number_of_calls',
  'missing_argument',
  'extra_argument',
  'wrong_value',
  'order',
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** type: right but for its JSON type. format: the same in other words or marks. ungrounded: not in the question. other: from the question, but wrong. */
export const VALUE_ERROR_KINDS = ['type', 'format', 'ungrounded', 'other'] as const;
export type ValueErrorKind = (typeof VALUE_ERROR_KINDS)[number];

export interface AnswerError {
  kind: ErrorKind;
  /** For a wrong value. */
  value?: ValueErrorKind;
  /** Tool of the gold call; null where the answer has a call too many. */
  gold?: string | null;
  /** Tool of the answer's call; null where it lacks one. */
  predicted?: string | null;
  argument?: string;
  expected?: JsonValue;
  got?: JsonValue;
}

/**
 * The errors of a wrong answer, the one it is counted under first: no parse, then tools, then the number of calls, then arguments in the order
 * of ERROR_KINDS. Empty for a right answer.
 */
export function diagnose(predicted: readonly ToolCall[] | null, record: NeutralRecord): AnswerError[] {
  const match = matchRecord(predicted, record);
  if (match.correct) return [];
  if (predicted === null || predicted.some((call) => isTooDeep(call.arguments)))
    return [{ kind: 'no_parse' }];
  const { gold } = record;
  const grounding = new GroundingText(record.question);
  const wrongArguments = (from: number, to: number) =>
    argumentErrors(predicted[from]!, to, record, grounding);
  const pairs = pairCalls(predicted, gold, match.pairMatches, wrongArguments);
  const used = new Set(pairs);
  const unused = predicted.filter((_, index) => !used.has(index));
  const unmet = gold.filter((_, index) => pairs[index] === null);
  const errors = pairs.flatMap((place, index) =>
    place === null || match.pairMatches(place, index) ? [] : wrongArguments(place, index),
  );
  const swaps = Math.min(unused.length, unmet.length);
  const tools: AnswerError[] = unmet
    .slice(0, swaps)
    .map((call, index) => ({ kind: 'wrong_tool', gold: call.name, predicted: unused[index]!.name }));
  const count: AnswerError[] = [
    ...unmet.slice(swaps).map((call) => ({ gold: call.name, predicted: null })),
    ...unused.slice(swaps).map((call) => ({ gold: null, predicted: call.name })),
  ].map((names) => ({ kind: 'wrong_number_of_calls', ...names }));
  return [...tools, ...count, ...errors].sort((a, b) => rank(a) - rank(b));
}

const rank = ({ kind }: AnswerError) => ERROR_KINDS.indexOf(kind);

/** Costs of a pair: more than any number of wrong arguments, so that right pairs come first; and of none, more than any pair. */
const WRONG = 1e4;
const UNPAIRED = 1e9;
/** Calls that are paired in the best way, which costs the cube of their number; beyond them they are in their order. */
const MOST_PAIRED = 100;

/**
 * For each gold call the answer's call of the same tool that it is taken for; null if none is left. As many pairs as there can be, of them as
 * many right ones, and in the others as few wrong arguments.
 */
function pairCalls(
  predicted: readonly ToolCall[],
  gold: readonly ToolCall[],
  isRight: (predicted: number, gold: number) => boolean,
  errorsOf: (predicted: number, gold: number) => readonly AnswerError[],
): (number | null)[] {
  if (Math.min(predicted.length, gold.length) > MOST_PAIRED) return pairInOrder(predicted, gold);
  const cost = (from: number, to: number): number => {
    if (predicted[from]!.name.trim() !== gold[to]!.name.trim()) return UNPAIRED;
    return isRight(from, to) ? 0 : WRONG + errorsOf(from, to).length;
  };
  const costs = gold.map((_, to) => predicted.map((__, from) => cost(from, to)));
  const isWide = predicted.length >= gold.length;
  const found = cheapestAssignment(
    isWide ? costs : predicted.map((_, from) => costs.map((row) => row[from]!)),
  );
  return gold.map((_, to) => {
    const from = isWide ? found[to]! : found.indexOf(to);
    return from < 0 || costs[to]![from] === UNPAIRED ? null : from;
  });
}

function pairInOrder(predicted: readonly ToolCall[], gold: readonly ToolCall[]): (number | null)[] {
  const places = new Map<string, number[]>();
  predicted.forEach(({ name }, index) => {
    const known = places.get(name.trim());
    if (known) known.push(index);
    else places.set(name.trim(), [index]);
  });
  places.forEach((indices) => indices.reverse());
  return gold.map(({ name }) => places.get(name.trim())?.pop() ?? null);
}

function argumentErrors(
  predicted: ToolCall,
  index: number,
  record: NeutralRecord,
  grounding: GroundingText,
): AnswerError[] {
  const gold = record.gold[index]!;
  const accepted = ownValue(record.gold_alternatives?.[index] ?? {}, gold.name);
  const given = (argument: string) => ownValue(predicted.arguments, argument);
  const right = (argument: string) => ownValue(gold.arguments, argument);
  const isAbsentInGold = (argument: string) => isAbsent(right(argument));
  const expectedOf = (argument: string): JsonValue =>
    right(argument) ?? ownValue(accepted ?? {}, argument)?.[0] ?? null;
  const optional = record.optional_args?.[index] ?? [];
  const names = { gold: gold.name, predicted: predicted.name };
  // An argument alone in a call tells whether its value is accepted, by the record's own rule.
  const isAccepted = (argument: string, value: JsonValue) =>
    matchRecord([{ name: gold.name, arguments: { [argument]: value } }], {
      ...record,
      tools: record.tools.map((tool) => ({ ...tool, required: [] as string[] })),
      gold: [{ name: gold.name, arguments: { [argument]: right(argument) ?? value } }],
      gold_alternatives: accepted && [{ [gold.name]: { [argument]: ownValue(accepted, argument) ?? [] } }],
      optional_args: undefined,
    }).correct;

  const wanted = new Set(accepted ? Object.keys(accepted) : Object.keys(gold.arguments));
  const missing = accepted
    ? mustBeThere(accepted, requiredOf(record.tools.find(({ name }) => name === gold.name))).filter(
        (argument) => given(argument) === undefined,
      )
    : [...wanted].filter(
        (argument) => isAbsent(given(argument)) && !optional.includes(argument) && !isAbsentInGold(argument),
      );
  const rest = Object.entries(predicted.arguments).filter(
    ([argument, value]) => !missing.includes(argument) && (accepted || !isAbsent(value)),
  );
  return [
    ...missing.map((argument): AnswerError => ({
      kind: 'missing_argument',
      ...names,
      argument,
      expected: expectedOf(argument),
    })),
    ...rest.flatMap(([argument, got]): AnswerError[] => {
      const isExtra = !wanted.has(argument) || (!accepted && isAbsentInGold(argument));
      if (isExtra) return [{ kind: 'extra_argument', ...names, argument, got }];
      if (isAccepted(argument, got)) return [];
      const expected = expectedOf(argument);
      if (isReordered(got, expected)) return [{ kind: 'order', ...names, argument, expected, got }];
      const value = valueErrorKind(got, expected, grounding);
      return [{ kind: 'wrong_value', value, ...names, argument, expected, got }];
    }),
  ];
}

/** BFCL's rule: what the function requires, whether or not it has accepted values, and what may not be left out. */
const mustBeThere = (
  accepted: Readonly<Record<string, readonly JsonValue[]>>,
  required: readonly string[],
) => [...new Set([...required, ...Object.keys(accepted).filter((name) => !accepted[name]!.includes(''))])];

function isReordered(got: JsonValue, expected: JsonValue): boolean {
  if (!Array.isArray(got) || !Array.isArray(expected) || got.length !== expected.length) return false;
  const key = (values: JsonValue[]) =>
    values
      .map((value) => JSON.stringify(value))
      .sort()
      .join();
  return key(got) === key(expected);
}

function valueErrorKind(got: JsonValue, expected: JsonValue, grounding: GroundingText): ValueErrorKind {
  const [left, right] = [spelling(got), spelling(expected)];
  if (typeName(got) !== typeName(expected) && left === right) return 'type';
  if (standardized(left) === standardized(right) || isSameDay(left, right)) return 'format';
  if (typeName(got) !== typeName(expected)) return 'type';
  const leaves = leavesOf(got);
  return leaves.every((leaf) => grounding.holds(fromJson(leaf))) ? 'other' : 'ungrounded';
}

const typeName = (value: JsonValue) =>
  Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value;

/** A value as text, a list of one as its item: what stays when the type is looked through. */
function spelling(value: JsonValue): string {
  if (Array.isArray(value)) return value.map(spelling).join(' ');
  return (typeof value === 'string' ? value : JSON.stringify(value)).trim().toLowerCase();
}

const DAY = /\d/;

/** Two ways to write one date. */
function isSameDay(left: string, right: string): boolean {
  if (!DAY.test(left) || !DAY.test(right) || left.length < 8 || right.length < 8) return false;
  const [a, b] = [Date.parse(`${left} UTC`), Date.parse(`${right} UTC`)];
  return Number.isFinite(a) && a === b;
}

function leavesOf(value: JsonValue): JsonValue[] {
  if (typeof value !== 'object' || value === null) return [value];
  return Object.values(value).flatMap(leavesOf);
}
