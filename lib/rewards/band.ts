export interface Band {
  /** Lower and upper end of the target band of p̂. Defaults 0.25 and 0.75. */
  low?: number;
  high?: number;
  /** Width of the Gaussian fall-off outside the band. Default 0.12. */
  sigma?: number;
  /** Number of Solver samples K behind p̂; below 1/K the reward is 0. Default 8. */
  samples?: number;
}

/**
 * The difficulty part of the Generator's reward: 1 where the Solver solves the task sometimes (inside the band), less the
 * farther p̂ lies outside, 0 where no sample solved it. Source: TOOL-R0, band(p).
 *
 * @param passRate p̂, share of Solver samples that gave the gold calls
 */
export function difficultyBand(
  passRate: number,
  { low = 0.25, high = 0.75, sigma = 0.12, samples = 8 }: Band = {},
): number {
  if (!(passRate >= 1 / samples)) return 0;
  if (passRate >= low && passRate <= high) return 1;
  const distance = passRate < low ? passRate - low : passRate - high;
  return Math.exp(-(distance * distance) / (2 * sigma * sigma));
}
