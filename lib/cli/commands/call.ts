import type { CommandModule } from 'yargs';

import { readToolsFile } from '../../eval/tools-file';
import { checkModelFolder } from '../../policy/model-folder';
import { Solver } from '../../policy/solver';
import { ensureReady } from '../../setup';
import { UsageError } from '../errors';

interface CallArguments {
  question: string;
  model: string;
  tools: string;
  device: string;
  temperature: number;
  maxNewTokens: number;
  seed: number;
  verbose: boolean;
}

/** Flags that hold a number: yargs turns text that is none into NaN. */
function checkNumbers({ temperature, maxNewTokens, seed }: CallArguments): void {
  if (!(temperature >= 0)) throw new UsageError('--temperature must be a number of at least 0');
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 1)
    throw new UsageError('--max-new-tokens must be a whole number of at least 1');
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new UsageError('--seed must be a whole number of at least 0');
}

export const callCommand: CommandModule<object, CallArguments> = {
  command: 'call <question>',
  describe: 'ask a trained Solver: prints its tool calls as JSON',
  builder: (yargs) =>
    yargs
      .positional('question', {
        type: 'string',
        demandOption: true,
        describe: 'the request to answer with tool calls',
      })
      .option('model', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'Solver folder, e.g. runs/…/solver',
      })
      .option('tools', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe:
          'JSON file with a list of tools (name, description, parameters, required), plain or as OpenAI functions',
      })
      .option('device', {
        type: 'string',
        default: 'auto',
        requiresArg: true,
        describe: 'auto, cpu, cuda or cuda:N',
      })
      .option('temperature', { type: 'number', default: 0, requiresArg: true, describe: '0 is greedy' })
      .option('max-new-tokens', {
        type: 'number',
        default: 512,
        requiresArg: true,
        describe: 'longest answer, in tokens',
      })
      .option('seed', { type: 'number', default: 0, requiresArg: true, describe: 'seed of sampling' })
      .example('$0 call --model runs/mine/solver --tools tools.json "Book a table for two in Rome"', '')
      .epilogue(
        'Prints a JSON list of {name, arguments}; [] when the answer holds no call that can be read (its text then goes to stderr).',
      ) as never,
  handler: async (args) => {
    checkNumbers(args);
    const tools = readToolsFile(args.tools);
    checkModelFolder(args.model);
    await ensureReady({ verbose: args.verbose });
    const solver = await Solver.load(args.model, { device: args.device as 'auto' });
    try {
      const { temperature, maxNewTokens, seed } = args;
      const [answer] = await solver.answer([{ question: args.question, tools }], {
        temperature,
        maxNewTokens,
        seed,
      });
      process.stdout.write(`${JSON.stringify(answer!.calls)}\n`);
      if (answer!.calls.length === 0) process.stderr.write(`no tool call in: ${answer!.text}\n`);
    } finally {
      await solver.dispose();
    }
  },
};
