import type { Config, RoleConfig } from '../config';
import type { MachineLimits } from './machine-limits';

/** One turn of a chat. (A type, not an interface: it must fit faces that allow further keys.) */
export type Message = { role: string; content: string };

/**
 * What the driver needs from the native side, and no more: the driver is tested with scripted policies behind these faces, and runs
 * with lib/policy behind them (native-engine.ts).
 */
export interface TokenizerPort {
  /** Chat → prompt ids, generation prompt included. */
  encodeChat(messages: readonly Message[]): number[];
  decode(ids: ArrayLike<number>, options?: { skipSpecialTokens?: boolean }): string;
}

export type FinishReason = 'stop' | 'length' | 'aborted';

/** Completions as sampled; row r answers prompt floor(r / n). */
export interface RolloutPort {
  readonly prompts: readonly (readonly number[])[];
  readonly n: number;
  /** Completions back to back, stop id included. */
  readonly tokens: Int32Array;
  /** [rows + 1] */
  readonly offsets: Int32Array;
  /** [tokens] natural log, of the distribution that was sampled. */
  readonly logprobs: Float32Array;
  /** [rows] */
  readonly finishReasons: readonly FinishReason[];
  /** What the engine counted; scripted policies have none. */
  readonly stats?: { decodeSteps: number; decodeSeconds: number };
  row(index: number): Int32Array;
}

export interface GenerateRequest {
  n: number;
  maxNewTokens: number;
  temperature: number;
  topP: number;
  topK: number;
  minP: number;
  seed: number;
  maxBatch: number;
  maxKvBytes: number;
  signal?: AbortSignal;
  /** Called with a completion's tokens when it ends, while others go on. */
  onFinish?: (row: number, tokens: ArrayLike<number>) => void;
}

export interface PolicyInfo {
  modelType: string;
  device: string;
  dtype: string;
  parameterCount: number;
  maxPositionEmbeddings: number;
  /** Sizes of the key and value cache, and of the model's shape; scripted policies have none. */
  hiddenSize?: number;
  vocabSize?: number;
  numHiddenLayers?: number;
  numKeyValueHeads?: number;
  headDim?: number;
}

export interface PolicyPort {
  readonly info: Readonly<PolicyInfo>;
  readonly tokenizer: TokenizerPort;
  generate(prompts: readonly (readonly number[])[], request: GenerateRequest): Promise<RolloutPort>;
  /** Writes a Hugging Face folder with one model.safetensors. */
  save(dir: string): Promise<void>;
  /** Weights to host memory until they are used again. */
  offload?(): Promise<void>;
  dispose(): Promise<void>;
}

export interface TrainStep {
  rollout: RolloutPort;
  /** [rows] */
  advantages: Float32Array;
  /** [rows] 0 = out of the loss. */
  rowMask?: Uint8Array;
  signal?: AbortSignal;
}

export interface TrainerPort {
  /** One optimizer step; metrics have TRL's names. */
  step(input: TrainStep): Promise<Record<string, number>>;
  saveState(file: string): Promise<void>;
  loadState(file: string): Promise<void>;
  /** Optimizer state to host memory until the next step. */
  offload?(): Promise<void>;
  dispose(): Promise<void>;
}

export interface AdvantageRequest {
  groupSize: number;
  scale: 'group' | 'batch' | 'none';
  /** One per reward function. */
  weights: readonly number[];
}

export interface Engine {
  /** What the machine can do at most, for the shares in perf/*; absent: shares are left out. */
  machineLimits?(info: PolicyInfo): Promise<MachineLimits>;
  /** Versions of what runs below, for the manifest. */
  versions(): Record<string, string>;
  loadPolicy(dir: string, config: Config): Promise<PolicyPort>;
  /** Whether the role that is not needed waits in host memory (`offloadIdleRole`); absent: never. */
  offloadsIdleRole?(config: Config, info: PolicyInfo): boolean;
  /** `totalSteps` is for the learning-rate schedule; `reference` is there when `role.loss.beta` > 0. */
  createTrainer(
    policy: PolicyPort,
    role: RoleConfig,
    totalSteps: number,
    reference?: PolicyPort,
  ): Promise<TrainerPort>;
  /** `rewards` [rows × functions], NaN = not scored; exactly 0 for groups of equal rewards. */
  advantages(
    rewards: Float64Array,
    request: AdvantageRequest,
  ): { advantages: Float64Array; std: Float64Array; fracRewardZeroStd: number };
}
