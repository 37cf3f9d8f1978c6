/**
 * The typed contract of the native addon: everything the TypeScript side may call, in one file. Classes are named `AddonX`
 * natively and wrapped by public classes in lib/policy; nothing here is exported to users. Arrays are copied in and out.
 * Methods that return a Promise run on the compute thread, in order; rejections carry `{code, message, details?}`.
 */

/** Sets a flag that running native work polls per decoded token and per micro-batch. */
export interface AddonCancelToken {
  cancel(): void;
}

export interface AddonSamplingOptions {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
}

export interface AddonGenerateRequest {
  promptTokens: Int32Array;
  /** [prompts + 1] */
  promptOffsets: Int32Array;
  samplesPerPrompt: number;
  maxNewTokens: number;
  sampling: AddonSamplingOptions;
  /** Safe integer. */
  seed: number;
  stopTokenIds: Int32Array;
  ignoreEos: boolean;
  stopStrings: string[];
  /** Bytes of every token back to back with offsets [vocab + 1]; only with stopStrings. */
  tokenBytes?: Uint8Array;
  tokenBytesOffsets?: Int32Array;
  /** 0 = default */
  maxBatch: number;
  maxKvBytes: number;
  returnPartialOnAbort: boolean;
}

export interface AddonRollout {
  tokens: Int32Array;
  /** [rows + 1]; row = prompt * n + sample */
  offsets: Int32Array;
  logprobs: Float32Array;
  /** [rows] 0 stop, 1 length, 2 aborted */
  finishReasons: Int32Array;
  stats: {
    promptTokens: number;
    generatedTokens: number;
    prefillTokens: number;
    decodeSteps: number;
    prefillSeconds: number;
    decodeSeconds: number;
    peakKvBytes: number;
  };
}

export interface AddonModelInfo {
  modelType: string;
  device: string;
  dtype: string;
  storedDtype: string;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  numHiddenLayers: number;
  numAttentionHeads: number;
  numKeyValueHeads: number;
  headDim: number;
  maxPositionEmbeddings: number;
  tieWordEmbeddings: boolean;
  parameterCount: number;
  eosTokenIds: number[];
}

/** `new AddonPolicy()` is empty until `load`/`init` resolved; every later call on a disposed one rejects TOOL_R0_DISPOSED. */
export interface AddonPolicy {
  load(dir: string, options: { device: string; dtype: string }): Promise<AddonModelInfo>;
  /** Random weights from `dir`/config.json, deterministic in `seed`. */
  init(dir: string, options: { device: string; dtype: string; seed: number }): Promise<AddonModelInfo>;
  generate(
    request: AddonGenerateRequest,
    cancel: AddonCancelToken,
    onToken?: ((row: number, token: number, logprob: number) => void) | null,
    onFinish?: ((row: number, tokens: Int32Array, finishReason: number) => void) | null,
  ): Promise<AddonRollout>;
  /** out[offsets[i] + t] = log p(token t+1 | 0..t); the last slot of each sequence is 0. */
  logprobs(
    tokens: Int32Array,
    offsets: Int32Array,
    options: { temperature: number; tokenBudget: number },
    cancel: AddonCancelToken,
  ): Promise<{ logprobs: Float32Array; entropies: Float32Array }>;
  /** fp32 logits [tokens, vocab] of one sequence (tests, small models). */
  logits(tokens: Int32Array): Promise<Float32Array>;
  /** Writes only the weights file; the folder's other files are copied by TypeScript. */
  saveWeights(file: string, dtype: string): Promise<void>;
  /** In-place copy of another policy's weights (same shape). */
  copyFrom(other: AddonPolicy): Promise<void>;
  /** Weights to host memory until the policy is used again; nothing moves on the CPU. */
  offload(): Promise<void>;
  restore(): Promise<void>;
  dispose(): Promise<void>;
}

export interface AddonTrainerOptions {
  optimizer: 'adamw' | 'muon';
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  muonLearningRate: number;
  muonMomentum: number;
  maxGradNorm: number;
  scheduler: 'constant' | 'constant_with_warmup' | 'linear' | 'cosine';
  warmupSteps: number;
  totalSteps: number;
  /** Packed tokens per micro-batch; 0 = chosen from the device's memory. */
  tokenBudget: number;
  logprobChunkRows: number;
  /** true: recompute every layer's activations; false: as many as `activationBytes` make necessary. */
  activationCheckpointing: boolean;
  /** Bytes the activations of a micro-batch may take; 0 = what is free. */
  activationBytes: number;
  temperature: number;
  maxSkippedSteps: number;
  loss: AddonLossOptions;
}

/** TRL GRPOConfig names in camelCase; null = TRL's None. */
export interface AddonLossOptions {
  lossType: string;
  importanceSamplingLevel: string;
  epsilon: number;
  epsilonHigh: number | null;
  delta: number | null;
  beta: number;
  useBiasCorrectionKl: boolean;
  maxCompletionLength: number;
  gradientAccumulationSteps: number;
  stepsPerGeneration: number;
  numItemsInBatch: number;
  rolloutIs: string | null;
  rolloutIsMin: number;
  rolloutIsMax: number;
  offPolicyMaskThreshold: number | null;
  topEntropyQuantile: number;
  sapoTauPos: number;
  sapoTauNeg: number;
  vespoKPos: number;
  vespoLambdaPos: number;
  vespoKNeg: number;
  vespoLambdaNeg: number;
}

export interface AddonTrainBatch {
  promptTokens: Int32Array;
  promptOffsets: Int32Array;
  completionTokens: Int32Array;
  completionOffsets: Int32Array;
  promptOfRow: Int32Array;
  advantages: Float32Array;
  /** Empty arrays = absent. */
  samplingLogprobs: Float32Array;
  oldLogprobs: Float32Array;
  refLogprobs: Float32Array;
  rowMask: Uint8Array;
}

export type AddonMetrics = Record<string, number>;

export interface AddonTrainer {
  create(policy: AddonPolicy, options: AddonTrainerOptions, reference: AddonPolicy | null): Promise<void>;
  forwardBackward(batch: AddonTrainBatch, cancel: AddonCancelToken): Promise<AddonMetrics>;
  languageModelForwardBackward(
    batch: { tokens: Int32Array; offsets: Int32Array; weights: Float32Array },
    cancel: AddonCancelToken,
  ): Promise<AddonMetrics>;
  /** learningRate < 0 = the scheduler's. Metrics: grad_norm, learning_rate, step, skipped. */
  optimStep(learningRate: number): Promise<AddonMetrics>;
  zeroGradients(): Promise<void>;
  /** L2 norm per Hugging Face parameter name. */
  gradientNorms(): Promise<Record<string, number>>;
  gradient(name: string): Promise<Float32Array>;
  /** fp32 values of a parameter by Hugging Face name (tests). */
  parameter(name: string): Promise<Float32Array>;
  saveState(file: string): Promise<void>;
  loadState(file: string): Promise<void>;
  /** Masters and moments to host memory, gradients freed; refused with gradients accumulated. */
  offload(): Promise<void>;
  restore(): Promise<void>;
  dispose(): Promise<void>;
}

export interface AddonAdvantageOptions {
  groupSize: number;
  scaleRewards: string;
  multiObjectiveAggregation: string;
  rewardWeights: number[];
  /** cpu: the precision given; cuda: float32. */
  device: string;
}

/** Float32Array or Float64Array: computed in the precision given. */
export type FloatArray = Float32Array | Float64Array;

export interface AddonLossInputs<T extends FloatArray> {
  rows: number;
  columns: number;
  logps: T;
  mask: T;
  advantages: T;
  oldLogps?: T | null;
  refLogps?: T | null;
  samplingLogps?: T | null;
  entropies?: T | null;
}

export interface AddonLossResult<T extends FloatArray> {
  loss: number;
  dLogps: T;
  perTokenLoss: T;
  ratio?: T;
  perTokenKl?: T;
  rolloutIsRatio?: T;
  metrics: AddonMetrics;
}

export interface NativeAddon {
  buildInfo(): {
    libtorchVersion: string;
    /** aoti_torch_abi_version() at compile time and now, as hex text; a mismatch means "rebuild". */
    abiCompiled: string;
    abiLoaded: string;
    cudaKernels: boolean;
    cudaArchitectures: string;
  };
  cudaDevices(): { index: number; name: string; totalBytes: number; freeBytes: number; capability: string }[];
  /** host*: large CPU tensors alive now and at most, and pages kept for the next ones. */
  memoryStats(): {
    cudaAllocatedBytes: number;
    cudaPeakBytes: number;
    cudaReservedBytes: number;
    hostBytes: number;
    hostPeakBytes: number;
    hostRetainedBytes: number;
  };
  /** Takes effect on the compute thread. */
  setThreads(threads: number): void;
  /**
   * Before the process exits: drops queued work, asks the running job to stop and ends the compute thread. False when the job did not
   * stop in time; then only leaveAtOnce() ends the process cleanly.
   */
  stopComputeThread(timeoutMs: number): boolean;
  /** Ends the process without static destructors, which must not run under a job. */
  leaveAtOnce(exitCode: number): void;
  grpoAdvantages<T extends FloatArray>(
    rewards: T,
    functions: number,
    options: AddonAdvantageOptions,
  ): { advantages: T; std: T; fracRewardZeroStd: number };
  grpoLoss<T extends FloatArray>(
    inputs: AddonLossInputs<T>,
    options: AddonLossOptions,
    device: string,
  ): AddonLossResult<T>;
  AddonCancelToken: new () => AddonCancelToken;
  AddonPolicy: new () => AddonPolicy;
  AddonTrainer: new () => AddonTrainer;
}
