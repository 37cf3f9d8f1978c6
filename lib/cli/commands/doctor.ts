import pc from 'picocolors';
import type { CommandModule } from 'yargs';

import { doctor, type DoctorReport } from '../../setup';

function table(report: DoctorReport): string {
  const width = Math.max(...report.checks.map((check) => check.name.length));
  const lines = report.checks.flatMap(({ name, ok, found, advice }) => {
    const mark = ok ? pc.green('ok  ') : pc.red('FAIL');
    const line = `${mark} ${name.padEnd(width)}  ${found}`;
    return advice ? [line, `     ${' '.repeat(width)}  → ${advice}`] : [line];
  });
  return [...lines, '', report.ok ? 'ready' : 'not ready: see the advice above'].join('\n');
}

export const doctorCommand: CommandModule<object, { json: boolean }> = {
  command: 'doctor',
  describe: 'report Node, compiler, libtorch, CUDA and the addon, and what to do about each problem',
  builder: (yargs) => yargs.option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  handler: ({ json }) => {
    const report = doctor();
    process.stdout.write(`${json ? JSON.stringify(report, null, 2) : table(report)}\n`);
    if (!report.ok) process.exitCode = 1;
  },
};

export default doctorCommand;
