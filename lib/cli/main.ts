import * as fs from 'node:fs';
import * as path from 'node:path';

import yargs, { type Argv } from 'yargs';

import { didYouMean } from '../config/suggest';
import { packageRoot } from '../setup/paths';
import { benchCommand } from './commands/bench';
import { callCommand } from './commands/call';
import { conformanceCommand } from './commands/conformance';
import { doctorCommand } from './commands/doctor';
import { evalCommand } from './commands/eval';
import { setupCommand } from './commands/setup';
import { tinyCommand } from './commands/tiny';
import { trainCommand } from './commands/train';
import { errorEvent, errorText, exitCodeOf, UsageError } from './errors';

const COMMANDS = ['train', 'call', 'eval', 'tiny', 'setup', 'doctor', 'conformance', 'bench'];

function version(): string {
  return (JSON.parse(fs.readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string })
    .version;
}

/** yargs says `Unknown argument: x` of flags and commands alike; say which, and what was probably meant. */
function usageError(message: string, parser: Argv, args: readonly string[]): UsageError {
  const unknown = /^Unknown (?:arguments?|command): ([^,\s]+)/.exec(message)?.[1];
  if (message.startsWith('Not enough non-option'))
    return new UsageError(`${args[0]}: an argument is missing, see tool-r0-native ${args[0]} --help`);
  if (unknown === undefined) return new UsageError(message);
  if (args[0] === unknown)
    return new UsageError(`unknown command '${unknown}'.${didYouMean(unknown, COMMANDS)}`);
  const { key } = (parser as unknown as { getOptions(): { key: Record<string, unknown> } }).getOptions();
  const flags = Object.keys(key).filter((name) => !/[A-Z]/.test(name));
  const isFlag = args.some((arg) => arg.startsWith(`--${unknown}`) || arg === `-${unknown}`);
  const near = didYouMean(unknown, flags).replace(/'(.*)'/, "'--$1'");
  return new UsageError(isFlag ? `unknown flag '--${unknown}'.${near}` : `unknown argument '${unknown}'`);
}

const SUBCOMMANDS: Readonly<Record<string, readonly string[]>> = { eval: ['convert'], tiny: ['pretrain'] };

/** The command that was called, `eval convert`; empty if none was. */
function commandOf([name, next]: readonly string[]): string {
  if (name === undefined || !COMMANDS.includes(name)) return '';
  return next !== undefined && SUBCOMMANDS[name]?.includes(next) ? `${name} ${next}` : name;
}

/** @param args without the node binary and the script */
export async function main(args: readonly string[]): Promise<void> {
  const parser = yargs(args);
  parser
    .scriptName('tool-r0-native')
    .usage(
      '$0 <command>\n\nTeaches a small language model to call tools from zero data: Tool-R0 self-play in one process.',
    )
    .command(trainCommand)
    .command(callCommand)
    .command(evalCommand)
    .command(tinyCommand)
    .command(setupCommand)
    .command(doctorCommand)
    .command(conformanceCommand)
    .command(benchCommand)
    .option('verbose', {
      type: 'boolean',
      default: false,
      global: true,
      describe: 'show stack traces and tool output',
    })
    .demandCommand(1, 'which command? train runs self-play')
    .strict()
    .parserConfiguration({ 'dot-notation': false, 'boolean-negation': false })
    .version(version())
    .alias('h', 'help')
    .alias('v', 'version')
    .wrap(Math.min(120, process.stdout.columns ?? 100))
    .exitProcess(false)
    .fail((message, error: Error | undefined) => {
      // Errors of commands come through here, too; yargs' own are about usage.
      throw error && error.name !== 'YError'
        ? error
        : usageError(message || error?.message || '', parser, args);
    });
  try {
    await parser.parseAsync();
  } catch (error) {
    if (args.includes('--json')) process.stdout.write(`${JSON.stringify(errorEvent(error))}\n`);
    process.stderr.write(`${errorText(error, args.includes('--verbose'), commandOf(args))}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

void main(process.argv.slice(2));
