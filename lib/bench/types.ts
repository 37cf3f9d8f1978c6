import type { ShapeName } from './shapes';

export type Dtype = 'float32' | 'bfloat16';

/** What is timed. `batch` and `context` are the project's own scaling: throughput over batch size, and cost over context length. */
export const SUITES = ['rollout', 'grpo-step', 'logprob-head', 'iteration', 'batch', 'context'] as const;
/** What is measured when no suite is named: one row per suite, shape and peer. */
export const DEFAULT_SUITES = ['rollout', 'grpo-step', 'logprob-head', 'iteration'] as const;
export type Suite = (typeof SUITES)[number];

export const PEERS = ['transformers', 'transformers-cb', 'trl', 'node-llama-cpp', 'liger'] as const;
export type PeerName = (typeof PEERS)[number];

/** Everything a measured process needs to know; written to a file that it is given. */
export interface Workload {
  suite: Suite;
  shape: ShapeName;
  /** Hugging Face folder with the random weights that all sides load. */
  modelDir: string;
  device: string;
  dtype: Dtype;
  /** CPU threads a side may use; 0 = a peer's own default, ours one per core. */
  threads: number;
  /** Token ids; prompts of one workload have one length. */
  prompts: number[][];
  /** Completions per prompt. */
  n: number;
  /** Longest completion. */
  newTokens: number;
  /** [prompts × n] tokens of each completion, drawn once for all sides. */
  lengths: number[];
  learningRate: number;
  seed: number;
}

/** One repetition as a side reports it. */
export interface Repetition {
  seconds: number;
  tokens: number;
  /** VmHWM of the process; null where the system has no /proc. */
  peakResidentBytes: number | null;
  peakCudaBytes: number | null;
  phases?: Record<string, number>;
}

/** Sampled against recomputed log-probabilities, per token. */
export interface Mismatch {
  mean: number;
  p99: number;
  /** Share of tokens whose ratio exp(difference) lies outside [0.9, 1.1]. */
  outside: number;
}

/** A row as `--json` prints it; null = not measured. */
export interface BenchRow {
  suite: Suite;
  shape: ShapeName;
  device: string;
  dtype: Dtype;
  metric: string;
  /** tok/s, median. */
  ours: number | null;
  peer: number | null;
  peerName: PeerName | null;
  /** ours / peer: above 1 is faster. */
  ratio: number | null;
  /** Share of what the machine could do at most, from 0 to 1. */
  share: number | null;
  /** The most memory the process held (CUDA: allocated on the device). */
  peakBytes: number | null;
  peerPeakBytes: number | null;
  /** Parameters, gradients and optimizer state within the peaks; where something is trained. */
  stateBytes: number | null;
  peerStateBytes: number | null;
}

/** A row with what the table shows beyond it. */
export interface MeasuredRow extends BenchRow {
  workload: string;
  /** tok/s of every repetition. */
  ourRates: number[];
  peerRates: number[];
  /** Per pair of repetitions. */
  ratios: number[];
  peerVersion: string | null;
  mismatch: Mismatch | null;
  peerMismatch: Mismatch | null;
  /** Share of the machine's products that the training part reaches. */
  mfu: number | null;
  phases: Record<string, number>;
  peerPhases: Record<string, number>;
}
