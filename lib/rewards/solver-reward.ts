import { toToolCall, normalizeCalls, readRelaxed, type ParsedCall } from '../roles/calls';
import { extractSolverFields, lastAnswerBlock } from '../roles/solver';
import type { ToolCall } from '../tasks/task';
import { fromJson, nestingDepth, pyRepr } from '../text';
import { canonicalJson, scoreCalls, type AnyCall, type MatchOptions, type ScoreDiagnostics } from './matcher';
import { resolvePublished, type PublishedSwitches } from './published';

export interface SolverRewardOptions extends MatchOptions {
  /** Without a non-empty `<think>` the accuracy is 0. Default true, as published. */
  requireThink?: boolean;
  /**
   * Without gold calls the right answer is an empty list: it has the full format and accuracy, any other answer accuracy 0. Default false, as
   * published: such a task cannot be solved. Tasks with gold calls are scored the same either way.
   */
  allowNoCall?: boolean;
  published?: Partial<PublishedSwitches>;
}

/** Gold calls of a task, or text that holds them, read as the Solver's answer is. */
export type GoldCalls = readonly ToolCall[] | string;

/** Why an accuracy is 0 without the calls having been compared. */
export type SolverFailure =
  | 'missing_answer'
  | 'missing_think'
  | 'unparsed_answer'
  | 'unscorable_answer'
  | 'unparsed_gold'
  /** Calls where none is wanted (`allowNoCall`). */
  | 'unwanted_calls';

export interface Accuracy {
  /** From 0 to 1. */
  accuracy: number;
  /** How the calls compare, where they were compared. */
  diag: ScoreDiagnostics | null;
  failure: SolverFailure | null;
}

export interface SolverReward extends Accuracy {
  /** 0, 0.3, 0.6 or 1. */
  format: number;
  /** format + accuracy, from 0 to 2. */
  total: number;
  /** The calls read, or null. */
  calls: ToolCall[] | null;
}

const MAX_SCORED_DEPTH = 490;

/** What the last answer block of a completion holds; every part of the reward looks at the same reading. */
interface Reading {
  format: number;
  answered: boolean;
  calls: ParsedCall[] | null;
  /** It is a list without anything in it. */
  isEmptyList: boolean;
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

function readCompletion(completion: string, published?: Partial<PublishedSwitches>): Reading {
  const answer = lastAnswerBlock(completion);
  if (answer === null || answer === '') {
    return { format: 0, answered: false, calls: null, isEmptyList: false };
  }
  const switches = resolvePublished(published);
  const value = readRelaxed(answer, switches);
  const calls = value === null ? null : normalizeCalls(value, switches);
  const format = value === null ? 0.3 : calls === null ? 0.6 : 1;
  return { format, answered: true, calls, isEmptyList: isEmptyList(value) };
}

/**
 * The format part: 0.3 for a non-empty `<tool_call_answer>`, 0.3 if it parses, 0.4 if it holds a call. `<think>` does
 * not count here.
 */
export function formatReward(completion: string, options: SolverRewardOptions = {}): number {
  return readCompletion(completion, options.published).format;
}

/** The accuracy part: the score of the calls against the gold calls (`scoreCalls`), 0 if there is nothing to compare. */
export function accuracyReward(
  completion: string,
  gold: GoldCalls,
  options: SolverRewardOptions = {},
): Accuracy {
  return scoreReading(completion, readCompletion(completion, options.published), gold, options);
}

function scoreReading(
  completion: string,
  reading: Reading,
  gold: GoldCalls,
  options: SolverRewardOptions,
): Accuracy {
  const { answered, calls } = reading;
  const failed = (failure: SolverFailure) => ({ accuracy: 0, diag: null, failure });
  if (!answered) return failed('missing_answer');
  if (extractSolverFields(completion, options) === null) return failed('missing_think');
  if (wantsNoCall(gold, options)) return noCallAccuracy(reading);
  if (calls === null) return failed('unparsed_answer');
  if (!calls.every(isScorable)) return failed('unscorable_answer');
  const goldCalls = readGold(gold, options.published);
  if (goldCalls === null) return failed('unparsed_gold');
  const { final, diag } = scoreCalls(calls, goldCalls, options);
  return { accuracy: final, diag, failure: null };
}

/** Whether a task wants no call, and may want none. */
function wantsNoCall(gold: GoldCalls, { allowNoCall = false, published }: SolverRewardOptions): boolean {
  if (!allowNoCall) return false;
  return isEmptyList(typeof gold === 'string' ? readRelaxed(gold, resolvePublished(published)) : gold);
}

/** Of an answer to a task without gold calls. */
function noCallAccuracy({ calls, isEmptyList: isRight }: Reading): Accuracy {
  if (isRight) return { accuracy: 1, diag: null, failure: null };
  return { accuracy: 0, diag: null, failure: calls === null ? 'unparsed_answer' : 'unwanted_calls' };
}

/**
 * Whether a completion says that no call is wanted: an empty list in its last answer block, behind a thought if one is required. What makes
 * a task without gold calls solved, in training and in measuring.
 */
export function answersNoCall(
  completion: string,
  options: Pick<SolverRewardOptions, 'requireThink' | 'published'> = {},
): boolean {
  return accuracyReward(completion, [], { ...options, allowNoCall: true }).accuracy === 1;
}

/** The published code crashes on deeper values and on those that JSON cannot hold (complex numbers). */
function isScorable(call: ParsedCall): boolean {
  return nestingDepth(call.arguments) <= MAX_SCORED_DEPTH && canonicalJson(call.arguments) !== null;
}

/**
 * The Solver's reward for one completion: format + accuracy, with equal weights. Never throws, whatever the text.
 * @see TOOL-R0 (arXiv 2602.21320), "Solver reward"
 */
export function solverReward(
  completion: string,
  gold: GoldCalls,
  options: SolverRewardOptions = {},
): SolverReward {
  const reading = readCompletion(completion, options.published);
  const result = scoreReading(completion, reading, gold, options);
  const isNoCall = reading.isEmptyList && wantsNoCall(gold, options);
  const format = isNoCall ? 1 : reading.format;
  const calls = isNoCall ? [] : (reading.calls?.map(toToolCall) ?? null);
  return { format, ...result, total: format + result.accuracy, calls };
}

/** Gold calls ready for comparison; null if the text holds none, or if an ellipsis voids them as published. */
export function readGold(gold: GoldCalls, published: Partial<PublishedSwitches> = {}): AnyCall[] | null {
  const switches = resolvePublished(published);
  if (typeof gold === 'string') {
    const value = readRelaxed(gold, switches);
    const isCallOrList = value !== null && typeof value === 'object';
    return isCallOrList ? normalizeCalls(value, switches) : null;
  }
  if (gold.length === 0) return null;
  if (switches.ellipsisVoidsParse && gold.some((call) => spelling(call).includes('...'))) return null;
  return [...gold];
}

const spelling = (call: ToolCall) => pyRepr(fromJson([call.name, call.arguments]));
