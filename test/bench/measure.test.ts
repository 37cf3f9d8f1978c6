import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { measureRound, type Contestant } from '../../lib/bench/measure';
import { SideError, userEnvironment } from '../../lib/bench/side';
import { NumericError } from '../../lib/binding/errors';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-bench-'));
const record = path.join(folder, 'order');
afterAll(() => fs.rmSync(folder, { recursive: true }));
beforeEach(() => fs.writeFileSync(record, ''));

/** A process that speaks the protocol, notes its turns, and takes (says it takes) `seconds`. */
function contestant(name: string, peer: Contestant['peer'], seconds: number, over = ''): Contestant {
  const code = `
    const fs = require('node:fs');
    const reply = (fields) => console.log(JSON.stringify(fields));
    const ready = { ready: true, version: '0', baseResidentBytes: null };
    ${over}
    if (${peer !== null}) reply(ready);
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const request = JSON.parse(line);
      if (request.load) return reply(ready);
      fs.appendFileSync(${JSON.stringify(record)}, '${name}' + (request.warmUp ? 'w' : request.repetition) + ' ');
      reply({ seconds: ${seconds}, tokens: 10, peakResidentBytes: null, peakCudaBytes: null });
    });`;
  return { peer, command: { program: process.execPath, args: ['-e', code] } };
}

const options = (over = {}) => {
  const lines: string[] = [];
  return {
    lines,
    options: { resident: true, verbose: false, log: (line: string) => void lines.push(line), ...over },
  };
};
const order = () => fs.readFileSync(record, 'utf8').trim();

test('sides take turns after a warm-up; fast rows five times', async () => {
  const { options: given } = options();
  const round = await measureRound([contestant('a', null, 1), contestant('b', 'trl', 2)], given);
  expect(order()).toBe('aw a0 bw b0 a1 b1 a2 b2 a3 b3 a4 b4 a5 b5');
  expect(round.ours.repetitions).toHaveLength(5);
  expect(round.peers.get('trl')!.repetitions.map(({ seconds }) => seconds)).toEqual([2, 2, 2, 2, 2]);
});

test('a row over a minute is repeated three times and not warmed up twice', async () => {
  await measureRound([contestant('a', null, 70)], options().options);
  expect(order()).toBe('aw a1 a2 a3');
});

test('where memory is short, each side is started and warmed for each repetition', async () => {
  const { options: given } = options({ resident: false, repeats: 2 });
  const round = await measureRound([contestant('a', null, 1), contestant('b', 'trl', 2)], given);
  expect(order()).toBe('aw bw aw a1 bw b1 aw a2 bw b2');
  expect(round.ours.repetitions).toHaveLength(2);
});

test('ours is checked after its warm-up, before anything is timed; what the check finds wrong ends the round', async () => {
  const { options: given } = options({
    check: async () => {
      fs.appendFileSync(record, 'check ');
      throw new NumericError('wrong results are not timed');
    },
  });
  const sides = [contestant('a', null, 70), contestant('b', 'trl', 70)];
  await expect(measureRound(sides, given)).rejects.toThrow('wrong results are not timed');
  expect(order()).toBe('aw check');
  await measureRound(sides, { ...given, repeats: 1, check: async () => fs.appendFileSync(record, 'ok ') });
  expect(order()).toBe('aw check aw ok bw a1 b1');
});

test('a peer runs in the user’s own environment, without what the package sets for itself', () => {
  const environment = { HOME: '/h', GOMP_SPINCOUNT: '20000' };
  expect(userEnvironment(environment, '7')).toEqual({ HOME: '/h', GOMP_SPINCOUNT: '7' });
  expect(userEnvironment(environment, null)).toEqual({ HOME: '/h' });
});

test('a peer that fails is left out with its own reason; the others go on', async () => {
  const { options: given, lines } = options({ repeats: 1 });
  const broken = contestant('b', 'trl', 1, `reply({ error: 'RuntimeError: no kernel' }); process.exit(1);`);
  const dies = contestant('c', 'liger', 1, `console.error('Trace\\n  at x\\nlast words'); process.exit(3);`);
  const round = await measureRound([contestant('a', null, 1), broken, dies], given);
  expect(lines).toEqual(
    expect.arrayContaining(['skipped trl: RuntimeError: no kernel', 'skipped liger: last words']),
  );
  expect(round.peers.size).toBe(0);
  expect(round.ours.repetitions).toHaveLength(1);
});

test('a program that does not exist is a reason, too', async () => {
  const { options: given, lines } = options({ repeats: 1 });
  const absent: Contestant = { peer: 'trl', command: { program: path.join(folder, 'nothing'), args: [] } };
  await measureRound([contestant('a', null, 1), absent], given);
  expect(lines.find((line) => line.startsWith('skipped trl'))).toMatch(/ENOENT/);
});

test('the project’s own failure is an error', async () => {
  const broken = contestant(
    'a',
    null,
    1,
    `reply({ error: 'OutOfMemoryError: too large' }); process.exit(1);`,
  );
  await expect(measureRound([broken], options().options)).rejects.toThrow(SideError);
});
