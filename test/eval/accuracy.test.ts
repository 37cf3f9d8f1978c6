import fc from 'fast-check';

import { bootstrapInterval, quantile, shareInterval, wilsonInterval } from '../../lib/eval/accuracy';
import { Random } from '../../lib/tasks/random';

test('Wilson’s interval agrees with published values', () => {
  // Newcombe 1998, table I, method 3 (without continuity correction).
  const cases = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const;
  for (const [successes, n, low, high] of cases) {
    const interval = wilsonInterval(successes, n);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  }
  expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 });
});

test('intervals hold the share and stay within 0 and 1', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
      const successes = Math.round(share * n);
      const { low, high } = wilsonInterval(successes, n);
      return low >= 0 && high <= 1 && low <= successes / n + 1e-12 && high >= successes / n - 1e-12;
    }),
  );
});

test('the bootstrap resamples tasks: its width is that of the mean over tasks', () => {
  const random = Random.seeded(1);
  const tasks = Array.from({ length: 400 }, () => random.int(0, 4) / 4);
  const mean = tasks.reduce((sum, value) => sum + value, 0) / tasks.length;
  const deviation = Math.sqrt(tasks.reduce((sum, value) => sum + (value - mean) ** 2, 0) / tasks.length);
  const { low, high } = bootstrapInterval(tasks, 4000, () => random.next());
  expect(high - low).toBeCloseTo((2 * 1.96 * deviation) / Math.sqrt(tasks.length), 2);
  expect((low + high) / 2).toBeCloseTo(mean, 2);
  expect(bootstrapInterval([1, 1, 1], 100, () => random.next())).toEqual({ low: 1, high: 1 });
});

test('quantiles interpolate', () => {
  expect(quantile([0, 1, 2, 3], 0.5)).toBe(1.5);
  expect(quantile([0, 1, 2, 3], 1)).toBe(3);
});

test('where all tasks scored alike resampling says nothing: Wilson’s interval stands in', () => {
  const none = { low: 0, high: 0 };
  expect(shareInterval(0, 3, none)).toEqual(wilsonInterval(0, 3));
  expect(shareInterval(0, 3, none).high).toBeCloseTo(0.5615, 3);
  expect(shareInterval(1, 20, { low: 1, high: 1 }).low).toBeCloseTo(0.8389, 3);
  expect(shareInterval(0.5, 20, { low: 0.3, high: 0.7 })).toEqual({ low: 0.3, high: 0.7 });
});
