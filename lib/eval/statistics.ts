import { bootstrapInterval, intervalFrom, quantile, shareInterval, type Interval } from './accuracy';

/** A part of an exam with a weight in its headline: scores of its tasks, each from 0 to 1. */
export interface Stratum {
  weight: number;
  scores: readonly number[];
}

export const RESAMPLES = 2000;

/** Weighted mean of the strata's means; empty strata have no say. null without any score. */
export function stratifiedMean(strata: readonly Stratum[]): number | null {
  const filled = strata.filter(({ scores }) => scores.length > 0);
  const total = filled.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return null;
  return filled.reduce((sum, { weight, scores }) => sum + weight * meanOf(scores), 0) / total;
}

const meanOf = (scores: readonly number[]) => scores.reduce((sum, score) => sum + score, 0) / scores.length;

/** 95 % percentile bootstrap of the stratified mean: tasks are resampled within their stratum. null without any score. */
export function stratifiedInterval(
  strata: readonly Stratum[],
  next: () => number,
  resamples = RESAMPLES,
): Interval | null {
  const filled = strata.filter(({ scores }) => scores.length > 0);
  if (filled.length === 0) return null;
  if (filled.length === 1) return bootstrapInterval(filled[0]!.scores, resamples, next);
  const means = Float64Array.from({ length: resamples }, () =>
    stratifiedMean(
      filled.map(({ weight, scores }) => ({
        weight,
        scores: scores.map(() => scores[Math.floor(next() * scores.length)]!),
      })),
    )!,
  ).sort();
  return intervalFrom(quantile(means, 0.025), quantile(means, 0.975));
}

/** 95 % interval of a headline whose scores are shares of right answers, from 0 to 1. null without any score. */
export function headlineInterval(strata: readonly Stratum[], next: () => number): Interval | null {
  const resampled = stratifiedInterval(strata, next);
  return resampled && shareInterval(stratifiedMean(strata)!, effectiveTasks(strata), resampled);
}

/** Tasks that without weights would give a mean of the same variance: (Σw)² / Σ(w²/n). A small part of much weight makes it small. */
export function effectiveTasks(strata: readonly Stratum[]): number {
  const filled = strata.filter(({ scores }) => scores.length > 0);
  const total = filled.reduce((sum, { weight }) => sum + weight, 0);
  return total ** 2 / filled.reduce((sum, { weight, scores }) => sum + weight ** 2 / scores.length, 0);
}

/**
 * Chance that one of k answers is right, estimated without bias from n answers of which c are: 1 - C(n-c, k) / C(n, k) (Chen et al. 2021).
 * @param k at most n
 */
export function passAtK(n: number, c: number, k: number): number {
  if (c === 0) return 0;
  if (n < k) throw new RangeError(`pass@${k} cannot be estimated from ${n} answers`);
  if (n - c < k) return 1;
  let miss = 1;
  for (let i = n - c + 1; i <= n; i++) miss *= 1 - k / i;
  return 1 - miss;
}
