/** The one home of comparing tool calls: rewards, difficulty probes, verification and evaluation all use it. */
import { toParsedCall, type ParsedCall } from '../roles/calls';
import type { ToolCall } from '../tasks/task';
import { PyDict, strip, type PyValue } from '../text';
import { valuesMatch } from './value-match';

export { canonicalJson, valuesMatch } from './value-match';

/** A call as read from text, or as a task holds it. */
export type AnyCall = ParsedCall | ToolCall;

const WEIGHTS = { name: 0.2, keys: 0.3, values: 0.5 } as const;
const EXTRA_CALL_PENALTY = 0.25;

export interface MatchOptions {
  /** Multiply a pair's score by its name score: a wrong tool with right arguments then scores 0 and not 0.8. */
  strictName?: boolean;
}

/** The three scores of a predicted call against a gold call, each from 0 to 1. */
export interface PairScore {
  name: number;
  keys: number;
  values: number;
}

/** How a score came about; means are over the gold calls that found a prediction. */
export interface ScoreDiagnostics {
  meanNameScore: number;
  meanKeyScore: number;
  meanValueScore: number;
  meanPairReward: number;
  numPredictedCalls: number;
  numGoldCalls: number;
  extraCalls: number;
  extraCallPenalty: number;
  /** Sum of the pairs' rewards / number of gold calls, before the penalty. */
  baseScore: number;
}

/** F1 of two sets of argument names; 1 if both are empty, 0 if one is. */
export function keyF1(predicted: Iterable<PyValue>, gold: Iterable<PyValue>): number {
  return keyF1OfDicts(keySet(predicted), keySet(gold));
}

const keySet = (keys: Iterable<PyValue>) => PyDict.of(Array.from(keys, (key) => [key, null]));

function keyF1OfDicts(predicted: PyDict, gold: PyDict): number {
  if (predicted.size === 0 && gold.size === 0) return 1;
  const common = commonKeys(predicted, gold).length;
  if (common === 0) return 0;
  const precision = common / predicted.size;
  const recall = common / gold.size;
  return (2 * precision * recall) / (precision + recall);
}

const commonKeys = (predicted: PyDict, gold: PyDict) => gold.keys().filter((key) => predicted.has(key));

/** Name equality, F1 of the argument names, and the share of common arguments whose values match. */
export function scorePair(predicted: AnyCall, gold: AnyCall): PairScore {
  return scoreParsedPair(parsed(predicted), parsed(gold));
}

function scoreParsedPair(predicted: ParsedCall, gold: ParsedCall): PairScore {
  const common = commonKeys(predicted.arguments, gold.arguments);
  const matching = common.filter((key) =>
    valuesMatch(predicted.arguments.get(key)!, gold.arguments.get(key)!),
  ).length;
  const bothEmpty = predicted.arguments.size === 0 && gold.arguments.size === 0;
  return {
    name: sameName(predicted, gold) ? 1 : 0,
    keys: keyF1OfDicts(predicted.arguments, gold.arguments),
    values: common.length > 0 ? matching / common.length : bothEmpty ? 1 : 0,
  };
}

function sameName(predicted: ParsedCall, gold: ParsedCall): boolean {
  const name = strip(predicted.name);
  return name !== '' && name === strip(gold.name);
}

/**
 * Scores predicted calls against gold calls. Each gold call in order takes the unused prediction with the highest
 * 0.2·name + 0.3·keys + 0.5·values above 0, the first of equals; the mean over the gold calls is multiplied by
 * 1/(1 + 0.25·extra calls). Without gold calls the score is 1 for no prediction, else 0.
 */
export function scoreCalls(
  predicted: readonly AnyCall[],
  gold: readonly AnyCall[],
  { strictName = false }: MatchOptions = {},
): { final: number; diag: ScoreDiagnostics } {
  const counts = { numPredictedCalls: predicted.length, numGoldCalls: gold.length };
  if (gold.length === 0 || predicted.length === 0) {
    const final = gold.length === 0 && predicted.length === 0 ? 1 : 0;
    return { final, diag: diagnostics([], final, 0, 1, counts) };
  }
  const pairs = matchGreedily(predicted.map(parsed), gold.map(parsed), strictName);
  const baseScore = sum(pairs.map(({ reward }) => reward)) / gold.length;
  const extraCalls = Math.max(0, predicted.length - gold.length);
  const penalty = 1 / (1 + EXTRA_CALL_PENALTY * extraCalls);
  const final = Math.max(0, Math.min(1, baseScore * penalty));
  return { final, diag: diagnostics(pairs, baseScore, extraCalls, penalty, counts) };
}

interface Pair extends PairScore {
  reward: number;
}

function matchGreedily(predicted: ParsedCall[], gold: ParsedCall[], strictName: boolean): Pair[] {
  const unused = new Set(predicted.keys());
  const pairs: Pair[] = [];
  for (const goldCall of gold) {
    let best: (Pair & { index: number }) | null = null;
    for (const index of unused) {
      const score = scoreParsedPair(predicted[index]!, goldCall);
      const weighted = WEIGHTS.name * score.name + WEIGHTS.keys * score.keys + WEIGHTS.values * score.values;
      const reward = strictName ? weighted * score.name : weighted;
      if (reward > (best?.reward ?? 0)) best = { ...score, reward, index };
    }
    if (best === null) continue;
    unused.delete(best.index);
    pairs.push(best);
  }
  return pairs;
}

function diagnostics(
  pairs: Pair[],
  baseScore: number,
  extraCalls: number,
  extraCallPenalty: number,
  counts: Pick<ScoreDiagnostics, 'numPredictedCalls' | 'numGoldCalls'>,
): ScoreDiagnostics {
  const mean = (key: keyof Pair) => sum(pairs.map((pair) => pair[key])) / Math.max(1, pairs.length);
  return {
    meanNameScore: mean('name'),
    meanKeyScore: mean('keys'),
    meanValueScore: mean('values'),
    meanPairReward: mean('reward'),
    ...counts,
    extraCalls,
    extraCallPenalty,
    baseScore,
  };
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

/** Whether one predicted call is a gold call: the same name, the same argument names, every value matching. */
export function callEqual(predicted: AnyCall, gold: AnyCall): boolean {
  return parsedCallsEqual(parsed(predicted), parsed(gold));
}

function parsedCallsEqual(predicted: ParsedCall, gold: ParsedCall): boolean {
  const size = gold.arguments.size;
  if (!sameName(predicted, gold) || predicted.arguments.size !== size) return false;
  return gold.arguments.entries().every(([key, value]) => {
    const other = predicted.arguments.get(key);
    return other !== undefined && valuesMatch(other, value);
  });
}

/**
 * Whether the predicted calls are the gold calls in some order, each exactly once. False if there is none.
 * Value matching is not transitive ("5" is 5, 5 is 5.0, "5" is not "5.0"), so a pairing is searched for.
 */
export function callsEqual(predicted: readonly AnyCall[] | null, gold: readonly AnyCall[]): boolean {
  if (predicted === null || gold.length === 0 || predicted.length !== gold.length) return false;
  const left = predicted.map(parsed);
  const right = gold.map(parsed);
  const candidates = right.map((goldCall) =>
    left.flatMap((call, index) => (parsedCallsEqual(call, goldCall) ? [index] : [])),
  );
  return hasPerfectMatching(candidates);
}

/** Augmenting paths: `candidates[g]` are the predictions gold call g may take. */
export function hasPerfectMatching(candidates: number[][]): boolean {
  const takenBy = new Map<number, number>();
  const place = (gold: number, tried: Set<number>): boolean => {
    for (const index of candidates[gold]!) {
      if (tried.has(index)) continue;
      tried.add(index);
      const holder = takenBy.get(index);
      if (holder !== undefined && !place(holder, tried)) continue;
      takenBy.set(index, gold);
      return true;
    }
    return false;
  };
  return candidates.every((_, gold) => place(gold, new Set()));
}

function parsed(call: AnyCall): ParsedCall {
  return call.arguments instanceof PyDict ? (call as ParsedCall) : toParsedCall(call as ToolCall);
}
