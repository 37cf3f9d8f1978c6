import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { Channel } from '../../lib/driver/channel';
import { freeSibling, RunFolder, timeStamp } from '../../lib/driver/run-folder';
import { lockRunFolder } from '../../lib/driver/run-lock';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-files-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

test('a full device is reported as one', async () => {
  const run = RunFolder.create(path.join(folder, 'full'));
  fs.symlinkSync('/dev/full', run.path('events.jsonl'));
  expect(() => run.append('events.jsonl', { a: 1 })).toThrow(
    /events\.jsonl: cannot be written \(the disk is full/,
  );
  await run.write('fine.json', ['{}']);
});

test('a folder that a run made for itself goes again, with what was made above it, and nothing else', () => {
  const run = RunFolder.create(path.join(folder, 'a', 'b', 'run'));
  fs.writeFileSync(path.join(folder, 'a', 'other'), '');
  run.discard();
  expect(fs.readdirSync(path.join(folder, 'a'))).toEqual(['other']);
  const kept = RunFolder.create(path.join(folder, 'kept'));
  kept.keep();
  kept.discard();
  expect(fs.existsSync(kept.dir)).toBe(true);
});

test('siblings are numbered, times sort', () => {
  expect(freeSibling(path.join(folder, 'none'))).toBe(path.join(folder, 'none'));
  expect(freeSibling(path.join(folder, 'a'))).toBe(path.join(folder, 'a-2'));
  expect(timeStamp(new Date(2026, 1, 3, 4, 5, 6))).toBe('20260203-040506');
});

test('a channel gives every event to a late reader, but of worthless ones only the last', async () => {
  const channel = new Channel<{ type: string; value: number }>((event) => event.type === 'progress');
  [1, 2, 3].forEach((value) => channel.push({ type: 'progress', value }));
  channel.push({ type: 'step', value: 4 });
  channel.end();
  const seen: number[] = [];
  for await (const event of channel) seen.push(event.value);
  expect(seen).toEqual([3, 4]);
});

test('a failure reaches the reader behind the events', async () => {
  const channel = new Channel<number>();
  channel.push(1);
  setTimeout(() => channel.end({ error: new Error('broken') }), 5);
  const seen: number[] = [];
  const read = async () => {
    for await (const event of channel) seen.push(event);
  };
  await expect(read()).rejects.toThrow('broken');
  expect(seen).toEqual([1]);
});

test('two processes cannot work in one run folder; a lock of a dead one does not count', () => {
  const dir = fs.mkdtempSync(path.join(folder, 'locked-'));
  fs.writeFileSync(path.join(dir, '.lock'), String(process.ppid));
  expect(() => lockRunFolder(dir)).toThrow(`process ${process.ppid} is working in this run folder`);
  // Beyond the largest process id of Linux.
  fs.writeFileSync(path.join(dir, '.lock'), '99999999');
  const unlock = lockRunFolder(dir);
  expect(fs.readFileSync(path.join(dir, '.lock'), 'utf8')).toBe(String(process.pid));
  unlock();
  expect(fs.existsSync(path.join(dir, '.lock'))).toBe(false);
});
