import type { Argv } from 'yargs';

import { LAYOUTS, type Layout } from '../../eval/benchmarks/layouts';
import { CANDIDATE_ORDERS, type CandidateOrder } from '../../eval/candidate-order';
import { PROMPT_STYLES, type PromptStyle } from '../../eval/chat';
import { PUBLISHED_MODELS } from '../../eval/published-results';
import { UsageError } from '../errors';

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

const text = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;
const number = (describe: string) => ({ type: 'number', requiresArg: true, describe }) as const;

export const evalOptions = (yargs: Argv<object>): Argv<object> =>
  yargs
    .option('model', text('model folder to evaluate, e.g. runs/…/solver'))
    .option(
      'benchmark',
      text('sets by name, separated by commas, or files of your own: ./my.jsonl [the paper’s five and bfcl]'),
    )
    .option('data', text('folder of the downloaded sets, searched recursively'))
    .option('layout', {
      choices: LAYOUTS,
      default: 'original' as const,
      describe: 'original: as published; hammer: as the paper likely had three of them',
    })
    .option('limit', number('tasks per set, spread evenly over it'))
    .option('prompt', {
      choices: PROMPT_STYLES,
      default: 'tool-r0' as const,
      describe:
        'tool-r0: the prompt the Solver is trained on; native: the model’s own chat template with tools',
    })
    .option('candidates', {
      choices: CANDIDATE_ORDERS,
      default: 'published' as const,
      describe: 'order of the tools; Seal-Tools lists the right one first in 88 % of its rows',
    })
    .option('temperature', number('0 is greedy [0; 1 with several samples or seeds]'))
    .option('top-p', number('nucleus sampling'))
    .option('pass-at', text('pass@k for these k, e.g. 1,8; samples as many answers as the largest'))
    .option('seeds', { ...number('repeat under so many seeds and report the spread'), default: 1 })
    .option('seed', { ...number('first seed, of sampling and of shuffled candidates'), default: 0 })
    .option('max-new-tokens', number('longest answer, in tokens [512, at most a quarter of the context]'))
    .option('batch', number('answers generated together [256]'))
    .option('device', { ...text('auto, cpu, cuda or cuda:N'), default: 'auto' })
    .option('dtype', {
      choices: ['auto', 'float32', 'bfloat16'] as const,
      default: 'auto' as const,
      describe: 'of the weights computed with',
    })
    .option('base-model', {
      choices: PUBLISHED_MODELS.map(({ name }) => name),
      describe: 'whose published figures stand beside [recognised by its shape]',
    })
    .option(
      'predictions',
      text('score the answers of another system instead: {id, text} or {id, calls} per line'),
    )
    .option('compare', text('A,B: compare two folders made with --out, task by task'))
    .option(
      'contamination',
      text('what a run (its folder) has trained on, or a file of tasks (JSON lines), shares with the sets'),
    )
    .option('list', {
      type: 'boolean',
      default: false,
      describe: 'say what each set is, where to get it, its licence, and whether it is in --data',
    })
    .option(
      'out',
      text(
        'folder for all answers, summary.json and report.html; called again, goes on where it was stopped',
      ),
    )
    .option('html', text('write the report as one HTML file'))
    .option('json', {
      type: 'boolean',
      default: false,
      describe: 'one JSON object on stdout, and nothing else',
    })
    .group(['model', 'benchmark', 'data', 'limit', 'out', 'json', 'list'], 'Most used:')
    .example('$0 eval --list --data ./benchmarks', 'what is there')
    .example('$0 eval --model ./solver --data ./benchmarks --limit 50', 'a first look at all sets')
    .example('$0 eval --model ./solver --benchmark ./exam.jsonl --pass-at 1,8', 'an exam of your own')
    .example(
      '$0 eval --predictions theirs.jsonl --benchmark bfcl --data ./benchmarks',
      'another system, no model needed',
    )
    .example('$0 eval --compare evals/base,evals/solver', 'is the difference real?');

function wholeNumber(value: number | undefined, flag: string, least: number): void {
  if (value !== undefined && (!Number.isSafeInteger(value) || value < least))
    throw new UsageError(`--${flag} must be a whole number of at least ${least}`);
}

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
  if (passAt.some((k) => !Number.isSafeInteger(k) || k < 1))
    throw new UsageError('--pass-at must be whole numbers of at least 1, separated by commas');
  const samples = Math.max(1, ...passAt);
  const varied = samples > 1 || (args.seeds > 1 && args.candidates === 'published');
  const temperature = given ?? (varied ? 1 : 0);
  if (varied && temperature === 0)
    throw new UsageError(
      'greedy answers do not vary: give --temperature above 0, or --candidates shuffled with --seeds',
    );
  const seeds = Array.from({ length: args.seeds }, (_, index) => args.seed + index);
  return { passAt: [...new Set(passAt)].sort((a, b) => a - b), samples, seeds, temperature };
}
