import * as fc from 'fast-check';

import { summarizeMismatch } from '../../lib/bench/mismatch';
import { median, quantile, repeatsFor, summarize } from '../../lib/bench/statistics';

test('the median lies in the middle, whatever the order', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
      const middle = median(values);
      expect(values.filter((value) => value < middle).length * 2).toBeLessThanOrEqual(values.length);
      expect(values.filter((value) => value > middle).length * 2).toBeLessThanOrEqual(values.length);
    }),
  );
});

test('a quantile is the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([0, 0.01, 0.5, 0.99, 1].map((share) => quantile(hundred, share))).toEqual([1, 1, 50, 99, 100]);
});

test('a summary has median and spread; of nothing there is none', () => {
  expect(summarize([2, 9, 4])).toEqual({ median: 4, min: 2, max: 9 });
  expect(summarize([])).toBeNull();
});

test('slow rows are repeated three times, others five, and both as often as asked', () => {
  expect([repeatsFor(2, undefined), repeatsFor(61, undefined), repeatsFor(61, 7), repeatsFor(2, 1)]).toEqual([
    5, 3, 7, 1,
  ]);
});

test('a mismatch counts ratios outside [0.9, 1.1] on both sides', () => {
  const differences = [0, Math.log(1.09), Math.log(1.11), Math.log(0.91), Math.log(0.89)];
  const { mean, p99, outside } = summarizeMismatch(differences);
  expect(outside).toBeCloseTo(2 / 5, 12);
  expect(p99).toBeCloseTo(-Math.log(0.89), 12);
  expect(mean).toBeCloseTo(differences.reduce((sum, value) => sum + Math.abs(value), 0) / 5, 12);
});
