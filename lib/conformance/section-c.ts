/** Section C: curation, with every published switch on. */
import { answerBlock, cleanJson, measureAgreement, spellCalls, spellNames } from '../curation/agreement';
import { labelConfidence } from '../curation/confidence';
import { keepByAgreement } from '../curation/cross-verify';
import { deduplicate } from '../curation/deduplicate';
import { isPlaceholder } from '../curation/placeholder';
import { difficultyTargets, domainQuotas, type DifficultyShares } from '../curation/quotas';
import { select } from '../curation/select';
import type { CandidateTask, Fingerprints } from '../curation/types';
import { validateCandidate } from '../curation/validate';
import { ALL_PUBLISHED } from '../rewards/published';
import type { ParsedCall } from '../roles/calls';
import { DIFFICULTIES, readDifficulty } from '../roles/difficulty-reader';
import { domainWeights } from '../tasks/domains';
import { Random } from '../tasks/random';
import type { Difficulty, JsonValue } from '../tasks/task';
import { type PyDict, codePointLength, readJson, sha16, type PyValue } from '../text';
import { Mismatch, checkJsonl, expectEqual, type FileResult, type VectorRow } from './types';
import { fromVectorText } from './vector-values';

const TOLERANCE = 1e-12;
/** Confidences are recorded with four decimals. */
const ROUNDED = 5.1e-5;
const published = ALL_PUBLISHED;

/** Checks every file of section C in `dir`. */
export async function checkSectionC(dir: string): Promise<FileResult[]> {
  return [
    await checkJsonl(dir, 'C_parse_and_validate.jsonl', checkValidation),
    await checkJsonl(dir, 'C_dedup.jsonl', checkDeduplication),
    await checkJsonl(dir, 'C_verify.jsonl', checkVerification),
    await checkJsonl(dir, 'C_units.jsonl', checkUnit),
    await checkJsonl(dir, 'C_selection.jsonl', checkSelection),
  ];
}

interface ValidationRow extends VectorRow {
  raw: unknown;
  expect: {
    reason: string;
    question_sha16?: string;
    question_len?: number;
    tools?: JsonValue;
    calls?: JsonValue;
    fingerprints?: Record<string, string>;
    quality?: number;
  };
}

function checkValidation({ id, raw, expect }: ValidationRow): 'passed' {
  const task = validateCandidate({ id: String(id), text: fromVectorText(raw) }, { published });
  if (typeof task === 'string') {
    expectEqual(task, expect.reason, 'reason');
    return 'passed';
  }
  expectEqual('ok', expect.reason, 'reason');
  expectEqual(sha16(task.question), expect.question_sha16, 'question_sha16');
  expectEqual(codePointLength(task.question), expect.question_len, 'question_len');
  expectEqual(task.tools, expect.tools, 'tools', TOLERANCE);
  expectEqual(task.gold, expect.calls, 'calls', TOLERANCE);
  const fingerprints = Object.fromEntries(
    Object.entries(FINGERPRINTS).map(([name, field]) => [name, task.fingerprints[field]]),
  );
  expectEqual(fingerprints, expect.fingerprints, 'fingerprints');
  expectEqual(task.quality, expect.quality, 'quality', TOLERANCE);
  return 'passed';
}

const FINGERPRINTS: Readonly<Record<string, keyof Fingerprints>> = {
  q_fp: 'question',
  tool_fp: 'tools',
  call_fp: 'calls',
  combo_fp: 'combination',
};

interface DeduplicationRow extends VectorRow {
  raws: unknown[];
  valid: number[];
  quality: number[];
  kept_indices: Record<string, number[]>;
}

function checkDeduplication(row: DeduplicationRow): 'passed' {
  const tasks = row.raws
    .map((raw, i) => validateCandidate({ id: String(i), text: fromVectorText(raw) }, { published }))
    .filter((task) => typeof task !== 'string');
  expectEqual(tasks.map(({ id }) => Number(id)), row.valid, 'valid'); // prettier-ignore
  expectEqual(tasks.map(({ quality }) => quality), row.quality, 'quality', TOLERANCE); // prettier-ignore
  for (const [setting, expected] of Object.entries(row.kept_indices)) {
    const [key, keep] = setting.split('/') as [string, string];
    const { kept } = deduplicate(tasks, { by: FINGERPRINTS[key]!, keep: Number(keep) });
    expectEqual(kept.map(({ id }) => Number(id)), expected, setting); // prettier-ignore
  }
  return 'passed';
}

interface VerificationRow extends VectorRow {
  k: number;
  outputs: unknown[];
  expect: {
    rate: number;
    reason: string;
    first_valid_pred: JsonValue;
    full_argument_rate: number;
    per_output: { names: string | null }[];
    'kept_at_tau_0.2': boolean;
    'kept_at_tau_0.5': boolean;
  };
}

function checkVerification({ k, outputs, expect }: VerificationRow, line: string): 'passed' {
  const completions = outputs.map(fromVectorText);
  const gold = readGold(line);
  const byName = measureAgreement(completions, gold, { published, samples: k });
  expectEqual(byName.agreement, expect.rate, 'rate', TOLERANCE);
  expectEqual(byName.reason, expect.reason, 'reason');
  expectEqual(byName.firstPrediction, expect.first_valid_pred, 'first_valid_pred', TOLERANCE);
  for (const tau of [0.2, 0.5] as const) {
    const { kept } = keepByAgreement([{ task: PLAIN_TASK, ...byName }], { tau });
    expectEqual(kept.length === 1, expect[`kept_at_tau_${tau}`], `kept_at_tau_${tau}`);
  }
  const fully = { ...published, namesOnlyVerification: false };
  const full = measureAgreement(completions, gold, { published: fully, samples: k });
  expectEqual(full.agreement, expect.full_argument_rate, 'full_argument_rate', TOLERANCE);
  const names = completions.map((text) => {
    const block = answerBlock(text);
    return { names: block === null ? null : spellNames(valueOf(cleanJson(block))) };
  });
  expectEqual(names, expect.per_output, 'per_output');
  return 'passed';
}

/** The gold calls from the row's own text, where 5 and 5.0 are still two things. */
function readGold(line: string): ParsedCall[] {
  const gold = (valueOf(line) as PyDict).get('gold') as PyDict[];
  return gold.map((call) => ({
    name: call.get('name') as string,
    arguments: call.get('arguments') as PyDict,
  }));
}

function valueOf(text: string): PyValue {
  const read = readJson(text);
  return read.ok ? read.value : null;
}

const PLAIN_TASK: CandidateTask = {
  id: 'task',
  question: '',
  tools: [],
  gold: [],
  fingerprints: { question: '', tools: '', calls: '', combination: '' },
  quality: 0,
};

interface UnitRow extends VectorRow {
  fn: string;
  in: unknown;
  out: JsonValue;
}

function checkUnit({ fn, in: input, out }: UnitRow): string {
  const unit = UNITS[fn];
  if (unit === undefined) return `unknown function ${fn}`;
  expectEqual(unit(input), out, fn, TOLERANCE);
  return 'passed';
}

const UNITS: Readonly<Record<string, (input: unknown) => unknown>> = {
  extract_tool_call_answer_block: (text) => answerBlock(fromVectorText(text)),
  clean_json_blob: (text) => cleanJson(fromVectorText(text)),
  normalize_call_json: (text) => spellCalls(valueOf(fromVectorText(text))),
  normalize_call_names_only: (text) => spellNames(valueOf(fromVectorText(text))),
  'verify.is_placeholder_question': (text) => isPlaceholder(fromVectorText(text), 'verify'),
  'select.is_placeholder_question': (text) => isPlaceholder(fromVectorText(text), 'select'),
  parse_difficulty_token: (text) => labelOf(fromVectorText(text)),
  'parse_difficulty_token(default=easy)': (text) => labelOf(fromVectorText(text), 'easy'),
  'parse_difficulty_token(default=hard)': (text) => labelOf(fromVectorText(text), 'hard'),
  difficulty_targets: (input) => {
    const { n, mix } = input as { n: number; mix: DifficultyShares };
    return difficultyTargets(n, mix);
  },
  combined_confidence: (input) => {
    const { meta, fallback, enable, alpha } = input as ConfidenceUnit;
    if (!enable) return null;
    const key = ['p_mode', 'mode_frac', 'mode_fraction'].find((name) => name in meta);
    return labelConfidence({ usedFallback: fallback, alpha, ...(key ? { modeFraction: meta[key] } : {}) });
  },
};

interface ConfidenceUnit {
  meta: Record<string, unknown>;
  fallback: boolean;
  enable: boolean;
  alpha: number;
}

function labelOf(text: string, fallback?: Difficulty): [Difficulty, boolean] {
  const { difficulty, usedFallback } = readDifficulty(text, fallback);
  return [difficulty, usedFallback];
}

type Counts = Record<Difficulty, number>;

interface SelectionRow extends VectorRow {
  items: [domain: string, difficulty: Difficulty, modeFraction: number][];
  n_final: number;
  weights: 'default' | Record<string, number>;
  mix: DifficultyShares;
  conf_blend: boolean;
  conf_alpha: number | null;
  expect: {
    quotas: Record<string, number> | null;
    total: number;
    domains: Record<
      string,
      { quota: number; target: Counts; min_per_difficulty: Counts; max_per_difficulty: Counts }
    >;
    selected_confidences?: Record<string, number[]>;
  };
}

/** Which tasks are chosen hangs on the random source; what every source must give is checked. */
function checkSelection(row: SelectionRow): 'passed' {
  const { items, n_final: total, mix, expect } = row;
  const weights = row.weights === 'default' ? domainWeights(published) : row.weights;
  const supply = new Map<string, number>();
  for (const [domain] of items) supply.set(domain, (supply.get(domain) ?? 0) + 1);
  const quotas = domainQuotas(supply, total, weights);
  if (expect.quotas !== null) {
    expectEqual(Object.fromEntries(quotas), expect.quotas, 'quotas');
  }
  const tasks = items.map(([domain, difficulty, agreement], i): CandidateTask => {
    const spec = { domain, contextType: 'single_turn' as const, toolMenuSize: 1, numCalls: 1 };
    return { ...PLAIN_TASK, id: String(i), spec, difficulty, agreement };
  });
  const { kept } = select(tasks, {
    tasks: total,
    random: Random.seeded(String(row.id)),
    shares: mix,
    domainWeights: weights,
    published,
    ...(row.conf_blend ? { confidenceAlpha: row.conf_alpha ?? 0 } : {}),
  });
  expectEqual(kept.length, expect.total, 'total');
  expectEqual(new Set(kept.map(({ id }) => id)).size, kept.length, 'distinct tasks');
  if (expect.quotas !== null) checkDomains(kept, tasks, mix, expect.domains);
  if (expect.quotas !== null && expect.selected_confidences) {
    expectEqual(confidencesByLevel(kept), expect.selected_confidences, 'selected_confidences', ROUNDED);
  }
  return 'passed';
}

function checkDomains(
  kept: readonly CandidateTask[],
  tasks: readonly CandidateTask[],
  mix: DifficultyShares,
  domains: SelectionRow['expect']['domains'],
): void {
  for (const [domain, expected] of Object.entries(domains)) {
    const chosen = countLevels(kept.filter(({ spec }) => spec!.domain === domain));
    const supply = countLevels(tasks.filter(({ spec }) => spec!.domain === domain));
    const target = difficultyTargets(expected.quota, mix);
    expectEqual(target, expected.target, `${domain}.target`);
    expectEqual(chosen.easy + chosen.medium + chosen.hard, expected.quota, `${domain}.quota`);
    const isAvailable = DIFFICULTIES.every((level) => supply[level] >= target[level]);
    if (isAvailable) expectEqual(chosen, target, `${domain}: levels`);
    for (const level of DIFFICULTIES) {
      const low = expected.min_per_difficulty[level];
      const high = expected.max_per_difficulty[level];
      if (chosen[level] < low || chosen[level] > high) {
        throw new Mismatch(`${domain}: ${chosen[level]} ${level} tasks, expected ${low} to ${high}`);
      }
    }
  }
}

function countLevels(tasks: readonly CandidateTask[]): Counts {
  const counts = { easy: 0, medium: 0, hard: 0 };
  for (const { difficulty } of tasks) counts[difficulty!]++;
  return counts;
}

function confidencesByLevel(tasks: readonly CandidateTask[]): Record<string, number[]> {
  const lists: Record<string, number[]> = {};
  for (const { spec, difficulty, confidence } of tasks) {
    (lists[`${spec!.domain}/${difficulty}`] ??= []).push(confidence!);
  }
  for (const list of Object.values(lists)) list.sort((a, b) => b - a);
  return lists;
}
