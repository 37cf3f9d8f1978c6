import * as fs from 'node:fs';
import * as path from 'node:path';

import type { CommandModule } from 'yargs';

import { loadAddon } from '../../binding/load';
import { NOTHING_MEASURED, runBench, type BenchResult } from '../../bench/bench';
import { plotHtml } from '../../bench/plot';
import { jsonRow } from '../../bench/rows';
import { SHAPE_NAMES, type ShapeName } from '../../bench/shapes';
import { machineText, tableText } from '../../bench/table';
import { DEFAULT_SUITES, PEERS, SUITES, type Dtype, type PeerName, type Suite } from '../../bench/types';
import { didYouMean } from '../../config/suggest';
import { makeFolders } from '../../io/files';
import { ensureReady } from '../../setup';
import { errorText, exitCodeOf, UsageError } from '../errors';

interface BenchArguments {
  suite?: string;
  shape?: string;
  device: string;
  dtype?: Dtype;
  peers?: string;
  repeats?: number;
  python: string;
  nodeLlamaCpp: string;
  threads: number;
  seed: number;
  json: boolean;
  out?: string;
  verbose: boolean;
}

/** `a,b` → names, each checked. @throws UsageError naming what there is */
export function namesOf<T extends string>(flag: string, given: string, all: readonly T[]): T[] {
  const names = given.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(all as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new UsageError(
      `--${flag}: '${unknown}' is none of ${all.join(', ')}.${didYouMean(unknown, [...all])}`,
    );
  return [...new Set(names)] as T[];
}

/** @throws UsageError */
function positive(flag: string, value: number | undefined, least: number): void {
  if (value !== undefined && (!Number.isSafeInteger(value) || value < least))
    throw new UsageError(`--${flag}: must be a whole number of at least ${least}`);
}

const DEFAULT_SHAPES: Readonly<Record<'cpu' | 'cuda', readonly ShapeName[]>> = {
  cpu: ['embedded', 'qwen2.5-0.5b'],
  cuda: ['qwen2.5-0.5b', 'qwen2.5-1.5b', 'qwen2.5-3b'],
};
/** Measured on one shape unless shapes are named. */
const ONE_SHAPE: Readonly<Record<'cpu' | 'cuda', { suites: readonly Suite[]; shape: ShapeName }>> = {
  cpu: { suites: ['iteration', 'batch', 'context'], shape: 'embedded' },
  cuda: { suites: ['iteration', 'context'], shape: 'qwen2.5-1.5b' },
};

/** What is measured: all combinations of what is named; without --shape, the shapes that have a target. */
function plan(args: BenchArguments, kind: 'cpu' | 'cuda'): { suites: Suite[]; shapes: ShapeName[] }[] {
  const shapes = args.shape === undefined ? undefined : namesOf('shape', args.shape, SHAPE_NAMES);
  const suites = args.suite === undefined ? [...DEFAULT_SUITES] : namesOf('suite', args.suite, SUITES);
  if (shapes) return [{ suites, shapes }];
  const own = suites.filter((suite) => ONE_SHAPE[kind].suites.includes(suite));
  return [
    { suites: suites.filter((suite) => !own.includes(suite)), shapes: [...DEFAULT_SHAPES[kind]] },
    { suites: own, shapes: [ONE_SHAPE[kind].shape] },
  ];
}

/** Prints the rows there are, and writes them where a folder is asked for. */
function showResult(
  { rows, machine }: BenchResult,
  device: string,
  { json, out }: Pick<BenchArguments, 'json' | 'out'>,
  log: (line: string) => void,
): void {
  const title = machineText(machine, device);
  if (out !== undefined && rows.length > 0) {
    makeFolders(out);
    fs.writeFileSync(path.join(out, 'bench.html'), plotHtml(rows, title));
    fs.writeFileSync(path.join(out, 'bench.json'), `${JSON.stringify({ machine, rows }, null, 2)}\n`);
    log(`written: ${path.join(out, 'bench.html')}, ${path.join(out, 'bench.json')}`);
  }
  process.stdout.write(
    json ? `${JSON.stringify(rows.map(jsonRow), null, 2)}\n` : `${title}\n\n${tableText(rows)}\n`,
  );
}

export const benchCommand: CommandModule<object, BenchArguments> = {
  command: 'bench',
  describe: 'measure speed and memory beside other tools and the machine’s limits',
  builder: (yargs) =>
    yargs
      .usage(
        '$0 bench [options]\n\nOne table, every figure beside a peer measured in the same run and the limit of the machine. Peers run as processes of ' +
          'their own where they are installed, and are skipped with a line where not. Weights are random; nothing is downloaded.',
      )
      .option('suite', {
        type: 'string',
        requiresArg: true,
        describe: `what to measure, separated by commas: ${SUITES.join(', ')}`,
        defaultDescription: DEFAULT_SUITES.join(','),
      })
      .option('shape', {
        type: 'string',
        requiresArg: true,
        describe: `sizes of the model: ${SHAPE_NAMES.join(', ')}`,
        defaultDescription: `${DEFAULT_SHAPES.cpu.join(',')} on a CPU, ${DEFAULT_SHAPES.cuda.join(',')} on CUDA; iteration and context (CPU: batch, too) on embedded or qwen2.5-1.5b`,
      })
      .option('device', {
        type: 'string',
        default: 'auto',
        requiresArg: true,
        describe: 'auto, cpu, cuda or cuda:N',
      })
      .option('dtype', {
        choices: ['float32', 'bfloat16'] as const,
        requiresArg: true,
        describe: 'what all sides compute in',
        defaultDescription: 'float32 for embedded on a CPU, else bfloat16',
      })
      .option('peers', {
        type: 'string',
        requiresArg: true,
        describe: `separated by commas, or none: ${PEERS.join(', ')}`,
        defaultDescription: 'all',
      })
      .option('repeats', {
        type: 'number',
        requiresArg: true,
        describe: 'repetitions of each side, in turn',
        defaultDescription: '5, or 3 where one takes over a minute',
      })
      .option('python', {
        type: 'string',
        default: process.env['PYTHON'] ?? 'python3',
        requiresArg: true,
        describe: 'Python that has transformers and TRL (also the environment variable PYTHON)',
      })
      .option('node-llama-cpp', {
        type: 'string',
        default: '.',
        requiresArg: true,
        describe: 'folder whose node_modules has node-llama-cpp',
      })
      .option('threads', {
        type: 'number',
        default: 0,
        requiresArg: true,
        describe: 'CPU threads; 0 is one per core',
      })
      .option('seed', {
        type: 'number',
        default: 1,
        requiresArg: true,
        describe: 'of weights, prompts and lengths',
      })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: 'folder for bench.html (plot and table) and bench.json (all repetitions)',
      })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'one JSON array of rows on stdout and nothing else; progress goes to stderr',
      })
      .example('$0 bench --suite rollout --shape embedded', 'a minute')
      .example('$0 bench --device cuda --shape qwen2.5-1.5b --out bench-out', 'a GPU, with a plot')
      .epilogue(
        'bench/README.md of the package says how every row is measured and how to install the peers.',
      ) as never,
  handler: async (args) => {
    const { verbose, repeats, threads, seed } = args;
    positive('repeats', repeats, 1);
    positive('threads', threads, 0);
    positive('seed', seed, 0);
    if (!/^(auto|cpu|cuda(:\d+)?)$/.test(args.device))
      throw new UsageError(`--device: must be auto, cpu, cuda or cuda:N, not '${args.device}'`);
    const peers: PeerName[] =
      args.peers === undefined
        ? [...PEERS]
        : args.peers === 'none'
          ? []
          : namesOf('peers', args.peers, PEERS);
    plan(args, 'cpu'); // names are checked before anything is built
    await ensureReady({ device: args.device.split(':')[0] as 'cpu', verbose });
    const device =
      args.device !== 'auto' ? args.device : loadAddon().cudaDevices().length > 0 ? 'cuda' : 'cpu';
    const log = (line: string) => void process.stderr.write(`${line}\n`);
    const result = NOTHING_MEASURED();
    const show = () => showResult(result, device, args, log);
    try {
      for (const { suites, shapes } of plan(args, device === 'cpu' ? 'cpu' : 'cuda')) {
        if (suites.length === 0) continue;
        await runBench(
          {
            suites,
            shapes,
            device,
            peers,
            python: args.python,
            nodeLlamaCpp: args.nodeLlamaCpp,
            threads,
            seed,
            verbose,
            log,
            interrupted: (signal) => {
              log(`${signal}: what was measured until then follows`);
              show();
            },
            ...(args.dtype === undefined ? {} : { dtype: args.dtype }),
            ...(repeats === undefined ? {} : { repeats }),
          },
          result,
        );
      }
    } catch (error) {
      if (result.rows.length === 0) throw error;
      // Rethrown it would become a second value on stdout.
      log(errorText(error, verbose));
      process.exitCode = exitCodeOf(error);
    }
    show();
  },
};
