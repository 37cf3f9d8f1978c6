import { bootstrapInterval, quantile, type Interval } from './accuracy';

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
  return { low: quantile(means, 0.025), high: quantile(means, 0.975) };
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

/**
 * Two-sided exact McNemar test: p of a split of the tasks on which two systems differ at least as uneven as b to c, if each way were as likely.
 */
export function mcnemarP(b: number, c: number): number {
  const n = b + c;
  if (n === 0) return 1;
  let term = Math.exp(-n * Math.LN2);
  let tail = term;
  for (let i = 1; i <= Math.min(b, c); i++) {
    term *= (n - i + 1) / i;
    tail += term;
  }
  // Beyond about 1,000 differing tasks 2^-n underflows; the normal approximation with continuity correction is exact enough there.
  if (n > 1000) return 2 * normalTail(Math.max(0, Math.abs(b - c) - 1) / Math.sqrt(n));
  return Math.min(1, 2 * tail);
}

/** P(Z > z) for z >= 0 (Abramowitz and Stegun 26.2.17, error below 7.5e-8). */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** Two-sided sign-flip permutation test of paired differences: p of a mean at least as far from 0 if every sign were a coin toss. */
export function signFlipP(differences: readonly number[], next: () => number, draws = 10_000): number {
  const sum = (signed: () => number) =>
    Math.abs(differences.reduce((total, value) => total + signed() * value, 0));
  const observed = sum(() => 1);
  let asFar = 1;
  for (let draw = 0; draw < draws; draw++) {
    if (sum(() => (next() < 0.5 ? -1 : 1)) >= observed - 1e-12) asFar++;
  }
  return asFar / (draws + 1);
}
