/** Section B: the Generator's reward, with every published switch on and values grounded as intended. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { difficultyBand, type Band } from '../rewards/band';
import { generatorReward, type GeneratorRewardContext } from '../rewards/generator';
import { groundingVariants, normalizeText } from '../rewards/grounding';
import { isPlaceholderQuestion } from '../rewards/placeholder';
import { consistency, passRate, type SolverSample } from '../rewards/probe';
import { ALL_PUBLISHED } from '../rewards/published';
import { questionDistance, repetitionPenalties } from '../rewards/repetition';
import { toToolCall, type ParsedCall } from '../roles/calls';
import {
  generatorFields,
  parseGeneratorCompletion,
  readCalls,
  readTools,
  type GeneratorFields,
} from '../roles/generator-parser';
import { judgeVerdict, readJudgeScore } from '../roles/judge-reader';
import type { JsonValue } from '../tasks/task';
import { PyDict, pyStr, readJson, sha16, toJson, type PyValue } from '../text';
import { checkJsonl, expectEqual, type FileResult, type VectorRow } from './types';
import { fromVectorText } from './vector-values';

const TOLERANCE = 1e-12;
const published = ALL_PUBLISHED;

/** Checks every file of section B in `dir`. */
export async function checkSectionB(dir: string): Promise<FileResult[]> {
  return [
    await checkJsonl(dir, 'B_generator_completions.jsonl', checkCompletion),
    await checkJsonl(dir, 'B_grounding_variants.jsonl', checkVariants),
    await checkJsonl(dir, 'B_bandpass.jsonl', checkBand),
    await checkJsonl(dir, 'B_consistency.jsonl', checkConsistency),
    await checkJsonl(dir, 'B_placeholder.jsonl', checkPlaceholder),
    await checkJsonl(dir, 'B_judge_score.jsonl', checkJudge),
    await checkJsonl(dir, 'B_units.jsonl', checkUnit),
    await checkJsonl(dir, 'B_repetition.jsonl', checkRepetition),
    await checkJsonl(dir, 'B_curriculum.jsonl', checkCurriculum),
    await checkPublishedFileError(dir),
  ];
}

interface CompletionRow extends VectorRow {
  completion: unknown;
  expect: {
    fields: Record<string, string> | null;
    fields_nothink?: Record<string, string> | null;
    tool_names?: string[] | null;
    gold?: JsonValue;
    placeholder?: boolean;
    tags_parsed: number;
    tools_valid_json: number;
    gold_valid_json: number;
    tool_exists: number;
    args_valid: number;
    values_valid: { intended: number };
    gate: number;
    format: number;
    validity_intended: number;
  };
}

function checkCompletion(row: CompletionRow): 'passed' {
  const { expect } = row;
  const completion = fromVectorText(row.completion);
  const parsed = parseGeneratorCompletion(completion, published);
  expectEqual(hashedFields(parsed.fields, true), expect.fields, 'fields');
  if (expect.fields_nothink !== undefined) {
    const fields = generatorFields(completion, { requireThink: false });
    expectEqual(hashedFields(fields, false), expect.fields_nothink, 'fields_nothink');
  }
  if (parsed.fields !== null) {
    expectEqual(parsed.tools?.map(({ name }) => name) ?? null, expect.tool_names ?? null, 'tool_names');
    expectEqual(parsed.gold?.[0] ?? null, expect.gold ?? null, 'gold', TOLERANCE);
    expectEqual(isPlaceholderQuestion(parsed.fields.question), expect.placeholder, 'placeholder');
  }
  const { parts, gate, format, validity } = generatorReward(completion, { published });
  const actual = {
    tags_parsed: parts.blocks,
    tools_valid_json: parts.toolsReadable,
    gold_valid_json: parts.goldReadable,
    tool_exists: parts.toolExists,
    args_valid: parts.requiredArguments,
    gate,
    format,
    validity_intended: validity,
  };
  for (const [name, value] of Object.entries(actual)) {
    expectEqual(value, expect[name as keyof typeof actual], name, TOLERANCE);
  }
  expectEqual(parts.groundedValues, expect.values_valid.intended, 'values_valid', TOLERANCE);
  return 'passed';
}

function hashedFields(fields: GeneratorFields | null, withThink: boolean): Record<string, string> | null {
  if (fields === null) return null;
  return {
    ...(withThink ? { think: fields.think } : {}),
    question: fields.question,
    available_tools: sha16(fields.availableTools),
    tool_call_answer: sha16(fields.toolCallAnswer),
  };
}

interface VariantsRow extends VectorRow {
  value: string;
  py_str: string;
  norm: string;
  variants: string[];
}

function checkVariants(row: VariantsRow): 'passed' {
  const read = readJson(row.value);
  const value = read.ok ? read.value : null;
  expectEqual(pyStr(value), row.py_str, 'py_str');
  expectEqual(normalizeText(pyStr(value)), row.norm, 'norm');
  expectEqual(groundingVariants(value).sort(), [...row.variants].sort(), 'variants');
  return 'passed';
}

interface BandRow extends VectorRow {
  p: number;
  k?: number;
  p_low?: number;
  p_high?: number;
  sigma?: number;
  reward: number;
}

function checkBand({ p, k, p_low, p_high, sigma, reward }: BandRow): 'passed' {
  const band: Band = { samples: k, low: p_low, high: p_high, sigma };
  expectEqual(difficultyBand(p, band), reward, 'reward', TOLERANCE);
  return 'passed';
}

/** The row's calls and gold from its own text, where 5 and 5.0 are still two things. */
function checkConsistency(
  row: VectorRow & { consistency: number; p_success: number },
  line: string,
): 'passed' {
  const read = readJson(line);
  const values = read.ok ? (read.value as PyDict) : new PyDict();
  const gold = readCall(values.get('gold'));
  const samples = (values.get('calls') as PyValue[]).map((call): SolverSample => {
    const parsed = readCall(call);
    return parsed && [parsed];
  });
  expectEqual(consistency(samples, { published }), row.consistency, 'consistency', TOLERANCE);
  expectEqual(passRate(samples, gold ? [gold] : [], { published }), row.p_success, 'p_success', TOLERANCE);
  return 'passed';
}

function readCall(value: PyValue | undefined): ParsedCall | null {
  if (!(value instanceof PyDict)) return null;
  return { name: value.get('name') as string, arguments: value.get('arguments') as PyDict };
}

function checkPlaceholder(row: VectorRow & { q: unknown; placeholder: boolean }): 'passed' {
  expectEqual(isPlaceholderQuestion(fromVectorText(row.q)), row.placeholder, 'placeholder');
  return 'passed';
}

function checkJudge(row: VectorRow & { text: unknown; score: number | null }): 'passed' {
  expectEqual(readJudgeScore(fromVectorText(row.text), published), row.score, 'score');
  return 'passed';
}

function checkUnit(row: VectorRow & { fn: string; in: unknown; out: JsonValue }): string {
  const { fn, out } = row;
  const text = fromVectorText(row.in);
  if (fn === 'parse_available_tools') {
    expectEqual(readTools(text)?.map(toJson) ?? null, out, fn, TOLERANCE);
  } else if (fn === 'normalize_tool_call') {
    const call = readCalls(text, true)?.[0];
    expectEqual(call ? toToolCall(call) : null, out, fn, TOLERANCE);
  } else {
    return `unknown function ${fn}`;
  }
  return 'passed';
}

interface RepetitionRow extends VectorRow {
  questions: (string | null)[];
  completions: unknown[];
  penalty: number[];
  /** Null where it was not recorded. */
  distances_of_valid: number[][] | null;
}

function checkRepetition(row: RepetitionRow): 'passed' {
  const questions = row.completions.map(
    (text) => parseGeneratorCompletion(fromVectorText(text)).fields?.question ?? null,
  );
  expectEqual(repetitionPenalties(questions), row.penalty, 'penalty', TOLERANCE);
  if (row.distances_of_valid === null) return 'passed';
  const valid = questions.filter((question) => question !== null);
  const distances = valid.map((a) => valid.map((b) => questionDistance(a, b)));
  expectEqual(distances, row.distances_of_valid, 'distances', TOLERANCE);
  return 'passed';
}

interface CurriculumRow extends VectorRow {
  completion: unknown;
  solver_texts: string[];
  judge_texts: string[];
  expect: {
    difficulty: number;
    consistency: number;
    semantic: number;
    curriculum: number;
    format: number;
    validity_intended: number;
    total_intended: number;
    p_success: number | null;
    n_solver_calls: number;
    n_judge_calls: number;
  };
}

/** Requests the published code makes for one task: K samples, and a judge that is asked up to three times. */
const PROBE_SAMPLES = 8;
const JUDGE_ATTEMPTS = 3;

function checkCurriculum(row: CurriculumRow): 'passed' {
  const { solver_texts, judge_texts, expect } = row;
  const scripted = (texts: string[], count: number) =>
    Array.from({ length: count }, (_, i) => texts[i % texts.length]!);
  const replies = scripted(judge_texts, JUDGE_ATTEMPTS).map((text) =>
    text === '__RAISE__' ? null : text === '__NONE__' ? '' : text,
  );
  const verdict = judgeVerdict(replies, published, JUDGE_ATTEMPTS);
  const context: GeneratorRewardContext = {
    published,
    solverCompletions: scripted(solver_texts, PROBE_SAMPLES).map((text) =>
      text === '__NONE__' || text === '__RAISE__' ? '' : text,
    ),
    judgeScore: verdict.score,
  };
  const reward = generatorReward(fromVectorText(row.completion), context);
  const asked = reward.passRate !== null;
  const actual = {
    difficulty: reward.parts.difficulty,
    consistency: reward.parts.consistency,
    semantic: reward.parts.coherence,
    curriculum: reward.curriculum,
    format: reward.format,
    validity_intended: reward.validity,
    total_intended: reward.total,
    p_success: reward.passRate,
    n_solver_calls: asked ? PROBE_SAMPLES : 0,
    n_judge_calls: asked ? verdict.attempts : 0,
  };
  for (const [name, value] of Object.entries(actual)) {
    expectEqual(value, expect[name as keyof typeof actual], name, TOLERANCE);
  }
  return 'passed';
}

/** The published module does not compile; there is nothing to compute, only the record to read. */
async function checkPublishedFileError(dir: string): Promise<FileResult> {
  const file = 'B_published_file_error.json';
  const result: FileResult = { file, passed: 0, failed: 0, departed: 0, skipped: 0, failures: [] };
  const path = join(dir, file);
  if (!existsSync(path)) return { ...result, skipped: 1, reason: 'no such file' };
  const { raises } = JSON.parse(await readFile(path, 'utf8')) as { raises?: string };
  // Its reward is computed here nevertheless: a declared departure.
  if (raises !== undefined) return { ...result, departed: 1 };
  return { ...result, failed: 1, failures: [{ id: file, message: 'no exception is recorded' }] };
}
