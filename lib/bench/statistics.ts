/** NaN of an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that a share of all values does not exceed (nearest rank). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!;
}

export interface Summary {
  median: number;
  min: number;
  max: number;
}

/** @returns null of an empty list */
export function summarize(values: readonly number[]): Summary | null {
  if (values.length === 0) return null;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** A row that takes longer is repeated less. */
const SLOW_SECONDS = 60;
const SLOW_REPEATS = 3;

/** Repetitions of a row whose round (all sides once) took `seconds`, unless asked for otherwise. */
export const repeatsFor = (seconds: number, requested: number | undefined): number =>
  requested ?? (seconds > SLOW_SECONDS ? SLOW_REPEATS : 5);
