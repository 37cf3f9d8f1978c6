import type { AddonRollout } from '../binding/addon';

export type FinishReason = 'stop' | 'length' | 'aborted';
const FINISH_REASONS: readonly FinishReason[] = ['stop', 'length', 'aborted'];

export interface RolloutStats {
  promptTokens: number;
  generatedTokens: number;
  /** Tokens that went through prefill (a prompt shared by n samples counts once). */
  prefillTokens: number;
  decodeSteps: number;
  prefillSeconds: number;
  decodeSeconds: number;
  peakKvBytes: number;
}

/**
 * What `Policy.generate` returns and `Trainer.step` takes: token ids and their log-probabilities, as sampled. Row r belongs to prompt
 * floor(r / n).
 */
export class Rollout {
  /** Completions back to back, stop id included. */
  readonly tokens: Int32Array;
  /** [rows + 1] */
  readonly offsets: Int32Array;
  /** [tokens] natural log, fp32, of the distribution that was sampled (temperature and filters applied). */
  readonly logprobs: Float32Array;
  /** [rows] */
  readonly finishReasons: readonly FinishReason[];
  readonly stats: RolloutStats;

  constructor(
    readonly prompts: readonly (readonly number[])[],
    readonly n: number,
    native: AddonRollout,
  ) {
    this.tokens = native.tokens;
    this.offsets = native.offsets;
    this.logprobs = native.logprobs;
    this.finishReasons = Array.from(native.finishReasons, (reason) => FINISH_REASONS[reason]!);
    this.stats = native.stats;
  }

  get rows(): number {
    return this.finishReasons.length;
  }

  /** Token ids of one completion (a view). */
  row(index: number): Int32Array {
    return this.tokens.subarray(this.offsets[index], this.offsets[index + 1]);
  }

  /** Log-probabilities of one completion's tokens (a view). */
  rowLogprobs(index: number): Float32Array {
    return this.logprobs.subarray(this.offsets[index], this.offsets[index + 1]);
  }
}
