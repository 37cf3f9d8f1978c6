import type { AddonMetrics, AddonTrainBatch, AddonTrainer, AddonTrainerOptions } from '../binding/addon';
import { callNative, withCancel } from '../binding/call';
import { ConfigError, DisposedError } from '../binding/errors';
import { loadAddon } from '../binding/load';
import { flattenSequences } from './flat';
import { lossOptions, type GrpoLossOptions } from './grpo-loss';
import { Policy } from './policy';
import type { Rollout } from './rollout';

/** Loss options are TRL's GRPOConfig names in camelCase, beside the optimiser's own. */
export interface TrainerOptions
  extends Partial<Omit<AddonTrainerOptions, 'loss' | 'epsilon'>>, GrpoLossOptions {
  /** Adam's epsilon (TRL: adam_epsilon). `epsilon` is the clip range of the loss, as in TRL. Default 1e-8. */
  adamEpsilon?: number;
}

const DEFAULTS: Omit<AddonTrainerOptions, 'loss'> = {
  optimizer: 'adamw',
  learningRate: 1e-6,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  muonLearningRate: 0.02,
  muonMomentum: 0.95,
  maxGradNorm: 1,
  scheduler: 'constant',
  warmupSteps: 0,
  totalSteps: 0,
  tokenBudget: 0,
  logprobChunkRows: 2048,
  activationCheckpointing: false,
  activationBytes: 0,
  temperature: 1,
  maxSkippedSteps: 3,
};

/** One GRPO batch: a rollout's rows with an advantage each. */
export interface TrainStepInput {
  /** What was sampled; ids and log-probabilities are trained as they are, text is never re-encoded. */
  rollout: Pick<Rollout, 'prompts' | 'n' | 'tokens' | 'offsets' | 'logprobs'>;
  /** [rows]; a group whose advantages are all 0 costs nothing when beta is 0. */
  advantages: Float32Array | readonly number[];
  /** [completion tokens] log-probabilities of the policy the ratio is taken against; default: the current policy's. */
  oldLogprobs?: Float32Array;
  /** [completion tokens] log-probabilities of the reference for the KL term; default: computed with `reference`. */
  refLogprobs?: Float32Array;
  /** [rows] 0 = row masked out of the loss (e.g. truncated completions). */
  rowMask?: Uint8Array;
  signal?: AbortSignal;
}

/** Documents with per-token weights: loss = Σ w·(−log p) / Σ w; weight 0 = context only. */
export interface LanguageModelInput {
  tokens: Int32Array;
  /** [documents + 1] */
  offsets: Int32Array;
  /** [tokens] */
  weights: Float32Array;
  signal?: AbortSignal;
}

/**
 * Trains a Policy in place: fp32 master weights, moments and gradients beside it. One trainer per policy. Keeps its policy (and
 * reference) alive.
 */
export class Trainer {
  private disposed = false;

  private constructor(
    private readonly native: AddonTrainer,
    readonly policy: Policy,
    readonly options: Readonly<AddonTrainerOptions>,
    readonly reference: Policy | undefined,
  ) {}

  /**
   * @param extra.reference frozen policy for the KL term; without it a step with beta > 0 needs `refLogprobs`
   * @throws ConfigError naming the option
   */
  static async create(
    policy: Policy,
    options: TrainerOptions = {},
    extra: { reference?: Policy } = {},
  ): Promise<Trainer> {
    const { adamEpsilon, ...others } = options;
    const trainer: Record<string, unknown> = { ...DEFAULTS, epsilon: adamEpsilon ?? DEFAULTS.epsilon };
    const loss: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(others)) {
      if (value === undefined) continue;
      (key in DEFAULTS && key !== 'epsilon' ? trainer : loss)[key] = value;
    }
    const resolved = { ...trainer, loss: lossOptions(loss) } as AddonTrainerOptions;
    const native = new (loadAddon().AddonTrainer)();
    const reference = extra.reference ? Policy.nativeOf(extra.reference) : null;
    await callNative(() => native.create(Policy.nativeOf(policy), resolved, reference));
    return new Trainer(native, policy, resolved, extra.reference);
  }

  /** forwardBackward() and optimStep(). */
  async step(input: TrainStepInput): Promise<AddonMetrics> {
    const metrics = await this.forwardBackward(input);
    return { ...metrics, ...(await this.optimStep()) };
  }

  /** Adds the gradients of one GRPO batch; weights stay. Metrics have TRL's names. */
  async forwardBackward(input: TrainStepInput): Promise<AddonMetrics> {
    this.check();
    if (this.options.loss.beta > 0 && !this.reference && !input.refLogprobs) {
      throw new ConfigError(
        'beta > 0 needs a reference: Trainer.create(policy, options, { reference }) or refLogprobs with the batch',
        { field: 'beta' },
      );
    }
    const batch = trainBatch(input);
    return withCancel(input.signal, (cancel) => callNative(() => this.native.forwardBackward(batch, cancel)));
  }

  /** Adds the gradients of a plain language-model loss. */
  async languageModelForwardBackward(input: LanguageModelInput): Promise<AddonMetrics> {
    this.check();
    const { tokens, offsets, weights, signal } = input;
    return withCancel(signal, (cancel) =>
      callNative(() => this.native.languageModelForwardBackward({ tokens, offsets, weights }, cancel)),
    );
  }

  /**
   * Clips, steps, zeroes the gradients. Non-finite gradients skip the step (metric `skipped`); too many in a row throw NumericError.
   * @param learningRate overrides the schedule for this step
   */
  async optimStep(learningRate?: number): Promise<AddonMetrics> {
    this.check();
    return callNative(() => this.native.optimStep(learningRate ?? -1));
  }

  async zeroGradients(): Promise<void> {
    this.check();
    await callNative(() => this.native.zeroGradients());
  }

  /** L2 norm of the accumulated gradient per Hugging Face parameter name. */
  async gradientNorms(): Promise<Record<string, number>> {
    this.check();
    return callNative(() => this.native.gradientNorms());
  }

  /** The accumulated fp32 gradient of one parameter, by Hugging Face name, row-major. */
  async gradient(name: string): Promise<Float32Array> {
    this.check();
    return callNative(() => this.native.gradient(name));
  }

  /** The fp32 master values of one parameter, by Hugging Face name, row-major. */
  async parameter(name: string): Promise<Float32Array> {
    this.check();
    return callNative(() => this.native.parameter(name));
  }

  /** Masters, moments and step counter as one safetensors file, written atomically. */
  async saveState(file: string): Promise<void> {
    this.check();
    await callNative(() => this.native.saveState(file));
  }

  /** @throws CheckpointError when names or shapes do not fit */
  async loadState(file: string): Promise<void> {
    this.check();
    await callNative(() => this.native.loadState(file));
  }

  /**
   * Makes room while another role is trained: masters and moments go to host memory and gradients are freed (on the CPU, that alone).
   * The next step brings all back. The policy's weights have an offload() of their own.
   * @throws ConfigError with gradients accumulated and not yet stepped
   */
  async offload(): Promise<void> {
    this.check();
    await callNative(() => this.native.offload());
  }

  /** Brings offloaded state back to the device now, instead of at the next step. */
  async restore(): Promise<void> {
    this.check();
    await callNative(() => this.native.restore());
  }

  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    await callNative(() => this.native.dispose());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  private check(): void {
    if (this.disposed) throw new DisposedError('this Trainer was disposed; create another');
  }
}

function trainBatch(input: TrainStepInput): AddonTrainBatch {
  const { rollout } = input;
  const rows = rollout.offsets.length - 1;
  if (rows !== rollout.prompts.length * rollout.n) {
    throw new ConfigError(
      `rollout: ${rows} rows do not fit ${rollout.prompts.length} prompts × n = ${rollout.n}`,
    );
  }
  if (input.advantages.length !== rows) {
    throw new ConfigError(`advantages: ${input.advantages.length} values for ${rows} rows`, {
      field: 'advantages',
    });
  }
  const prompts = flattenSequences(rollout.prompts, 'rollout.prompts');
  return {
    promptTokens: prompts.tokens,
    promptOffsets: prompts.offsets,
    completionTokens: rollout.tokens,
    completionOffsets: rollout.offsets,
    promptOfRow: Int32Array.from({ length: rows }, (_, row) => Math.floor(row / rollout.n)),
    advantages: Float32Array.from(input.advantages),
    samplingLogprobs: rollout.logprobs,
    oldLogprobs: input.oldLogprobs ?? new Float32Array(),
    refLogprobs: input.refLogprobs ?? new Float32Array(),
    rowMask: input.rowMask ?? new Uint8Array(),
  };
}
