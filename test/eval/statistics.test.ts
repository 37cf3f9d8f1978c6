import * as fc from 'fast-check';

import { wilsonInterval } from '../../lib/eval/accuracy';
import {
  effectiveTasks,
  headlineInterval,
  passAtK,
  stratifiedInterval,
  stratifiedMean,
} from '../../lib/eval/statistics';
import { strataOf, summarize } from '../../lib/eval/summary';
import type { NeutralRecord } from '../../lib/eval/neutral-record';
import { scoreCallsOf } from '../../lib/eval/answer';
import { Random } from '../../lib/tasks/random';

describe('pass@k', () => {
  test('is the share of k-subsets with a right answer', () => {
    const subsets = (n: number, k: number): number[][] =>
      k === 0
        ? [[]]
        : n < k
          ? []
          : [...subsets(n - 1, k), ...subsets(n - 1, k - 1).map((set) => [...set, n])];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(8), fc.integer({ min: 1, max: 8 }), (n, c, k) => {
        fc.pre(c <= n && k <= n);
        const all = subsets(n, k);
        const hits = all.filter((set) => set.some((item) => item <= c)).length;
        expect(passAtK(n, c, k)).toBeCloseTo(hits / all.length, 12);
      }),
    );
  });
  test('too few answers', () => {
    expect(passAtK(1, 0, 8)).toBe(0);
    expect(() => passAtK(1, 1, 8)).toThrow(RangeError);
  });
  test('pass@1 is the share of right answers', () => expect(passAtK(8, 3, 1)).toBeCloseTo(3 / 8, 12));
});

describe('intervals', () => {
  const random = Random.seeded(1);
  const next = () => random.next();

  test('the mean of strata, whatever their sizes', () => {
    const strata = [
      { weight: 1, scores: [1, 1, 1, 0] },
      { weight: 1, scores: [0] },
    ];
    expect(stratifiedMean(strata)).toBe(0.375);
    expect(stratifiedMean([{ weight: 1, scores: [] }])).toBeNull();
    expect(stratifiedInterval([{ weight: 1, scores: [] }], next)).toBeNull();
  });

  test('about as wide as the normal approximation says', () => {
    const scores = Array.from({ length: 400 }, (_, index) => Number(index % 4 === 0));
    const { low, high } = stratifiedInterval([{ weight: 1, scores }], next)!;
    const expected = 2 * 1.96 * Math.sqrt((0.25 * 0.75) / 400);
    expect(high - low).toBeGreaterThan(0.85 * expected);
    expect(high - low).toBeLessThan(1.15 * expected);
    // Two halves of weight one half, each resampled on its own: 400 tasks in all.
    const halves = stratifiedInterval(
      [0, 1].map((half) => ({ weight: 1, scores: scores.slice(half * 200, half * 200 + 200) })),
      next,
    )!;
    expect(halves.high - halves.low).toBeGreaterThan(0.85 * expected);
    expect(halves.high - halves.low).toBeLessThan(1.15 * expected);
  });
});

describe('headlines of parts that all scored alike', () => {
  const part = (tasks: number, weight = 1) => ({ weight, scores: new Array<number>(tasks).fill(1) });

  test('are as sure as their weights let the tasks be', () => {
    expect(effectiveTasks([part(30)])).toBeCloseTo(30, 12);
    expect(effectiveTasks([part(20), part(20)])).toBeCloseTo(40, 12);
    // k² / Σ(1/n): 400 tasks and 2 are no more than 8 are.
    expect(effectiveTasks([part(400), part(2)])).toBeCloseTo(4 / (1 / 400 + 1 / 2), 12);
    expect(effectiveTasks([part(10, 2), part(5, 1), { weight: 3, scores: [] }])).toBeCloseTo(9 / 0.6, 12);
    const { low, high } = headlineInterval([part(400), part(2)], Math.random)!;
    expect(high).toBe(1);
    expect(low).toBeCloseTo(wilsonInterval(7.96, 7.96).low, 3);
  });

  test('ends are clean', () => {
    for (const n of [3, 7, 29, 114]) {
      expect(wilsonInterval(n, n).high).toBe(1);
      expect(wilsonInterval(0, n).low).toBe(0);
    }
    const strata = [0.1, 0.2, 0.7].map((weight) => ({ weight, scores: [1, 1, 1] }));
    expect(stratifiedInterval(strata, () => 0.5)).toEqual({ low: 1, high: 1 });
    for (const end of Object.values(wilsonInterval(1, 3))) expect(String(end).length).toBeLessThanOrEqual(14);
  });
});

describe('the summary of a set', () => {
  const record = (id: string, level: number): NeutralRecord => ({
    id,
    question: 'Call f with one.',
    tools: [{ name: 'f', parameters: {} }],
    gold: [{ name: 'f', arguments: { a: 'one' } }],
    meta: { benchmark: 'apibank', level },
  });
  const records = [record('a', 1), record('b', 1), record('c', 1), record('d', 2)];
  const answer = (index: number, name: string, a: string) => ({
    id: records[index]!.id,
    answers: [scoreCallsOf([{ name, arguments: { a } }], records[index]!)],
  });

  test('API-Bank’s accuracy is the mean of its levels', () => {
    const results = [
      answer(0, 'f', 'one'),
      answer(1, 'f', 'one'),
      answer(2, 'f', 'two'),
      answer(3, 'f', 'one'),
    ];
    const { accuracy, groups, errors, valueErrors } = summarize({ records, runs: [results], tooLong: 0 });
    expect(groups).toMatchObject({
      'level 1': { accuracy: 2 / 3, tasks: 3 },
      'level 2': { accuracy: 1, tasks: 1 },
    });
    expect(accuracy).toBeCloseTo((2 / 3 + 1) / 2, 12);
    expect(errors).toEqual({ wrong_value: 1 });
    expect(valueErrors).toEqual({ ungrounded: 1 });
  });

  test('a part of another set that is called level 1 is no level', () => {
    const own = records.map((row, index) => ({
      ...row,
      meta: { category: index === 3 ? 'level 2' : 'level 1' },
    }));
    const results = [0, 1, 2, 3].map((index) => answer(index, 'f', index === 3 ? 'two' : 'one'));
    const summary = summarize({ records: own, runs: [results], tooLong: 0 });
    expect(summary).toMatchObject({ accuracy: 3 / 4, meanOfGroups: false });
    expect(summarize({ records, runs: [results], tooLong: 0 })).toMatchObject({
      accuracy: 1 / 2,
      meanOfGroups: true,
    });
  });

  test('parts and seeds have intervals', () => {
    const runs = ['one', 'two'].map((a) => [
      answer(0, 'f', a),
      answer(1, 'f', 'one'),
      answer(2, 'f', 'two'),
      answer(3, 'f', 'one'),
    ]);
    const { interval, groups, seeds } = summarize({ records, runs, tooLong: 0 });
    expect(groups['level 1']).toMatchObject({ accuracy: 0.5, tasks: 3 });
    expect(groups['level 1']!.interval.low).toBeLessThan(0.5);
    expect(groups['level 1']!.interval.high).toBeGreaterThan(0.5);
    // All alike: Wilson's.
    expect(groups['level 2']!.interval).toEqual(wilsonInterval(1, 1));
    expect(seeds!.interval).toEqual(interval);
    seeds!.accuracies.forEach((accuracy, index) => {
      const { low, high } = seeds!.intervals[index]!;
      expect(low).toBeLessThan(accuracy);
      expect(high).toBeGreaterThan(accuracy);
    });
  });

  test('seeds, pass@k and mistaken tools', () => {
    const runs = [
      [answer(0, 'f', 'one'), answer(3, 'g', 'one')],
      [answer(0, 'f', 'two'), answer(3, 'g', 'one')],
    ];
    const summary = summarize({ records, runs, tooLong: 2, passAt: [1, 2] });
    expect(summary.seeds).toMatchObject({ accuracies: [0.5, 0], mean: 0.25 });
    expect(summary.passAt!['1']!.value).toBeCloseTo(0.25, 12);
    expect(summary.passAt!['1']!.interval).toEqual(summary.interval);
    expect(summary.passAt!['2']!.value).toBeCloseTo(0.5, 12);
    expect(summary.confusion).toEqual([{ gold: 'f', predicted: 'g', count: 2 }]);
    expect(summary).toMatchObject({ tasks: 2, tooLong: 2, answersPerTask: 2 });
  });

  test('nothing answered', () => {
    expect(summarize({ records, runs: [[]], tooLong: 4 })).toMatchObject({
      accuracy: null,
      interval: null,
      tasks: 0,
    });
  });
});

test('figures of many tasks take no longer than their number', () => {
  const records = Array.from({ length: 60_000 }, (_, index) => ({ id: String(index) }) as NeutralRecord);
  const scores = new Map(records.map(({ id }, index) => [id, index % 2]));
  const start = performance.now();
  expect(strataOf(records, scores)[0]!.scores).toHaveLength(60_000);
  expect(performance.now() - start).toBeLessThan(1000);
});
