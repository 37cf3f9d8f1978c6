import type { CommandModule } from 'yargs';

import { runConformance, type ConformanceReport } from '../../conformance/run';
import type { FileResult } from '../../conformance/types';
import { ensureReady } from '../../setup';

interface ConformanceArguments {
  vectors: string;
  only?: string;
  device: 'cpu' | 'cuda';
  json: boolean;
  verbose: boolean;
}

function fileLine(result: FileResult): string {
  const { file, passed, failed, departed, skipped, reason, failures } = result;
  const state = failed > 0 ? 'failed' : passed + departed === 0 ? 'skipped' : 'passed';
  const counts = `${passed} passed, ${failed} failed, ${departed} departed, ${skipped} skipped`;
  const detail = failures.slice(0, 5).map(({ id, message }) => `\n    ${id}: ${message}`);
  return `${state.padEnd(7)} ${file}  ${counts}${reason ? ` (${reason})` : ''}${detail.join('')}`;
}

const summary = ({ passed, failed, departed, skipped }: Omit<ConformanceReport, 'files'>): string =>
  `${passed} passed, ${failed} failed, ${departed} departed, ${skipped} skipped`;

export const conformanceCommand: CommandModule<object, ConformanceArguments> = {
  command: 'conformance',
  describe: 'check this build against a folder of reference vectors',
  builder: (yargs) =>
    yargs
      .option('vectors', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'folder of vectors',
      })
      .option('only', { type: 'string', requiresArg: true, describe: 'sections to check, e.g. A,E' })
      .option('device', {
        choices: ['cpu', 'cuda'] as const,
        default: 'cpu' as const,
        describe: 'where sections D and E compute',
      })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'one JSON object per file, then the totals',
      }) as never,
  handler: async ({ vectors, only, device, json, verbose }) => {
    const print = (line: string) => process.stdout.write(`${line}\n`);
    // Sections D and E compute; the others are text only.
    if (only === undefined || /[DEde]/.test(only)) await ensureReady({ device, verbose });
    const report = await runConformance(vectors, {
      ...(only === undefined ? {} : { only: only.split(',') }),
      device,
      onFile: (result) => print(json ? JSON.stringify({ type: 'file', ...result }) : fileLine(result)),
    });
    const { files: _files, ...totals } = report;
    print(json ? JSON.stringify({ type: 'total', ...totals }) : summary(totals));
    if (report.failed > 0) process.exitCode = 1;
  },
};
