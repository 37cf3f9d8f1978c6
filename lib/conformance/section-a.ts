/** Section A of the vectors: the Solver's parser and reward, with the published switches on. */
import { keyF1, scoreCalls, valuesMatch, type AnyCall, type ScoreDiagnostics } from '../rewards/matcher';
import { ALL_PUBLISHED } from '../rewards/published';
import { accuracyReward, formatReward, readGold, solverReward } from '../rewards/solver-reward';
import type { ParsedCall } from '../roles/calls';
import { extractSolverFields, lastAnswerBlock, parseSolverToolCalls } from '../roles/solver';
import { PyDict, fromJson, isDict, readJson, readPythonLiteral, sha16, type PyValue } from '../text';
import { checkJsonl, expectEqual, Mismatch, type FileResult, type VectorRow } from './types';
import { fromVectorText, toVector } from './vector-values';

const TOLERANCE = 1e-12;
const PUBLISHED = { published: ALL_PUBLISHED };

/** Checks every file of section A in `dir`. */
export async function checkSectionA(dir: string): Promise<FileResult[]> {
  return [
    await checkJsonl(dir, 'A_solver_completions.jsonl', checkCompletion),
    await checkJsonl(dir, 'A_solver_score.jsonl', checkScore),
    await checkJsonl(dir, 'A_value_match.jsonl', checkValueMatch),
    await checkJsonl(dir, 'A_f1_keys.jsonl', checkKeyF1),
  ];
}

interface Fields {
  think: string | null;
  answer_sha16: string;
}

interface Score {
  final: number;
  diag: Record<string, number>;
}

interface CompletionRow extends VectorRow {
  completion: unknown;
  gold: unknown;
  expect: {
    extract: Fields | null;
    extract_nothink: Fields | null;
    format: number;
    calls: unknown;
    gold_calls: unknown;
    accuracy: number;
    accuracy_nothink: number;
    score: Score | null;
  };
}

function checkCompletion(row: CompletionRow): 'passed' {
  const completion = fromVectorText(row.completion);
  const gold = fromVectorText(row.gold);
  const { expect } = row;
  for (const [requireThink, fields, accuracy] of [
    [true, expect.extract, expect.accuracy],
    [false, expect.extract_nothink, expect.accuracy_nothink],
  ] as const) {
    const suffix = requireThink ? '' : '_nothink';
    expectEqual(fieldsOf(completion, requireThink), fields, `extract${suffix}`);
    const result = accuracyReward(completion, gold, { ...PUBLISHED, requireThink });
    expectEqual(result.accuracy, accuracy, `accuracy${suffix}`, TOLERANCE);
  }
  expectEqual(formatReward(completion, PUBLISHED), expect.format, 'format', TOLERANCE);
  const answer = lastAnswerBlock(completion);
  const calls = answer === null ? null : parseSolverToolCalls(answer, ALL_PUBLISHED);
  expectEqual(callsVector(calls), expect.calls, 'calls');
  const goldCalls = readGold(gold, ALL_PUBLISHED);
  expectEqual(callsVector(goldCalls), expect.gold_calls, 'gold_calls');
  const score = calls && goldCalls ? scoreVector(calls, goldCalls) : null;
  expectEqual(score, expect.score, 'score', TOLERANCE);
  const { total } = solverReward(completion, gold, PUBLISHED);
  expectEqual(total, expect.format + expect.accuracy, 'total', TOLERANCE);
  return 'passed';
}

function fieldsOf(completion: string, requireThink: boolean): Fields | null {
  const fields = extractSolverFields(completion, { requireThink });
  return fields && { think: fields.think, answer_sha16: sha16(fields.answer) };
}

function callsVector(calls: AnyCall[] | null): unknown {
  return (
    calls &&
    calls.map((call) => ({ name: toVector(call.name), arguments: toVector((call as ParsedCall).arguments) }))
  );
}

interface ScoreRow extends VectorRow {
  expect: Score;
}

/** Reads the calls from the line itself, which tells 3 from 3.0. */
function checkScore(row: ScoreRow, line: string): 'passed' {
  const value = read(readJson, line);
  if (!isDict(value)) throw new Mismatch('the row is no object');
  const [predicted, gold] = ['pred', 'gold'].map((key) => asCalls(value.get(key)));
  expectEqual(scoreVector(predicted!, gold!), row.expect, 'score', TOLERANCE);
  return 'passed';
}

function asCalls(value: PyValue | undefined): ParsedCall[] {
  if (!Array.isArray(value)) throw new Mismatch('calls are no list');
  // The reference takes a missing name for '' and arguments that are no dictionary for none.
  return value.map((call) => {
    const name = isDict(call) ? call.get('name') : undefined;
    const args = isDict(call) ? call.get('arguments') : undefined;
    return {
      name: typeof name === 'string' ? name : '',
      arguments: isDict(args) ? args : new PyDict(),
    };
  });
}

function scoreVector(predicted: AnyCall[], gold: AnyCall[]): Score {
  const { final, diag } = scoreCalls(predicted, gold);
  const compared = predicted.length > 0 && gold.length > 0;
  return { final, diag: { ...diagVector(diag), ...(compared && { final_accuracy_reward: final }) } };
}

const diagVector = (diag: ScoreDiagnostics) => ({
  mean_name_score: diag.meanNameScore,
  mean_key_score: diag.meanKeyScore,
  mean_value_score: diag.meanValueScore,
  mean_pair_reward: diag.meanPairReward,
  num_pred_calls: diag.numPredictedCalls,
  num_gt_calls: diag.numGoldCalls,
  extra_calls: diag.extraCalls,
  extra_call_penalty: diag.extraCallPenalty,
  base_score: diag.baseScore,
});

interface ValueMatchRow extends VectorRow {
  syntax: 'json' | 'py';
  a: unknown;
  b: unknown;
  match: boolean;
}

function checkValueMatch(row: ValueMatchRow): 'passed' {
  const reader = row.syntax === 'json' ? readJson : readPythonLiteral;
  const [a, b] = [row.a, row.b].map((text) => read(reader, fromVectorText(text)));
  expectEqual(valuesMatch(a!, b!), row.match, 'match');
  return 'passed';
}

interface KeyF1Row extends VectorRow {
  pred: string[];
  gold: string[];
  f1: number;
}

function checkKeyF1(row: KeyF1Row): 'passed' {
  expectEqual(keyF1(row.pred.map(fromJson), row.gold.map(fromJson)), row.f1, 'f1', TOLERANCE);
  return 'passed';
}

function read(reader: typeof readJson, text: string): PyValue {
  const result = reader(text);
  if (!result.ok) throw new Mismatch(`unreadable: ${result.reason}`);
  return result.value;
}
