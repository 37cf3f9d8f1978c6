import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { ConfigError, IoError } from '../../lib/binding/errors';
import { ioError, jsonLines, makeFolders, writeAtomic } from '../../lib/io/files';
import { mapYielding } from '../../lib/io/yielding';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-io-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

test('failures name the path and the cure', () => {
  const full = ioError('runs/x', 'written', Object.assign(new Error('write'), { code: 'ENOSPC' }));
  expect(full).toBeInstanceOf(IoError);
  expect(full.message).toBe(
    'runs/x: cannot be written (the disk is full: free some space, then go on with --resume, or choose another --out)',
  );
  expect(ioError('a', 'written', Object.assign(new Error(''), { code: 'EROFS' })).message).toMatch(
    /read-only: choose another --out/,
  );
  const own = new ConfigError('ours');
  expect(ioError('a', 'written', own)).toBe(own);
});

test('a file is there whole or not at all', async () => {
  const file = path.join(folder, 'whole.txt');
  const failing = function* () {
    yield 'half';
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
  };
  await expect(writeAtomic(file, failing())).rejects.toThrow(/the disk is full/);
  expect(fs.readdirSync(folder)).toEqual([]);
  await writeAtomic(file, ['a', 'b']);
  await expect(writeAtomic(file, failing())).rejects.toThrow(IoError);
  expect(fs.readFileSync(file, 'utf8')).toBe('ab');
  expect(fs.readdirSync(folder)).toEqual(['whole.txt']);
});

test('rows come in pieces that add up', () => {
  const rows = Array.from({ length: 450 }, (_, index) => ({ index }));
  const pieces = [...jsonLines(rows)];
  expect(pieces).toHaveLength(3);
  expect(pieces.join('').split('\n')).toHaveLength(451);
});

test('long work lets the event loop turn', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const busy = (milliseconds: number) => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
  };
  const results = await mapYielding(
    Array.from({ length: 40 }, (_, index) => index),
    (index) => {
      busy(2);
      return index * 2;
    },
  );
  clearInterval(timer);
  expect(results[39]).toBe(78);
  expect(turns).toBeGreaterThan(5);
});

test('folders are made down to the last one; where none can be made there is an error and no endless loop', () => {
  const dir = path.join(folder, 'one', 'two', 'three');
  expect(makeFolders(dir)).toBe(path.join(folder, 'one'));
  expect(fs.statSync(dir).isDirectory()).toBe(true);
  expect(makeFolders(dir)).toBeUndefined();
  fs.writeFileSync(path.join(folder, 'file'), '');
  expect(() => makeFolders(path.join(folder, 'file'))).toThrow(/EEXIST/);
  expect(() => makeFolders(path.join(folder, 'file', 'below'))).toThrow(/ENOTDIR/);
  // Node's own recursive form does not return from this one.
  expect(() => makeFolders('/proc/none')).toThrow(/ENOENT/);
});
