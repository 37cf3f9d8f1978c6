import { iterationPlan } from './iteration';
import type { MachineLimits } from '../driver/machine-limits';
import { bytesOf, headParameterCount, keyValueBytes, layerParameterCount, SHAPES } from './shapes';
import type { Workload } from './types';

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Over context lengths, and over batch sizes on a GPU, it is the cost of decoding that is asked for. */
export const timesDecoding = ({ suite, device }: Pick<Workload, 'suite' | 'device'>): boolean =>
  suite === 'context' || (suite === 'batch' && device !== 'cpu');

/**
 * The least time rollouts can take: every step reads all weights and computes their products, whichever is longer, and reads the keys and
 * values of the rows that still run, each group's prompt once. Prompts are prefilled once per group, the head for its last token only (not at
 * all where decoding alone is timed).
 */
export function rolloutSeconds(
  workload: Workload,
  machine: MachineLimits,
  lengths: readonly number[],
): number | null {
  const { flops, bytesPerSecond } = machine;
  if (flops === null || bytesPerSecond === null) return null;
  const { shape, dtype, prompts, n } = workload;
  const layers = layerParameterCount(SHAPES[shape]);
  const head = headParameterCount(SHAPES[shape]);
  const parameters = layers + head;
  const weightSeconds = (parameters * bytesOf(dtype)) / bytesPerSecond;
  const tokenSeconds = (2 * parameters) / flops;
  const keyValueSeconds = keyValueBytes(SHAPES[shape], dtype) / bytesPerSecond;
  const promptTokens = sum(prompts.map((prompt) => prompt.length));
  let seconds = timesDecoding(workload) ? 0 : (2 * (layers * promptTokens + head * prompts.length)) / flops;
  for (let step = 0; step < Math.max(...lengths); step++) {
    const running = lengths.filter((length) => length > step).length;
    const groups = prompts.filter((_, group) =>
      lengths.slice(group * n, (group + 1) * n).some((length) => length > step),
    );
    const cached = sum(groups.map((prompt) => prompt.length)) + running * step;
    seconds += Math.max(weightSeconds, running * tokenSeconds) + cached * keyValueSeconds;
  }
  return seconds;
}

/** The least time a whole workload can take on this machine; null where the machine's limits are not known or none is stated. */
export function boundSeconds(workload: Workload, machine: MachineLimits): number | null {
  const { flops } = machine;
  const { suite, shape, prompts, lengths, newTokens } = workload;
  const config = SHAPES[shape];
  switch (suite) {
    case 'rollout':
    case 'batch':
    case 'context':
      return rolloutSeconds(
        workload,
        machine,
        lengths.map(() => newTokens),
      );
    case 'grpo-step': {
      const rollout = rolloutSeconds(workload, machine, lengths);
      if (rollout === null || flops === null) return null;
      // A group's prompt is trained once; the head is needed where a completion's token is predicted.
      const completionTokens = sum(lengths);
      const tokens = sum(prompts.map((prompt) => prompt.length)) + completionTokens;
      const products = layerParameterCount(config) * tokens + headParameterCount(config) * completionTokens;
      return rollout + (6 * products) / flops;
    }
    case 'logprob-head': {
      // One product forward, two backward.
      const tokens = sum(prompts.map((prompt) => prompt.length));
      return flops === null ? null : (6 * config.hidden_size * config.vocab_size * tokens) / flops;
    }
    case 'iteration':
      return null;
  }
}

/** Seconds of every phase of a measured iteration, for the whole one. */
export function scaledPhases(
  workload: Workload,
  phases: Readonly<Record<string, number>>,
): Record<string, number> {
  const { scale } = iterationPlan(workload.shape);
  return Object.fromEntries(Object.entries(phases).map(([name, seconds]) => [name, seconds * scale]));
}
