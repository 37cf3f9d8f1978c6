import { samplingOf, type EvalArguments } from '../../lib/cli/commands/eval-options';
import { UsageError } from '../../lib/cli/errors';

const args = (changes: Partial<EvalArguments> = {}): EvalArguments => ({
  layout: 'original',
  prompt: 'tool-r0',
  candidates: 'published',
  seeds: 1,
  seed: 0,
  device: 'auto',
  dtype: 'auto',
  list: false,
  json: false,
  verbose: false,
  ...changes,
});

test.each<[string, Partial<EvalArguments>, object]>([
  ['greedy by default', {}, { samples: 1, temperature: 0, seeds: [0], passAt: [] }],
  [
    'pass@k samples as many as the largest k',
    { passAt: '8,1' },
    { samples: 8, temperature: 1, passAt: [1, 8] },
  ],
  ['seeds sample', { seeds: 3, seed: 5 }, { temperature: 1, seeds: [5, 6, 7] }],
  [
    'seeds of shuffled menus may be greedy',
    { seeds: 2, candidates: 'shuffled' },
    { temperature: 0, seeds: [0, 1] },
  ],
  ['a temperature that is given stays', { passAt: '4', temperature: 0.7 }, { temperature: 0.7, samples: 4 }],
])('%s', (_, changes, expected) => expect(samplingOf(args(changes))).toMatchObject(expected));

test.each<[string, Partial<EvalArguments>]>([
  ['--pass-at', { passAt: '1,x' }],
  ['--pass-at', { passAt: '0' }],
  ['--pass-at', { passAt: ',' }],
  ['--pass-at: at most 100000', { passAt: '1e9' }],
  ['--seeds: at most 10000', { seeds: 1e12 }],
  ['--limit', { limit: 0 }],
  ['--seeds', { seeds: 1.5 }],
  ['--seed', { seed: -1 }],
  ['--batch', { batch: NaN }],
  ['--max-new-tokens', { maxNewTokens: 0 }],
  ['--temperature', { temperature: NaN }],
  ['--top-p', { topP: 0 }],
  ['greedy answers do not vary', { passAt: '8', temperature: 0 }],
  ['greedy answers do not vary', { seeds: 5, temperature: 0 }],
])('refuses %s', (message, changes) => {
  expect(() => samplingOf(args(changes))).toThrow(UsageError);
  expect(() => samplingOf(args(changes))).toThrow(message);
});
