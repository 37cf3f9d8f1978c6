import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import * as fc from 'fast-check';

import { PAPER_COLUMNS } from '../../lib/eval/published-results';
import { comparisonText } from '../../lib/eval/report/table';
import { compareFolders, comparePaired, MEAN_OF_FIVE } from '../../lib/eval/session/compare';
import { ResultsFolder } from '../../lib/eval/session/results-folder';
import { signFlipTest, SIGN_FLIPS } from '../../lib/eval/sign-flip';
import { Random } from '../../lib/tasks/random';

const never = () => {
  throw new Error('an exact test draws nothing');
};

/** Two-sided binomial test of b against c, in whole numbers. */
function mcnemar(b: number, c: number): number {
  const n = BigInt(b + c);
  let term = 1n;
  let tail = 1n;
  for (let k = 1n; k <= BigInt(Math.min(b, c)); k++) {
    term = (term * (n - k + 1n)) / k;
    tail += term;
  }
  const all = 1n << n;
  const digits = 10n ** 18n;
  return Math.min(1, Number((2n * tail * digits) / all) / 1e18);
}

const differencesOf = (onlyA: number, onlyB: number, same: number, scale = 1) => [
  ...new Array<number>(onlyA).fill(-scale),
  ...new Array<number>(onlyB).fill(scale),
  ...new Array<number>(same).fill(0),
];

describe('the sign-flip test', () => {
  test.each([
    [0, 0, 1],
    [5, 5, 1],
    [0, 5, 0.0625],
    [1, 9, 22 / 1024],
    [10, 2, (2 * (1 + 12 + 66)) / 4096],
  ])('%i only right in A, %i only in B', (onlyA, onlyB, p) => {
    const test = signFlipTest(differencesOf(onlyA, onlyB, 7), never);
    expect(test.flips).toBeNull();
    expect(test.p).toBeCloseTo(p, 12);
  });

  test('is the exact McNemar test on right and wrong, whatever the weight', () => {
    fc.assert(
      fc.property(
        fc.nat(900),
        fc.nat(900),
        fc.double({ min: 1e-6, max: 1e3, noNaN: true }),
        (b, c, scale) => {
          const { p, flips } = signFlipTest(differencesOf(b, c, 3, scale), never);
          expect(flips).toBeNull();
          expect(Math.abs(p - mcnemar(b, c))).toBeLessThan(1e-9);
        },
      ),
      { numRuns: 60 },
    );
    expect(signFlipTest(differencesOf(3000, 3300, 0), never).p).toBeCloseTo(mcnemar(3000, 3300), 9);
  });

  test('is exact for several strata: all signs tried one by one', () => {
    const size = fc.constantFrom(1 / 7, 1 / 3, 0.25, 0.1);
    fc.assert(
      fc.property(fc.array(fc.tuple(size, fc.boolean()), { maxLength: 10 }), (drawn) => {
        const differences = drawn.map(([value, positive]) => (positive ? value : -value));
        const sum = (signs: number) =>
          Math.abs(differences.reduce((total, value, at) => total + ((signs >> at) & 1 ? value : -value), 0));
        const observed = Math.abs(differences.reduce((total, value) => total + value, 0));
        const all = 2 ** differences.length;
        const asFar = Array.from({ length: all }, (_, signs) => sum(signs)).filter(
          (far) => far >= observed - 1e-9,
        );
        expect(signFlipTest(differences, never).p).toBeCloseTo(asFar.length / all, 9);
      }),
    );
  });

  test('shares that are equal but for rounding are of one size', () => {
    const differences = Array.from({ length: 30 }, (_, index) => index / 10 + 0.1 - index / 10);
    expect(signFlipTest(differences, never)).toEqual({
      p: expect.closeTo(2 / 2 ** 30, 12) as number,
      flips: null,
    });
  });

  test('many sizes: seeded flips, near the normal approximation', () => {
    const random = Random.seeded('sizes');
    const differences = Array.from({ length: 300 }, () => random.next() - 0.46);
    const test = (seed: number) => {
      const stream = Random.seeded(seed);
      return signFlipTest(differences, () => stream.next());
    };
    const { p, flips } = test(1);
    expect(test(1).p).toBe(p);
    expect(flips).toBe(SIGN_FLIPS);
    const z =
      Math.abs(differences.reduce((a, b) => a + b)) / Math.sqrt(differences.reduce((a, b) => a + b * b, 0));
    // Abramowitz and Stegun 26.2.17.
    const t = 1 / (1 + 0.2316419 * z);
    const series =
      t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
    const normal = (2 * series * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
    expect(Math.abs(p - normal)).toBeLessThan(5 * Math.sqrt((normal * (1 - normal)) / SIGN_FLIPS) + 0.003);
  });

  test('flips agree with enumeration', () => {
    // 19 sizes of one task each are too many outcomes only with as many again.
    const sizes = Array.from({ length: 18 }, (_, index) => 1 + index / 10);
    const differences = sizes.map((size, index) => (index % 3 === 0 ? -size : size));
    const exact = signFlipTest(differences, never);
    expect(exact.flips).toBeNull();
    const random = Random.seeded('flips');
    const crumbs = Array.from({ length: 6 }, (_, index) => 1e-7 * (index + 1));
    const estimated = signFlipTest([...differences, ...crumbs], () => random.next());
    expect(estimated.flips).toBe(SIGN_FLIPS);
    expect(Math.abs(estimated.p - exact.p)).toBeLessThan(
      5 * Math.sqrt((exact.p * (1 - exact.p)) / SIGN_FLIPS),
    );
  });
});

describe('calibration', () => {
  /** p of two systems of the same ability on tasks of several strata. */
  function nullP(random: Random, answers: number, sizes: readonly number[]): number {
    const share = (ability: number) => {
      let right = 0;
      for (let answer = 0; answer < answers; answer++) right += Number(random.next() < ability);
      return right / answers;
    };
    const differences = sizes.flatMap((size) =>
      Array.from({ length: size }, () => {
        const ability = random.next();
        return (share(ability) - share(ability)) / size;
      }),
    );
    return signFlipTest(differences, () => random.next(), 500).p;
  }

  test.each([
    ['right or wrong, two strata of other sizes', 1, [60, 25]],
    ['right or wrong, one stratum', 1, [80]],
    ['shares of three answers', 3, [30, 12]],
  ] as const)('%s: p is uniform where there is no difference', (_, answers, sizes) => {
    const random = Random.seeded(`null ${answers} ${sizes.length}`);
    const trials = 2000;
    const ps = Array.from({ length: trials }, () => nullP(random, answers, sizes));
    for (const level of [0.05, 0.1, 0.25, 0.5]) {
      const rejected = ps.filter((p) => p <= level).length / trials;
      const noise = 4 * Math.sqrt((level * (1 - level)) / trials);
      // Exact tests of whole numbers reject a little less often than their level, never more often.
      expect(rejected).toBeLessThan(level + noise);
      expect(rejected).toBeGreaterThan(0.4 * level - noise / 2);
    }
    expect(ps.reduce((a, b) => a + b) / trials).toBeGreaterThan(0.46);
  });
});

test('difference, interval and p are of one figure: the mean of the strata', () => {
  // B gains on all 20 tasks of the small level and loses 40 of 400 on the large one.
  const [a, b, strata] = [new Map<string, number>(), new Map<string, number>(), new Map<string, string>()];
  for (let index = 0; index < 420; index++) {
    const isSmall = index >= 400;
    strata.set(`${index}`, isSmall ? 'level 2' : 'level 1');
    a.set(`${index}`, isSmall ? 0 : 1);
    b.set(`${index}`, isSmall || index >= 40 ? 1 : 0);
  }
  const pair = comparePaired(a, b, 0, strata);
  expect(pair).toMatchObject({ onlyA: 40, onlyB: 20, test: 'sign-flip', flips: null, unpaired: 0 });
  expect(pair.difference).toBeCloseTo((1 - 0.1) / 2, 12);
  expect(pair.interval.low).toBeGreaterThan(0);
  expect(pair.p).toBeLessThan(1e-4);
  // Over tasks it would be A that is better.
  expect(comparePaired(a, b).difference).toBeCloseTo(-20 / 420, 12);
});

test('where all tasks differ alike the interval is not a point', () => {
  const scores = (value: number, size: number) =>
    new Map(Array.from({ length: size }, (_, index) => [`${index}`, value]));
  const equal = comparePaired(scores(1, 10), scores(1, 10));
  // Wilson's interval of none in 10 is 0 to 0.278.
  expect(equal).toMatchObject({ difference: 0, p: 1 });
  expect(equal.interval.low).toBeCloseTo(-0.2775, 3);
  expect(equal.interval.high).toBeCloseTo(0.2775, 3);
  const better = comparePaired(scores(0, 3), scores(1, 3));
  expect(better).toMatchObject({ difference: 1, p: 0.25, interval: { high: 1 } });
  expect(better.interval.low).toBeLessThan(0.5);
});

describe('two folders', () => {
  let dir: string;
  beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-eval-'))));
  afterEach(() => fs.rmSync(dir, { recursive: true }));

  /** `right` of `size` tasks of every set right; API-Bank has two levels. */
  async function write(name: string, sets: readonly string[], right: number, settings = {}): Promise<string> {
    const folder = await ResultsFolder.open(path.join(dir, name), settings);
    for (const set of sets) {
      const results = Array.from({ length: 12 }, (_, index) => ({
        id: `${set}-${index}`,
        ...(set === 'api-bank' ? { stratum: `level ${index < 3 ? 1 : 2}` } : {}),
        answers: [{ correct: index < right, calls: [], errors: [] }],
      }));
      await folder.append(set, 0, { results, tooLong: [] });
    }
    return path.join(dir, name);
  }

  test('the mean over the five has a row of its own', async () => {
    const [a, b] = [await write('a', PAPER_COLUMNS, 4), await write('b', [...PAPER_COLUMNS, 'bfcl'], 8)];
    const sets = compareFolders(a, b);
    expect(Object.keys(sets).sort()).toEqual([...PAPER_COLUMNS, MEAN_OF_FIVE].sort());
    const accuracies = PAPER_COLUMNS.map((set) => sets[set]!.difference);
    expect(sets[MEAN_OF_FIVE]).toMatchObject({ tasks: 60, onlyA: 0, onlyB: 20, test: 'sign-flip' });
    expect(sets[MEAN_OF_FIVE]!.difference).toBeCloseTo(accuracies.reduce((x, y) => x + y) / 5, 12);
    expect(sets['api-bank']!.difference).toBeCloseTo(4 / 9 / 2, 12);
    expect(sets[MEAN_OF_FIVE]!.p).toBeCloseTo(2 / 2 ** 20, 9);
    expect(comparisonText('a', 'b', sets)).toMatch(/mean of the five +3\d\.\d\d/);
  });

  test('but only where both have all five', async () => {
    const [a, b] = [await write('a', PAPER_COLUMNS, 4), await write('b', PAPER_COLUMNS.slice(1), 8)];
    expect(Object.keys(compareFolders(a, b))).not.toContain(MEAN_OF_FIVE);
  });

  test('the paper’s columns come first, their mean after them', async () => {
    const [a, b] = [
      await write('a', ['bfcl', ...PAPER_COLUMNS], 4),
      await write('b', ['bfcl', ...PAPER_COLUMNS], 8),
    ];
    expect(Object.keys(compareFolders(a, b))).toEqual([...PAPER_COLUMNS, MEAN_OF_FIVE, 'bfcl']);
  });

  test('other data under the same ids are told of', async () => {
    const a = await write('a', ['bfcl', 'exam'], 4, { data: { bfcl: 'one', exam: 'one' } });
    const b = await write('b', ['bfcl', 'exam'], 8, { data: { bfcl: 'two', exam: 'one' } });
    const sets = compareFolders(a, b);
    expect(sets['bfcl']!.otherData).toBe(true);
    expect(sets['exam']).not.toHaveProperty('otherData');
    expect(comparisonText(a, b, sets)).toContain('- bfcl: A and B had other data');
    const limited = await write('c', ['bfcl'], 8, { data: { bfcl: 'three' }, limit: 12 });
    expect(compareFolders(a, limited)['bfcl']).not.toHaveProperty('otherData');
  });
});
