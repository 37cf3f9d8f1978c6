import * as fs from 'node:fs';
import * as path from 'node:path';

import yargs, { type Argv } from 'yargs';

import { didYouMean } from '../config/suggest';
import { packageRoot } from '../setup/paths';
import { callCommand } from './commands/call';
import { conformanceCommand } from './commands/conformance';
import { doctorCommand } from './commands/doctor';
import { setupCommand } from './commands/setup';
import { tinyCommand } from './commands/tiny';
import { trainCommand } from './commands/train';
import { errorEvent, errorText, exitCodeOf, UsageError } from './errors';

function version(): string {
  return (JSON.parse(fs.readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string })
    .version;
}

/** yargs says `Unknown argument: x`; add what was probably meant. */
function usageError(message: string, parser: Argv): UsageError {
  const unknown = /^Unknown arguments?: ([^,\s]+)/.exec(message)?.[1];
  if (unknown === undefined) return new UsageError(message);
  const { key } = (parser as unknown as { getOptions(): { key: Record<string, unknown> } }).getOptions();
  const flags = Object.keys(key).filter((name) => !/[A-Z]/.test(name));
  return new UsageError(`unknown argument '${unknown}'.${didYouMean(unknown, flags)}`);
}

/** @param args without the node binary and the script */
export async function main(args: readonly string[]): Promise<void> {
  const parser = yargs(args as string[]);
  parser
    .scriptName('tool-r0-native')
    .usage(
      '$0 <command>\n\nTeaches a small language model to call tools from zero data: Tool-R0 self-play in one process.',
    )
    .command(trainCommand)
    .command(callCommand)
    .command(tinyCommand)
    .command(setupCommand)
    .command(doctorCommand)
    .command(conformanceCommand)
    .option('verbose', {
      type: 'boolean',
      default: false,
      global: true,
      describe: 'show stack traces and tool output',
    })
    .demandCommand(1, 'which command? train runs self-play')
    .recommendCommands()
    .strict()
    .parserConfiguration({ 'dot-notation': false })
    .version(version())
    .alias('h', 'help')
    .alias('v', 'version')
    .wrap(Math.min(120, process.stdout.columns ?? 100))
    .exitProcess(false)
    .fail((message, error: Error | undefined) => {
      throw error ?? usageError(message, parser);
    });
  try {
    await parser.parseAsync();
  } catch (error) {
    if (args.includes('--json')) process.stdout.write(`${JSON.stringify(errorEvent(error))}\n`);
    process.stderr.write(`${errorText(error, args.includes('--verbose'))}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

void main(process.argv.slice(2));
