import { mean, standardDeviation } from '../eval/accuracy';
import type { RunContext } from './context';
import type { AgreementHistogram, MeasuredAt } from './events';
import type { MachineLimits } from './machine-limits';
import type { PolicyInfo, RolloutPort } from './ports';
import { totals, type RewardTable } from './rewards-table';
import { stepsOf } from './state';

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

/**
 * A line of metrics.jsonl that is of no step: what was measured, under the optimizer steps taken until then. For learning curves: a run that
 * asks for none (`evalEvery`, `evalBenchmarks`) has a line per step and no other.
 */
export function recordMeasurement(
  { config, folder, state }: RunContext,
  { iteration, step }: MeasuredAt,
  metrics: Readonly<Record<string, number | null>>,
): void {
  if (config.evalEvery === 0 && config.evalBenchmarks.length === 0) return;
  const place = { step: stepsOf(state), iteration, ...(step === undefined ? {} : { roleStep: step }) };
  folder.append('metrics.jsonl', { ...place, ...metrics });
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

/** Floating-point operations of a training step: the trainer's own count, else 2 forward and 4 backward per parameter and token. */
export const trainedFlops = (
  { parameterCount }: PolicyInfo,
  trained: Readonly<Record<string, number>>,
): number => trained['toolr0/train_flops'] ?? 6 * parameterCount * (trained['toolr0/train_tokens'] ?? 0);

/**
 * Bytes that decoding a rollout had to read: all weights in every step, and the keys and values behind every token, a group's prompt once
 * per step. undefined where the policy does not tell its sizes.
 */
export function requiredBytes(info: PolicyInfo, rollout: RolloutPort): number | undefined {
  const { numHiddenLayers, numKeyValueHeads, headDim, parameterCount, dtype } = info;
  const { stats, offsets, n, prompts } = rollout;
  if (!stats || !numHiddenLayers || !numKeyValueHeads || !headDim) return undefined;
  const width = dtype === 'bfloat16' ? 2 : 4;
  const lengths = rollout.finishReasons.map((_, row) => offsets[row + 1]! - offsets[row]!);
  const own = lengths.reduce((sum, length) => sum + (length * (length - 1)) / 2, 0);
  const shared = prompts.reduce(
    (sum, prompt, group) => sum + prompt.length * Math.max(0, ...lengths.slice(group * n, (group + 1) * n)),
    0,
  );
  const keysAndValues = 2 * numHiddenLayers * numKeyValueHeads * headDim * width * (own + shared);
  return stats.decodeSteps * parameterCount * width + keysAndValues;
}

/**
 * perf/*: tokens a second of the step's own rollout and of its training, and their shares of what the machine can do. A share above 1 is
 * possible for bandwidth: weights that fit the processor's cache are not read from memory.
 */
export function performanceMetrics(
  info: PolicyInfo,
  rollout: RolloutPort,
  measured: { rolloutSeconds: number; trained: Readonly<Record<string, number>>; trainSeconds: number },
  machine: MachineLimits | undefined,
): Record<string, number> {
  const { rolloutSeconds, trained, trainSeconds } = measured;
  const rate = (amount: number, seconds: number) => amount / Math.max(1e-9, seconds);
  const metrics: Record<string, number> = {
    'perf/rollout_tok_s': rate(rollout.tokens.length, rolloutSeconds),
    'perf/train_tok_s': rate(trained['toolr0/train_tokens'] ?? 0, trainSeconds),
  };
  if (machine?.flops) metrics['perf/mfu'] = rate(trainedFlops(info, trained), trainSeconds) / machine.flops;
  const bytes = requiredBytes(info, rollout);
  if (machine?.bytesPerSecond && bytes !== undefined)
    metrics['perf/bandwidth_util'] = rate(bytes, rollout.stats!.decodeSeconds) / machine.bytesPerSecond;
  return metrics;
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
