import { toToolCall, normalizeCalls, readRelaxed, type ParsedCall } from '../roles/calls';
import { extractSolverFields, lastAnswerBlock, parseSolverToolCalls } from '../roles/solver';
import type { ToolCall } from '../tasks/task';
import { fromJson, pyRepr } from '../text';
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

export interface SolverReward {
  /** 0, 0.3, 0.6 or 1. */
  format: number;
  /** From 0 to 1. */
  accuracy: number;
  /** format + accuracy, from 0 to 2. */
  total: number;
  /** The calls read, or null. */
  calls: ToolCall[] | null;
  /** How the calls compare, where they were compared. */
  diag: ScoreDiagnostics | null;
  failure: SolverFailure | null;
}

/**
 * The format part: 0.3 for a non-empty `<tool_call_answer>`, 0.3 if it parses, 0.4 if it holds a call. `<think>` does
 * not count here.
 */
export function formatReward(completion: string, options: SolverRewardOptions = {}): number {
  const answer = lastAnswerBlock(completion);
  if (answer === null || answer === '') return 0;
  const switches = resolvePublished(options.published);
  const value = readRelaxed(answer, switches);
  if (value === null) return 0.3;
  return normalizeCalls(value, switches) === null ? 0.6 : 1;
}

/** The accuracy part: the score of the calls against the gold calls (`scoreCalls`), 0 if there is nothing to compare. */
export function accuracyReward(
  completion: string,
  gold: GoldCalls,
  options: SolverRewardOptions = {},
): { accuracy: number; diag: ScoreDiagnostics | null; failure: SolverFailure | null } {
  const failed = (failure: SolverFailure) => ({ accuracy: 0, diag: null, failure });
  const fields = extractSolverFields(completion, options);
  if (fields === null) return failed(lastAnswerBlock(completion) ? 'missing_think' : 'missing_answer');
  const calls = parseSolverToolCalls(fields.answer, options.published);
  if (calls === null) return failed('unparsed_answer');
  // The published code crashes on values that JSON cannot hold.
  if (calls.some((call) => canonicalJson(call.arguments) === null)) return failed('unscorable_answer');
  const goldCalls = readGold(gold, options.published);
  if (goldCalls === null) return failed('unparsed_gold');
  const { final, diag } = scoreCalls(calls, goldCalls, options);
  return { accuracy: final, diag, failure: null };
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
  const format = formatReward(completion, options);
  const { accuracy, diag, failure } = accuracyReward(completion, gold, options);
  const answer = lastAnswerBlock(completion);
  const calls = answer === null ? null : parseSolverToolCalls(answer, options.published);
  return { format, accuracy, total: format + accuracy, calls: calls?.map(toToolCall) ?? null, diag, failure };
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

export type { ParsedCall };
