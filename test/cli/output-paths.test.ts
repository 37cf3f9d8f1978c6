import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { ConfigError } from '../../lib/binding/errors';
import { checkOutputFile, checkOutputFolder } from '../../lib/cli/output-paths';

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-out-'));
  fs.writeFileSync(path.join(dir, 'file'), 'kept');
});
afterEach(() => fs.rmSync(dir, { recursive: true }));

const messageOf = (check: () => void): string => {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  return 'fits';
};

test('a file: its folder must be there and take files', () => {
  const message = (...parts: string[]) =>
    messageOf(() => checkOutputFile('--html', path.join(dir, ...parts))).replaceAll(dir, 'D');
  expect(message('new.html')).toBe('fits');
  expect(message('file')).toBe('fits');
  expect(messageOf(() => checkOutputFile('--html', '/dev/null'))).toBe(
    '--html /dev/null: is a device or a pipe; name a file',
  );
  expect(message('none', 'x.html')).toBe("--html D/none/x.html: there is no folder 'D/none'; make it first");
  expect(message('file', 'x.html')).toBe("--html D/file/x.html: 'D/file' is a file, not a folder");
  expect(message('.')).toBe('--html D: is a folder; name a file');
  expect(message('none/')).toBe('--html D/none/: is a folder; name a file');
});

test('a folder: there or to be made', () => {
  const message = (...parts: string[]) =>
    messageOf(() => checkOutputFolder('--out', path.join(dir, ...parts))).replaceAll(dir, 'D');
  expect([message('.'), message('new'), message('new', 'deep')]).toEqual(['fits', 'fits', 'fits']);
  expect(message('file')).toBe('--out D/file: is a file; name a folder');
  expect(message('file', 'deep')).toBe("--out D/file/deep: 'D/file' is a file");
});

test('nothing is left behind', () => {
  checkOutputFile('--html', path.join(dir, 'new.html'));
  checkOutputFolder('--out', path.join(dir, 'new', 'deep'));
  expect(fs.readdirSync(dir)).toEqual(['file']);
  expect(fs.readFileSync(path.join(dir, 'file'), 'utf8')).toBe('kept');
});

// Rights do not tell root that nothing can be made in /proc.
(fs.existsSync('/proc/self') ? test : test.skip)('a file system that refuses', () => {
  expect(messageOf(() => checkOutputFile('--html', '/proc/x.html'))).toBe(
    "--html /proc/x.html: no file can be made in '/proc'; choose another",
  );
  expect(messageOf(() => checkOutputFolder('--out', '/proc/x'))).toBe(
    '--out /proc/x: it cannot be made; choose another folder',
  );
});
