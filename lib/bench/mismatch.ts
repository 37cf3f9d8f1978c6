import type { Policy } from '../policy/policy';
import type { Rollout } from '../policy/rollout';
import { quantile } from './statistics';
import type { Mismatch } from './types';

/** From differences of log-probabilities, per token. */
export function summarizeMismatch(differences: readonly number[]): Mismatch {
  const absolute = differences.map(Math.abs);
  const outside = differences.filter((difference) => {
    const ratio = Math.exp(difference);
    return ratio < 0.9 || ratio > 1.1;
  }).length;
  return {
    mean: absolute.reduce((sum, value) => sum + value, 0) / absolute.length,
    p99: quantile(absolute, 0.99),
    outside: outside / differences.length,
  };
}

/** Log-probabilities as sampled against those the training forward pass gives the same tokens. */
export async function mismatchOf(policy: Policy, rollout: Rollout): Promise<Mismatch> {
  const sequences = Array.from({ length: rollout.rows }, (_, row) => [
    ...rollout.prompts[Math.floor(row / rollout.n)]!,
    ...rollout.row(row),
  ]);
  const { logprobs } = await policy.logprobs(sequences);
  const differences = logprobs.flatMap((values, row) => {
    const sampled = rollout.rowLogprobs(row);
    const recomputed = values.slice(values.length - sampled.length);
    return Array.from(sampled, (value, index) => recomputed[index]! - value);
  });
  return summarizeMismatch(differences);
}
