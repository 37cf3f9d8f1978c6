import type { Argv, Options } from 'yargs';

import { LAYOUTS, type Layout } from '../../eval/benchmarks/layouts';
import { CANDIDATE_ORDERS, type CandidateOrder } from '../../eval/candidate-order';
import { PROMPT_STYLES, type PromptStyle } from '../../eval/chat';
import { PUBLISHED_MODELS } from '../../eval/published-results';
import { UsageError } from '../errors';
import { checkGivenOnce } from '../given';

export interface EvalArguments {
  model?: string;
  benchmark?: string;
  data?: string;
  layout: Layout;
  limit?: number;
  prompt: PromptStyle;
  candidates: CandidateOrder;
  temperature?: number;
  topP?: number;
  passAt?: string;
  seeds: number;
  seed: number;
  maxNewTokens?: number;
  batch?: number;
  device: string;
  dtype: 'auto' | 'float32' | 'bfloat16';
  baseModel?: string;
  predictions?: string;
  compare?: string;
  contamination?: string;
  list: boolean;
  out?: string;
  html?: string;
  json: boolean;
  verbose: boolean;
}

/** As typed: without defaults, so that one can tell what was asked for, and numbers as text. */
export type GivenEvalArguments = Readonly<Record<string, unknown>>;

const text = (describe: string): Options => ({ type: 'string', requiresArg: true, describe });
const choice = (choices: readonly string[], describe: string): Options => ({
  choices,
  requiresArg: true,
  describe: `${describe} [${choices[0]}]`,
});

const OPTIONS: Readonly<Record<string, Options>> = {
  model: text('model folder to evaluate, e.g. runs/…/solver'),
  benchmark: text(
    'sets by name, separated by commas, or files of your own: ./my.jsonl [the paper’s five and bfcl]',
  ),
  data: text('folder of the downloaded sets, searched recursively'),
  layout: choice(LAYOUTS, 'original: as published; hammer: as the paper likely had three of them'),
  limit: text('tasks per set, spread evenly over it'),
  prompt: choice(
    PROMPT_STYLES,
    'tool-r0: the prompt the Solver is trained on; native: the model’s own chat template with tools',
  ),
  candidates: choice(
    CANDIDATE_ORDERS,
    'order of the tools; Seal-Tools lists the right one first in 88 % of its rows',
  ),
  temperature: text('0 is greedy [0; 1 with several samples or seeds]'),
  'top-p': text('nucleus sampling [1: off]'),
  'pass-at': text('pass@k for these k, e.g. 1,8; samples as many answers as the largest'),
  seeds: text('repeat under so many seeds and report the spread [1]'),
  seed: text('first seed, of sampling and of shuffled candidates [0]'),
  'max-new-tokens': text('longest answer, in tokens [512, at most a quarter of the context]'),
  batch: text('answers generated together [256]'),
  device: text('auto, cpu, cuda or cuda:N [auto]'),
  dtype: choice(['auto', 'float32', 'bfloat16'], 'of the weights computed with'),
  'base-model': {
    choices: PUBLISHED_MODELS.map(({ name }) => name),
    requiresArg: true,
    describe: 'whose published figures stand beside [recognised by its shape]',
  },
  predictions: text('score the answers of another system instead: {id, text} or {id, calls} per line'),
  compare: text('A,B: compare two folders made with --out, task by task'),
  contamination: text(
    'what a run (its folder) has trained on, or a file of tasks (JSON lines), shares with the sets',
  ),
  list: {
    type: 'boolean',
    describe: 'say what each set is, where to get it, its licence, and whether it is in --data',
  },
  out: text(
    'folder for all answers, summary.json and report.html; called again, goes on where it was stopped',
  ),
  html: text('write the report as one HTML file'),
  json: { type: 'boolean', describe: 'one JSON object on stdout, and nothing else' },
};

/** `eval convert` has flags of its own, so these are not handed down to it. */
const own = (options: Readonly<Record<string, Options>>): Record<string, Options> =>
  Object.fromEntries(Object.entries(options).map(([flag, option]) => [flag, { ...option, global: false }]));

export const evalOptions = (yargs: Argv<object>): Argv<object> =>
  yargs
    .options(own(OPTIONS))
    .group(['model', 'benchmark', 'data', 'limit', 'out', 'json', 'list'], 'Most used:')
    .example('$0 eval --list --data ./benchmarks', 'what is there')
    .example('$0 eval --model ./solver --data ./benchmarks --limit 50', 'a first look at all sets')
    .example('$0 eval --model ./solver --benchmark ./exam.jsonl --pass-at 1,8', 'an exam of your own')
    .example(
      '$0 eval --predictions theirs.jsonl --benchmark bfcl --data ./benchmarks',
      'another system, no model needed',
    )
    .example('$0 eval --compare evals/base,evals/solver', 'is the difference real?');

/** Those of `eval convert`. */
export const CONVERT_OPTIONS: Readonly<Record<string, Options>> = {
  benchmark: { ...text('the set to write: its name, or a file of your own'), demandOption: true },
  data: OPTIONS['data']!,
  layout: OPTIONS['layout']!,
  limit: text('so many records, spread evenly over the set [all]'),
  out: { ...text('file to write, JSON lines'), demandOption: true },
  json: OPTIONS['json']!,
};

/** Flags that take one value. */
const single = (options: Readonly<Record<string, Options>>): string[] =>
  Object.keys(options).filter((flag) => options[flag]!.type !== 'boolean');

/** Text as a number: NaN where it is none. */
const numberOf = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value));

/** The arguments of `eval`, with defaults. @throws UsageError for a flag given twice or without a value */
export function evalArguments(given: GivenEvalArguments): EvalArguments {
  checkGivenOnce(given, single(OPTIONS));
  const numbers = ['limit', 'temperature', 'topP', 'maxNewTokens', 'batch']
    .map((name) => [name, numberOf(given[name])] as const)
    .filter(([, value]) => value !== undefined);
  return {
    layout: LAYOUTS[0],
    prompt: PROMPT_STYLES[0],
    candidates: CANDIDATE_ORDERS[0],
    device: 'auto',
    dtype: 'auto',
    list: false,
    json: false,
    verbose: false,
    ...given,
    seeds: numberOf(given['seeds']) ?? 1,
    seed: numberOf(given['seed']) ?? 0,
    ...Object.fromEntries(numbers),
  };
}

export interface ConvertArguments {
  benchmark: string;
  data?: string;
  layout: Layout;
  limit?: number;
  out: string;
  json: boolean;
}

/** The arguments of `eval convert`, with defaults. @throws UsageError */
export function convertArguments(given: GivenEvalArguments): ConvertArguments {
  checkGivenOnce(given, single(CONVERT_OPTIONS));
  const { benchmark, data, out } = given as { benchmark: string; data?: string; out: string };
  const limit = numberOf(given['limit']);
  wholeNumber(limit, 'limit', 1);
  if (benchmark.includes(','))
    throw new UsageError('--benchmark: convert writes one set at a time, each into a file of its own');
  return {
    benchmark: benchmark.trim(),
    ...(data === undefined ? {} : { data }),
    layout: (given['layout'] as Layout | undefined) ?? LAYOUTS[0],
    ...(limit === undefined ? {} : { limit }),
    out,
    json: given['json'] === true,
  };
}

function wholeNumber(value: number | undefined, flag: string, least: number): void {
  if (value !== undefined && (!Number.isSafeInteger(value) || value < least))
    throw new UsageError(`--${flag} must be a whole number of at least ${least}`);
}

/** More than these are a slip of the finger; all answers to a task are held in memory. */
const MOST_SAMPLES = 100_000;
const MOST_SEEDS = 10_000;

/** What the flags come to for sampling. @throws UsageError */
export function samplingOf(args: EvalArguments): {
  passAt: number[];
  samples: number;
  seeds: number[];
  temperature: number;
} {
  wholeNumber(args.limit, 'limit', 1);
  wholeNumber(args.seeds, 'seeds', 1);
  wholeNumber(args.seed, 'seed', 0);
  wholeNumber(args.maxNewTokens, 'max-new-tokens', 1);
  wholeNumber(args.batch, 'batch', 1);
  const { temperature: given, topP } = args;
  if (given !== undefined && !(given >= 0))
    throw new UsageError('--temperature must be a number of at least 0');
  if (topP !== undefined && !(topP > 0 && topP <= 1))
    throw new UsageError('--top-p must be above 0 and at most 1');
  const passAt = (args.passAt ?? '')
    .split(',')
    .filter((word) => word.trim() !== '')
    .map(Number);
  if (
    (args.passAt !== undefined && passAt.length === 0) ||
    passAt.some((k) => !Number.isSafeInteger(k) || k < 1)
  )
    throw new UsageError('--pass-at must be whole numbers of at least 1, separated by commas');
  const samples = Math.max(1, ...passAt);
  if (samples > MOST_SAMPLES) throw new UsageError(`--pass-at: at most ${MOST_SAMPLES} answers to a task`);
  if (args.seeds > MOST_SEEDS) throw new UsageError(`--seeds: at most ${MOST_SEEDS}`);
  const varied = samples > 1 || (args.seeds > 1 && args.candidates === 'published');
  const temperature = given ?? (varied ? 1 : 0);
  if (varied && temperature === 0)
    throw new UsageError(
      'greedy answers do not vary: give --temperature above 0, or --candidates shuffled with --seeds',
    );
  const seeds = Array.from({ length: args.seeds }, (_, index) => args.seed + index);
  return { passAt: [...new Set(passAt)].sort((a, b) => a - b), samples, seeds, temperature };
}
