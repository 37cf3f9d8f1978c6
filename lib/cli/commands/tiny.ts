import * as fs from 'node:fs';
import * as path from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { loadAddon } from '../../binding/load';
import { nativePretraining } from '../../driver/pretrain-session';
import { count, duration } from '../../report/format';
import { ensureReady } from '../../setup';
import { pretrain, type PretrainProgress } from '../../tiny/pretrain';
import { UsageError } from '../errors';
import { interruptSignal } from '../interrupt';

interface PretrainArguments {
  out: string;
  seed: number;
  steps?: number;
  device: 'auto' | 'cpu' | 'cuda';
  threads: number;
  json: boolean;
  verbose: boolean;
}

const LINES_EVERY = 50;

function lineOf({ step, totalSteps, loss, learningRate, tokens }: PretrainProgress, seconds: number): string {
  const left = (seconds / step) * (totalSteps - step);
  return `step ${step}/${totalSteps}  loss ${loss.toFixed(4)}  lr ${learningRate.toExponential(2)}  ${count(tokens)} tokens  ${count(tokens / seconds)} tok/s  ETA ${duration(left)}`;
}

function check({ seed, steps, threads }: PretrainArguments): void {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new UsageError('--seed must be a whole number of at least 0');
  if (steps !== undefined && !(Number.isInteger(steps) && steps > 0))
    throw new UsageError('--steps must be a whole number of at least 1');
  if (!Number.isInteger(threads) || threads < 0)
    throw new UsageError('--threads must be a whole number of at least 0');
}

const pretrainCommand: CommandModule<object, PretrainArguments> = {
  command: 'pretrain',
  describe: 'make the embedded base model again from its grammar and a seed',
  builder: (yargs) =>
    yargs
      .option('out', {
        type: 'string',
        default: 'tiny-base',
        requiresArg: true,
        describe: 'model folder to write',
      })
      .option('seed', {
        type: 'number',
        default: 1,
        requiresArg: true,
        describe: 'seed of weights and corpus; 1 made the shipped model',
      })
      .option('steps', {
        type: 'number',
        requiresArg: true,
        describe: 'stop after so many steps of the same schedule',
      })
      .option('device', {
        choices: ['auto', 'cpu', 'cuda'] as const,
        default: 'auto' as const,
        describe: 'where to compute',
      })
      .option('threads', {
        type: 'number',
        default: 1,
        requiresArg: true,
        describe: 'CPU threads; one thread is bitwise reproducible, 0 is all',
      })
      .option('json', { type: 'boolean', default: false, describe: 'one JSON object per step' }) as never,
  handler: async (args) => {
    check(args);
    const out = path.resolve(args.out);
    if (fs.existsSync(path.join(out, 'model.safetensors')))
      throw new UsageError(`--out ${args.out}: holds a model already; choose another folder`);
    await ensureReady({ device: args.device, verbose: args.verbose });
    if (args.threads > 0) loadAddon().setThreads(args.threads);
    const interrupt = interruptSignal((line) => process.stderr.write(`${line}\n`));
    const started = performance.now();
    try {
      const result = await pretrain(
        {
          seed: args.seed,
          outDir: out,
          ...(args.steps === undefined ? {} : { stopAfter: args.steps }),
          signal: interrupt.signal,
          onStep: (progress) => {
            const seconds = (performance.now() - started) / 1000;
            if (args.json) process.stdout.write(`${JSON.stringify({ type: 'step', ...progress })}\n`);
            else if (progress.step % LINES_EVERY === 0 || progress.step === progress.totalSteps)
              process.stdout.write(`${lineOf(progress, seconds)}\n`);
          },
        },
        nativePretraining(args.device),
      );
      const text = `${result.steps} steps, ${count(result.tokens)} tokens → ${out}`;
      process.stdout.write(
        args.json
          ? `${JSON.stringify({ type: 'result', steps: result.steps, tokens: result.tokens, out })}\n`
          : `${text}\n`,
      );
    } finally {
      interrupt.release();
    }
  },
};

export const tinyCommand: CommandModule = {
  command: 'tiny',
  describe: 'the embedded base model',
  builder: (yargs: Argv) => yargs.command(pretrainCommand).demandCommand(1, 'which command? tiny pretrain'),
  handler: () => undefined,
};
