import { spawnSync } from 'node:child_process';
import * as path from 'node:path';

import type { DoctorReport } from '../../lib/setup';

const bin = path.join(__dirname, '../../bin/tool-r0-native.js');

function doctor(environment: NodeJS.ProcessEnv): { status: number | null; report: DoctorReport } {
  const child = spawnSync(process.execPath, [bin, 'doctor', '--json'], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return { status: child.status, report: JSON.parse(child.stdout) as DoctorReport };
}

test('on a machine that is set up everything needed is found', () => {
  const { status, report } = doctor({});
  expect(report.checks.map((check) => check.name)).toEqual(
    'node,platform,compiler,cmake,pip,libtorch,cuda driver,nvcc,devices,addon'.split(','),
  );
  expect(
    report.checks.filter((check) => !check.ok && !['compiler', 'cmake', 'pip'].includes(check.name)),
  ).toEqual([]);
  expect({ status, ok: report.ok }).toEqual({ status: 0, ok: true });
});

test('a wrong TOOL_R0_LIBTORCH is reported with its cure and status 1', () => {
  const { status, report } = doctor({ TOOL_R0_LIBTORCH: '/nowhere' });
  expect({ status, ok: report.ok }).toEqual({ status: 1, ok: false });
  expect(report.checks.find((check) => check.name === 'libtorch')).toMatchObject({
    ok: false,
    found: expect.stringContaining('/nowhere holds no libtorch') as string,
    advice: 'correct TOOL_R0_LIBTORCH or unset it',
  });
});

test('without a compiler the report stays usable and gives the command that installs one', () => {
  const { report } = doctor({ PATH: '/nowhere', CXX: '', CUDACXX: '' });
  const compiler = report.checks.find((check) => check.name === 'compiler');
  expect(compiler).toMatchObject({
    ok: false,
    found: 'none',
    advice: expect.stringContaining('apt install g++') as string,
  });
});
