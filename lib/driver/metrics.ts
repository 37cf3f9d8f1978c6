import { mean, standardDeviation } from '../eval/accuracy';
import type { AgreementHistogram } from './events';
import type { RolloutPort } from './ports';
import { totals, type RewardTable } from './rewards-table';

const scored = (values: ArrayLike<number>): number[] =>
  Array.from(values).filter((value) => !Number.isNaN(value));

/** TRL's reward metrics: reward, reward_std, frac_reward_zero_std, rewards/<name>/mean and /std. */
export function rewardMetrics(
  table: RewardTable,
  advantages: { std: ArrayLike<number>; fracRewardZeroStd: number },
): Record<string, number> {
  const metrics: Record<string, number> = {
    reward: mean(scored(totals(table))),
    reward_std: mean(advantages.std),
    frac_reward_zero_std: advantages.fracRewardZeroStd,
  };
  table.names.forEach((name, column) => {
    const values = scored(table.values.filter((_, index) => index % table.names.length === column));
    metrics[`rewards/${name}/mean`] = mean(values);
    metrics[`rewards/${name}/std`] = standardDeviation(values);
  });
  return metrics;
}

/** TRL's completions/*: lengths in tokens; `terminated` are those that ended by themselves. */
export function completionMetrics(rollout: RolloutPort): Record<string, number> {
  const lengths = rollout.finishReasons.map((_, row) => rollout.offsets[row + 1]! - rollout.offsets[row]!);
  const terminated = lengths.filter((_, row) => rollout.finishReasons[row] === 'stop');
  const of = (values: number[], prefix: string): Record<string, number> => ({
    [`completions/mean_${prefix}length`]: values.length === 0 ? 0 : mean(values),
    [`completions/min_${prefix}length`]: values.length === 0 ? 0 : Math.min(...values),
    [`completions/max_${prefix}length`]: values.length === 0 ? 0 : Math.max(...values),
  });
  return {
    ...of(lengths, ''),
    'completions/clipped_ratio': 1 - terminated.length / Math.max(1, lengths.length),
    ...of(terminated, 'terminated_'),
  };
}

/** Counts of tasks by how often they were solved: p̂ · samples, 0 … samples. */
export function agreementHistogram(agreements: readonly number[], samples: number): AgreementHistogram {
  const counts = new Array<number>(samples + 1).fill(0);
  for (const agreement of agreements) counts[Math.round(agreement * samples)]!++;
  return { samples, counts };
}

export function countBy<T>(
  items: readonly T[],
  key: (item: T) => string | undefined,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const name = key(item);
    if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Bytes of memory this process holds now. */
export const residentBytes = (): number => process.memoryUsage.rss();

/** The most it ever held. */
export const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;
