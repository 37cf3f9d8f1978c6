import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import {
  checkCMake,
  checkCompiler,
  checkNode,
  checkPip,
  checkPlatform,
  glibcVersion,
} from '../../lib/setup/platform';

const environment = { ...process.env };
let bin: string;

/** A program of this name that prints `line`. */
function program(name: string, line: string): string {
  const file = path.join(bin, name);
  fs.writeFileSync(file, `#!/bin/sh\necho '${line}'\n`, { mode: 0o755 });
  return file;
}

beforeEach(() => {
  bin = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-bin-'));
  process.env.PATH = bin;
  delete process.env.CXX;
  delete process.env.PYTHON;
});

afterEach(() => {
  process.env = { ...environment };
  fs.rmSync(bin, { recursive: true, force: true });
});

test.each([
  ['linux', 'x64', '2.28', true, ''],
  ['linux', 'x64', '2.41', true, ''],
  ['linux', 'x64', '2.27', false, 'glibc 2.28 or newer'],
  ['linux', 'x64', null, false, 'musl'],
  ['darwin', 'arm64', null, false, '64-bit x86 Linux'],
  ['linux', 'arm64', '2.36', false, '64-bit x86 Linux'],
])('%s %s with glibc %s: %s', (system, arch, glibc, ok, advice) => {
  const finding = checkPlatform(system, arch, glibc);
  expect(finding.ok).toBe(ok);
  expect(finding.advice ?? '').toContain(advice);
});

test('this process tells its glibc', () => {
  expect(glibcVersion()).toMatch(/^2\.\d+$/);
});

test.each([
  ['20.18.3', false],
  ['20.19.0', true],
  ['21.7.0', false],
  ['22.11.0', false],
  ['22.12.0', true],
  ['26.1.0', true],
])('Node %s: %s', (version, ok) => {
  expect(checkNode(version).ok).toBe(ok);
});

test('a missing, an old and a fitting compiler', () => {
  expect(checkCompiler()).toMatchObject({ ok: false, found: 'none' });
  program('c++', 'c++ (Debian 10.2.1-6) 10.2.1 20210110');
  expect(checkCompiler()).toMatchObject({
    ok: false,
    advice: expect.stringMatching(/^version 11 or newer/) as string,
  });
  process.env.CXX = program('my-clang', 'Debian clang version 14.0.6');
  expect(checkCompiler().ok).toBe(true);
});

test('a missing, an old and a fitting CMake', () => {
  expect(checkCMake()).toMatchObject({ ok: false, found: 'none' });
  program('cmake', 'cmake version 3.22.1');
  expect(checkCMake()).toMatchObject({ ok: false, found: '3.22.1' });
  program('cmake', 'cmake version 4.0.3');
  expect(checkCMake()).toMatchObject({ ok: true, found: '4.0.3' });
});

test('Python without pip is told apart from no Python', () => {
  expect(checkPip()).toMatchObject({ ok: false, found: 'no python3' });
  fs.writeFileSync(path.join(bin, 'python3'), '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.11.2\n', {
    mode: 0o755,
  });
  expect(checkPip()).toMatchObject({ ok: false, found: 'Python 3.11.2 without pip' });
});
