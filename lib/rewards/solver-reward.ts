import { toToolCall, normalizeCalls, readRelaxed, type ParsedCall } from '../roles/calls';
import { extractSolverFields, lastAnswerBlock } from '../roles/solver';
import type { ToolCall } from '../tasks/task';
import { fromJson, nestingDepth, pyRepr } from '../text';
import { canonicalJson, scoreCalls, type AnyCall, type MatchOptions, type ScoreDiagnostics } from './matcher';
import { resolvePublished, type PublishedSwitches } from './published';

export interface SolverRewardOptions extends MatchOptions {
  /** Without a non-empty `<think>` the accuracy is 0. Default true, as published. */
  requireThink?: boolean;
  published?: Partial<PublishedSwitches>;
}

/** Gold calls of a task, or text that holds them, read as the Solver's answer is. */
export type GoldCalls = readonly ToolCall[] | string;

/** Why an accuracy is 0 without the calls having been compared. */
export type SolverFailure =
  'missing_answer' | 'missing_think' | 'unparsed_answer' | 'unscorable_answer' | 'unparsed_gold';

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
}

function readCompletion(completion: string, published?: Partial<PublishedSwitches>): Reading {
  const answer = lastAnswerBlock(completion);
  if (answer === null || answer === '') return { format: 0, answered: false, calls: null };
  const switches = resolvePublished(published);
  const value = readRelaxed(answer, switches);
  const calls = value === null ? null : normalizeCalls(value, switches);
  return { format: value === null ? 0.3 : calls === null ? 0.6 : 1, answered: true, calls };
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
  { answered, calls }: Reading,
  gold: GoldCalls,
  options: SolverRewardOptions,
): Accuracy {
  const failed = (failure: SolverFailure) => ({ accuracy: 0, diag: null, failure });
  if (!answered) return failed('missing_answer');
  if (extractSolverFields(completion, options) === null) return failed('missing_think');
  if (calls === null) return failed('unparsed_answer');
  if (!calls.every(isScorable)) return failed('unscorable_answer');
  const goldCalls = readGold(gold, options.published);
  if (goldCalls === null) return failed('unparsed_gold');
  const { final, diag } = scoreCalls(calls, goldCalls, options);
  return { accuracy: final, diag, failure: null };
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
  const { format } = reading;
  const result = scoreReading(completion, reading, gold, options);
  const calls = reading.calls?.map(toToolCall) ?? null;
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
