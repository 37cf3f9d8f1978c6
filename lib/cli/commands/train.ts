import * as os from 'node:os';

import pc from 'picocolors';
import * as yaml from 'yaml';
import type { Argv, CommandModule } from 'yargs';

import {
  gatherConfig,
  PRESETS,
  publishedRows,
  resolveTrainConfig,
  type Config,
  type TrainConfig,
} from '../../config';
import { mergeConfig } from '../../config/merge';
import { askedCounts } from '../../driver/benchmark-stage';
import { plannedTasks } from '../../driver/given-tasks';
import { checkInputs } from '../../driver/inputs';
import { warningsOf } from '../../driver/warnings';
import type { RunResult } from '../../driver/events';
import { closingText } from '../../report/closing';
import { estimate, estimateText } from '../../report/estimate';
import { LiveReporter } from '../../report/live-reporter';
import { modelSize } from '../../report/model-size';
import { PlainReporter } from '../../report/plain-reporter';
import { JsonReporter, type Reporter } from '../../report/reporter';
import { tasksLine } from '../../report/set-lines';
import { ensureReady, isReady } from '../../setup';
import { hasCudaDriver } from '../../setup/platform';
import { embeddedModelFolder, train } from '../../train';
import { configOfFlags, configOptions } from '../flags';
import { interruptSignal } from '../interrupt';
import { UsageError } from '../errors';

interface TrainArguments {
  preset?: string;
  config?: string;
  set?: string[];
  published?: string;
  resume?: string;
  json: boolean;
  dryRun: boolean;
  verbose: boolean;
  [flag: string]: unknown;
}

const presetNames = Object.entries(PRESETS)
  .map(([name, { description }]) => `${name}: ${description}`)
  .join(' ');

const builder = (yargs: Argv): Argv =>
  yargs
    .usage(
      '$0 train [options]\n\nTool-R0 self-play: Generator GRPO → synthesis → curation → Solver GRPO, iteration by iteration. With --tasks: Solver GRPO on the tasks of a file, without a Generator. Without options: the embedded base model on this machine, minutes.',
    )
    .option('preset', {
      type: 'string',
      requiresArg: true,
      describe: `${presetNames} Default: paper with --model, else tiny.`,
    })
    .option('config', {
      type: 'string',
      requiresArg: true,
      describe: 'YAML or JSON file with any part of the configuration',
    })
    .options(configOptions())
    .option('set', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'key=value for any key of the configuration, e.g. --set solver.optimizer.learningRate=1e-5',
    })
    .option('published', {
      type: 'string',
      describe: 'switch the published code’s behaviour back on: all of it, or the rows named (a,b,c)',
    })
    .option('resume', { type: 'string', requiresArg: true, describe: 'go on with the run in this folder' })
    .option('json', {
      type: 'boolean',
      default: false,
      describe: 'one JSON object per line on stdout, each with a type; logs on stderr',
    })
    .option('dry-run', {
      type: 'boolean',
      default: false,
      describe: 'print the resolved configuration and an estimate of tokens, memory and disk, and stop',
    })
    .group(
      ['preset', 'config', 'set', 'published', 'model', 'tasks', 'eval-data', 'iterations', 'seed', 'device'],
      'Most used:',
    )
    .example('$0 train', 'three iterations on the embedded base model')
    .example('$0 train --seed 2 --out runs/second', 'another seed, another folder')
    .example(
      '$0 train --model ./Qwen2.5-0.5B-Instruct --eval-data tasks.jsonl',
      'the published recipe on a real model',
    )
    .example(
      '$0 train --model ./m --tasks rlla.json --eval-data tasks.jsonl',
      'the same Solver training on given tasks, for comparison',
    )
    .example(
      '$0 train --model ./m --preset paper --published noSpecGate --dry-run',
      'what would run, and what it needs',
    )
    .example('$0 train --resume runs/20260220-093000-tiny', 'go on after Ctrl-C')
    .epilogue(
      'Flags override --config, --set overrides flags. Every key is in docs/configuration.md, and in what --dry-run prints.',
    );

function inputOf(args: TrainArguments): TrainConfig {
  const flags = configOfFlags(args);
  const published = args.published === undefined ? {} : { published: publishedRows(args.published) };
  return gatherConfig({
    ...(args.preset === undefined ? {} : { preset: args.preset }),
    ...(args.config === undefined ? {} : { file: args.config }),
    flags: mergeConfig(flags, published),
    ...(args.set ? { set: args.set } : {}),
  });
}

function reporterFor(json: boolean): Reporter {
  if (json) return new JsonReporter(process.stdout);
  const isLive = process.stdout.isTTY === true && !process.env['CI'] && process.env['TERM'] !== 'dumb';
  return isLive ? new LiveReporter(process.stdout) : new PlainReporter(process.stdout);
}

async function dryRun(input: TrainConfig, json: boolean): Promise<void> {
  const { preset, config } = resolveTrainConfig(input);
  const inputs = await checkInputs(config);
  const onCuda = config.device.startsWith('cuda') || (config.device === 'auto' && hasCudaDriver());
  const isHalf = config.dtype === 'bfloat16' || (config.dtype === 'auto' && onCuda);
  const device = {
    cuda: onCuda,
    weightBytes: isHalf ? 2 : 4,
    ...(onCuda ? {} : { totalBytes: os.totalmem() }),
  };
  const warnings = warningsOf(config, input, {}).map(({ message }) => message);
  const records = askedCounts({ config, ...inputs }).reduce((sum, number) => sum + number, 0);
  const tasks = inputs.given && plannedTasks(inputs.given, config);
  const cost = estimate(config, modelSize(config.model ?? embeddedModelFolder()), device, {
    benchmarkRecords: records,
    ...(tasks ? { tasks: tasks.tasks, aside: tasks.aside } : {}),
  });
  if (json) {
    const plan = { type: 'dry-run', preset, config, ...(tasks ? { tasks } : {}), warnings, estimate: cost };
    process.stdout.write(`${JSON.stringify(plan)}\n`);
    return;
  }
  const told = tasks ? ['tasks', tasksLine({ type: 'tasks', ...tasks }), ''] : [];
  const warned = warnings.length > 0 ? [...warnings.map((message) => `warning: ${message}`), ''] : [];
  const lines = [yaml.stringify({ preset, ...config }), ...told, ...warned, estimateText(cost), ''];
  process.stdout.write(lines.join('\n'));
}

const setupDevice = ({ device }: Config): 'auto' | 'cpu' | 'cuda' =>
  device.startsWith('cuda') ? 'cuda' : (device as 'auto' | 'cpu');

async function run(args: TrainArguments, input: TrainConfig): Promise<RunResult> {
  const toStderr = (line: string) => process.stderr.write(`${pc.dim(`tool-r0-native: ${line}`)}\n`);
  const device = args.resume === undefined ? setupDevice(resolveTrainConfig(input).config) : 'auto';
  await ensureReady({ device, log: toStderr, verbose: args.verbose });
  const interrupt = interruptSignal(toStderr);
  const reporter = reporterFor(args.json);
  try {
    const running = train(input, {
      signal: interrupt.signal,
      command: process.argv.slice(2),
      ...(args.resume === undefined ? {} : { resume: args.resume }),
    });
    for await (const event of running) reporter.event(event);
    return await running.result;
  } finally {
    reporter.close();
    interrupt.release();
  }
}

export const trainCommand: CommandModule<object, TrainArguments> = {
  command: 'train',
  describe: 'run Tool-R0 self-play, or train on given tasks; without options on the embedded base model',
  builder: builder as never,
  handler: async (args) => {
    const input = inputOf(args);
    if (args.dryRun && args.resume !== undefined)
      throw new UsageError('--dry-run says what a new run would do; leave out --resume');
    if (args.dryRun) return dryRun(input, args.json);
    // What is wrong with the input is said before the set-up, which may take minutes; without one, the run itself says it first.
    if (args.resume === undefined && !isReady()) await checkInputs(resolveTrainConfig(input).config);
    const result = await run(args, input);
    (args.json ? process.stderr : process.stdout).write(`${closingText(result)}\n`);
    if (result.reason === 'signal') process.exitCode = 130;
  },
};
