/** Random sign flips where the exact distribution has too many outcomes: the standard error of a p of 0.05 is then 0.0016. */
export const SIGN_FLIPS = 20_000;
/** Outcomes of the exact distribution that are enumerated at most. */
const EXACT_OUTCOMES = 2 ** 18;

export interface SignFlipTest {
  /** Two-sided: chance of a sum at least as far from 0 if every sign were a coin toss. */
  p: number;
  /** Random sign flips it was estimated from; null where it is exact. */
  flips: number | null;
}

/** Differences of one size: under the null hypothesis their sum is size · (2 · Binomial(count, 1/2) − count). */
interface Group {
  size: number;
  count: number;
}

/**
 * Paired sign-flip permutation test of a sum of differences. Tasks of the same size of difference are interchangeable, so the distribution
 * of the sum is a product of binomials: one group (right or wrong, one stratum) makes it the exact McNemar test, and two strata or a few
 * sizes are enumerated, too. Else p is (1 + flips at least as far) / (1 + flips).
 * @param differences of each task, weighted as the statistic weights it; those that are 0 have no say
 * @param next uniform numbers in [0, 1)
 */
export function signFlipTest(
  differences: readonly number[],
  next: () => number,
  flips = SIGN_FLIPS,
): SignFlipTest {
  const observed = Math.abs(differences.reduce((sum, value) => sum + value, 0));
  const reach = differences.reduce((sum, value) => sum + Math.abs(value), 0);
  if (reach === 0) return { p: 1, flips: null };
  // Sums that are equal but for rounding are as far.
  const threshold = observed - 1e-9 * reach;
  const groups = groupsOf(differences, reach);
  const outcomes = groups.reduce((product, { count }) => product * (count + 1), 1);
  if (outcomes <= EXACT_OUTCOMES) return { p: exactTail(groups, threshold), flips: null };
  const heads = coin(next);
  let asFar = 0;
  for (let flip = 0; flip < flips; flip++) {
    let sum = 0;
    for (const { size, count } of groups) sum += size * (2 * heads(count) - count);
    if (Math.abs(sum) >= threshold) asFar++;
  }
  return { p: (1 + asFar) / (1 + flips), flips };
}

function groupsOf(differences: readonly number[], reach: number): Group[] {
  const groups: Group[] = [];
  const sizes = differences.map(Math.abs).filter((size) => size > 0);
  for (const size of sizes.sort((a, b) => a - b)) {
    const last = groups.at(-1);
    if (last && size - last.size <= 1e-12 * reach) last.count++;
    else groups.push({ size, count: 1 });
  }
  return groups;
}

function exactTail(groups: readonly Group[], threshold: number): number {
  let sums = Float64Array.of(0);
  let chances = Float64Array.of(1);
  for (const { size, count } of groups) {
    const binomial = halfBinomial(count);
    const [moreSums, moreChances] = [
      new Float64Array(sums.length * (count + 1)),
      new Float64Array(sums.length * (count + 1)),
    ];
    for (let at = 0, place = 0; at < sums.length; at++) {
      for (let positive = 0; positive <= count; positive++, place++) {
        moreSums[place] = sums[at]! + size * (2 * positive - count);
        moreChances[place] = chances[at]! * binomial[positive]!;
      }
    }
    [sums, chances] = [moreSums, moreChances];
  }
  let tail = 0;
  for (let at = 0; at < sums.length; at++) if (Math.abs(sums[at]!) >= threshold) tail += chances[at]!;
  return Math.min(1, tail);
}

/** Chances of 0 … count heads in as many tosses; by logarithms, because 2^-count underflows beyond 1,074. */
function halfBinomial(count: number): Float64Array {
  const chances = new Float64Array(count + 1);
  let log = -count * Math.LN2;
  for (let heads = 0; heads <= count; heads++) {
    if (heads > 0) log += Math.log((count - heads + 1) / heads);
    chances[heads] = Math.exp(log);
  }
  return chances;
}

const TOSSES = 30;

/** Heads of so many tosses, again and again; one random number gives `TOSSES` of them. */
function coin(next: () => number): (count: number) => number {
  let bits = 0;
  let left = 0;
  return (count) => {
    let heads = 0;
    for (let wanted = count; wanted > 0;) {
      if (left === 0) [bits, left] = [Math.floor(next() * 2 ** TOSSES), TOSSES];
      const used = Math.min(wanted, left);
      for (let taken = bits & (2 ** used - 1); taken > 0; taken &= taken - 1) heads++;
      bits >>>= used;
      left -= used;
      wanted -= used;
    }
    return heads;
  };
}
