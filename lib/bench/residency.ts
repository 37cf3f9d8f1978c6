import { loadAddon } from '../binding/load';
import { availableBytes } from './memory';
import { bytesOf, keyValueBytes, parameterCount, SHAPES } from './shapes';
import type { PeerName, Workload } from './types';

/** The largest part of the free memory that sides which stay loaded may need together. */
const MEMORY_SHARE = 0.7;
/** Weights, gradients, moments and activations of a training side, per parameter; a rollout side's per parameter and element size. */
const TRAINING_BYTES = 24;
const ROLLOUT_BYTES = 3;
/** A process's own libraries: on CUDA a context and kernels. */
const PROCESS_BYTES = 5e8;
/** The logits of a token in training: in the model's dtype, in float32, and their gradient. */
const LOGIT_BYTES = 12;
/** Rows whose logits a training side holds at once. */
const MICRO_BATCH = 16;

/** Bytes a side needs on a GPU beyond its parameters: keys and values (held twice while they grow), or logits. */
function cudaWorkingBytes({ suite, shape, dtype, prompts, n, newTokens }: Workload): number {
  const { vocab_size: vocabulary } = SHAPES[shape];
  const promptTokens = prompts[0]?.length ?? 0;
  const rows = prompts.length * n;
  const keyValues = 2 * rows * (promptTokens + newTokens) * keyValueBytes(SHAPES[shape], dtype);
  switch (suite) {
    case 'grpo-step':
      return keyValues + Math.min(rows, MICRO_BATCH) * newTokens * vocabulary * LOGIT_BYTES;
    case 'logprob-head':
      return rows * promptTokens * vocabulary * LOGIT_BYTES;
    default:
      return keyValues + rows * vocabulary * LOGIT_BYTES;
  }
}

/** Whether all sides may stay loaded at once in `available` bytes of the device's memory; null = not known. */
export function fitTogether(
  workload: Workload,
  sides: readonly (PeerName | null)[],
  available: number | null,
): boolean {
  const { suite, shape, dtype, device } = workload;
  if (sides.length < 2) return true;
  if (available === null) return device === 'cpu';
  // Its page pool takes most of what is free on a GPU, however small the work is.
  if (device !== 'cpu' && sides.includes('transformers-cb')) return false;
  const perParameter = suite === 'grpo-step' ? TRAINING_BYTES : ROLLOUT_BYTES * bytesOf(dtype);
  const each =
    parameterCount(SHAPES[shape]) * perParameter +
    PROCESS_BYTES +
    (device === 'cpu' ? 0 : cudaWorkingBytes(workload));
  return each * sides.length < MEMORY_SHARE * available;
}

/** Free memory where a workload runs, in bytes; null where it is not known. */
export function freeBytesOf(device: string): number | null {
  if (device === 'cpu') return availableBytes();
  const index = Number(device.split(':')[1] ?? 0);
  return (
    loadAddon()
      .cudaDevices()
      .find((card) => card.index === index)?.freeBytes ?? null
  );
}
