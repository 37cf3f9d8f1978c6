/** A 95 % interval of a share. */
export interface Interval {
  low: number;
  high: number;
}

const Z = 1.959963984540054;

/** Digits behind the point that are kept: 1 - 2e-16 and 5e-17 are what adding leaves of 1 and 0. */
const PLACES = 1e12;
const rounded = (value: number): number => Math.round(value * PLACES) / PLACES + 0;

/** An interval with its ends rounded to 12 places. */
export const intervalFrom = (low: number, high: number): Interval => ({
  low: rounded(low),
  high: rounded(high),
});

/** Wilson's score interval of `successes` out of `n` independent yes/no outcomes (Wilson 1927), either may be a fraction. n = 0 gives [0, 1]. */
export function wilsonInterval(successes: number, n: number): Interval {
  if (n === 0) return { low: 0, high: 1 };
  const share = successes / n;
  const scale = 1 + (Z * Z) / n;
  const centre = share + (Z * Z) / (2 * n);
  const spread = Z * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n));
  return intervalFrom(Math.max(0, (centre - spread) / scale), Math.min(1, (centre + spread) / scale));
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]!;
  return values.length === 0 ? NaN : sum / values.length;
}

/** Sample standard deviation (n - 1); 0 for fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += (values[index]! - centre) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

/** Linear interpolation between order statistics. `sorted` ascending, share in [0, 1]. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (position - below);
}

/**
 * Percentile bootstrap of the mean over tasks. Tasks are resampled, not answers: several answers to one task are not independent.
 * @param perTask share of right answers of each task
 * @param next uniform numbers in [0, 1)
 */
export function bootstrapInterval(
  perTask: readonly number[],
  resamples: number,
  next: () => number,
): Interval {
  if (perTask.length === 0) return { low: 0, high: 1 };
  const means = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    let sum = 0;
    for (let draw = 0; draw < perTask.length; draw++) sum += perTask[Math.floor(next() * perTask.length)]!;
    means[resample] = sum / perTask.length;
  }
  means.sort();
  return intervalFrom(quantile(means, 0.025), quantile(means, 0.975));
}

/**
 * 95 % interval of a mean share of right answers over `tasks` tasks: the percentile bootstrap `resampled`, but Wilson's interval where all tasks
 * scored alike, since resampling cannot tell then that others might not have (0 of 3 right is not "0 to 0").
 * @param tasks of a weighted mean: as many as would tell as much without weights
 */
export function shareInterval(share: number, tasks: number, resampled: Interval): Interval {
  return resampled.low < resampled.high ? resampled : wilsonInterval(share * tasks, tasks);
}
