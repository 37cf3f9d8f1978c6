import * as fs from 'node:fs';
import * as path from 'node:path';

import type { AddonModelInfo, AddonPolicy } from '../binding/addon';
import { callNative, withCancel } from '../binding/call';
import { ConfigError, DisposedError, ModelFormatError } from '../binding/errors';
import { loadAddon } from '../binding/load';
import { flattenSequences } from './flat';
import { checkModelFolder, writeModelFolderFiles } from './model-folder';
import { Rollout, type FinishReason } from './rollout';
import { Tokenizer } from './tokenizer';

export interface PolicyOptions {
  /** `auto` takes CUDA when this machine and build have it; `cuda` never falls back to the CPU. Default `auto`. */
  device?: 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;
  /** Dtype of the weights that are computed with. `auto`: float32 on the CPU, bfloat16 on CUDA. Default `auto`. */
  dtype?: 'auto' | 'float32' | 'bfloat16';
}

export interface GenerateOptions {
  /** Samples per prompt; the prompt is prefilled once. Default 1. */
  n?: number;
  /** Default 256. */
  maxNewTokens?: number;
  /** 0 = greedy. Default 1. */
  temperature?: number;
  /** Default 1 (off). */
  topP?: number;
  /** Default 0 (off). */
  topK?: number;
  /** Default 0 (off). */
  minP?: number;
  /** Non-negative safe integer. Same seed and prompts → same output. Default 0. */
  seed?: number;
  /** Stop strings; a completion ends with the token that completes one. */
  stop?: readonly string[];
  /** Replaces the model's own stop ids (tokenizer ∪ generation_config). */
  stopTokenIds?: readonly number[];
  /** Ignore stop ids and stop strings (throughput runs). */
  ignoreEos?: boolean;
  /** Sequences decoded together; 0 = chosen by the engine. */
  maxBatch?: number;
  /** Bytes for keys and values; 0 = chosen from the free memory. */
  maxKvBytes?: number;
  signal?: AbortSignal;
  /** On abort: `throw` (AbortedError, default) or `return` what has been generated so far. */
  onAbort?: 'throw' | 'return';
  /** Called per sampled token, from the event loop. */
  onToken?: (row: number, token: number, logprob: number) => void;
  /** Called when a completion ends, while others go on. */
  onFinish?: (row: number, tokens: Int32Array, reason: FinishReason) => void;
}

export interface SaveOptions {
  /** Dtype on disk. `auto`: the dtype computed with. */
  dtype?: 'auto' | 'float32' | 'bfloat16' | 'float16';
}

const FINISH: readonly FinishReason[] = ['stop', 'length', 'aborted'];

/** Packed tokens per forward pass of `logprobs`. */
const LOGPROB_TOKEN_BUDGET = 8192;

/** A language model in memory: generates, scores, is trained by a `Trainer`, and is saved as a Hugging Face folder. */
export class Policy {
  private disposed = false;
  private tokenizerOnce: Tokenizer | undefined;

  private constructor(
    private readonly native: AddonPolicy,
    /** The folder it was loaded from. */
    readonly dir: string,
    /** Sizes, device and dtype. */
    readonly info: Readonly<AddonModelInfo>,
  ) {}

  /**
   * Loads a Hugging Face folder (config.json, *.safetensors, tokenizer.json).
   * @throws ConfigError, ModelFormatError, DeviceError, OutOfMemoryError, SetupError
   */
  static load(dir: string, options: PolicyOptions = {}): Promise<Policy> {
    const { device = 'auto', dtype = 'auto' } = options;
    return Policy.make(dir, (native) => native.load(dir, { device, dtype }));
  }

  /** Random weights in the shape of `dir`/config.json, deterministic in `seed` on every device. Weight files are not read. */
  static init(dir: string, options: PolicyOptions & { seed?: number } = {}): Promise<Policy> {
    const { device = 'auto', dtype = 'auto', seed = 0 } = options;
    return Policy.make(dir, (native) => native.init(dir, { device, dtype, seed }));
  }

  private static async make(
    dir: string,
    load: (native: AddonPolicy) => Promise<AddonModelInfo>,
  ): Promise<Policy> {
    checkModelFolder(dir);
    const native = new (loadAddon().AddonPolicy)();
    const info = await callNative(() => load(native));
    return new Policy(native, path.resolve(dir), info);
  }

  /** @throws ModelFormatError when the folder has none or its ids do not fit the model. */
  get tokenizer(): Tokenizer {
    if (!this.tokenizerOnce) {
      const tokenizer = Tokenizer.load(this.dir);
      if (tokenizer.vocabSize > this.info.vocabSize) {
        throw new ModelFormatError(
          `${path.join(this.dir, 'tokenizer.json')}: has ids up to ${tokenizer.vocabSize - 1}, but config.json says ` +
            `vocab_size ${this.info.vocabSize}. Tokenizer and model do not belong together`,
          { tokenizerVocabSize: tokenizer.vocabSize, modelVocabSize: this.info.vocabSize },
        );
      }
      this.tokenizerOnce = tokenizer;
    }
    return this.tokenizerOnce;
  }

  /** Ids that end a completion by default: the tokenizer's and generation_config's. */
  get stopTokenIds(): number[] {
    const own = fs.existsSync(path.join(this.dir, 'tokenizer.json')) ? this.tokenizer.eosTokenIds : [];
    return [...new Set([...this.info.eosTokenIds, ...own])];
  }

  /**
   * Samples `n` completions of every prompt (token ids). Row of the result = prompt * n + sample.
   * @throws ConfigError for an empty batch or prompt, an id outside the vocabulary, a prompt that does not fit the context.
   */
  async generate(prompts: readonly (readonly number[])[], options: GenerateOptions = {}): Promise<Rollout> {
    this.check();
    const { tokens, offsets } = flattenSequences(prompts, 'prompts');
    const stop = options.stop ?? [];
    const bytes = stop.length > 0 ? this.tokenizer.tokenBytes() : undefined;
    const n = options.n ?? 1;
    const { onToken, onFinish } = options;
    const native = await withCancel(options.signal, (cancel) =>
      callNative(() =>
        this.native.generate(
          {
            promptTokens: tokens,
            promptOffsets: offsets,
            samplesPerPrompt: n,
            maxNewTokens: options.maxNewTokens ?? 256,
            sampling: {
              temperature: options.temperature ?? 1,
              topK: options.topK ?? 0,
              topP: options.topP ?? 1,
              minP: options.minP ?? 0,
            },
            seed: options.seed ?? 0,
            stopTokenIds: Int32Array.from(
              options.stopTokenIds ?? (options.ignoreEos ? [] : this.stopTokenIds),
            ),
            ignoreEos: options.ignoreEos ?? false,
            stopStrings: [...stop],
            tokenBytes: bytes?.data,
            tokenBytesOffsets: bytes?.offsets,
            maxBatch: options.maxBatch ?? 0,
            maxKvBytes: options.maxKvBytes ?? 0,
            returnPartialOnAbort: options.onAbort === 'return',
          },
          cancel,
          onToken ?? null,
          onFinish ? (row, ids, reason) => onFinish(row, ids, FINISH[reason]!) : null,
        ),
      ),
    );
    return new Rollout(prompts, n, native);
  }

  /**
   * Log-probability of every token given the ones before it: result[i][t] = log p(token t+1 | tokens 0…t), length - 1 values
   * (natural log, fp32), and the entropy (nats) of the same distributions.
   */
  async logprobs(
    sequences: readonly ArrayLike<number>[],
    options: { temperature?: number; signal?: AbortSignal } = {},
  ): Promise<{ logprobs: Float32Array[]; entropies: Float32Array[] }> {
    this.check();
    const { tokens, offsets } = flattenSequences(sequences, 'sequences');
    const result = await withCancel(options.signal, (cancel) =>
      callNative(() =>
        this.native.logprobs(
          tokens,
          offsets,
          { temperature: options.temperature ?? 1, tokenBudget: LOGPROB_TOKEN_BUDGET },
          cancel,
        ),
      ),
    );
    const rows = (flat: Float32Array) =>
      sequences.map((_, index) =>
        flat.slice(offsets[index], Math.max(offsets[index]!, offsets[index + 1]! - 1)),
      );
    return { logprobs: rows(result.logprobs), entropies: rows(result.entropies) };
  }

  /** fp32 logits [tokens, vocab], row-major, of one sequence. For inspection and tests: holds all of them at once. */
  async logits(sequence: ArrayLike<number>): Promise<Float32Array> {
    this.check();
    const { tokens } = flattenSequences([sequence], 'sequence');
    return callNative(() => this.native.logits(tokens));
  }

  /**
   * Writes a Hugging Face folder: one model.safetensors, config.json, tokenizer and templates carried along. Every file is written
   * under a temporary name and renamed.
   * @throws IoError, ConfigError
   */
  async save(dir: string, options: SaveOptions = {}): Promise<void> {
    this.check();
    const dtype = !options.dtype || options.dtype === 'auto' ? this.info.dtype : options.dtype;
    if (!['float32', 'bfloat16', 'float16'].includes(dtype)) {
      throw new ConfigError(`save: dtype must be float32, bfloat16 or float16, not '${dtype}'`, { dtype });
    }
    writeModelFolderFiles(this.dir, dir, dtype);
    await callNative(() => this.native.saveWeights(path.join(dir, 'model.safetensors'), dtype));
  }

  /** Takes over the weights of another policy of the same shape, in place. */
  async copyFrom(other: Policy): Promise<void> {
    this.check();
    other.check();
    await callNative(() => this.native.copyFrom(other.native));
  }

  /**
   * Puts the weights into host memory while the policy is idle, so that another role has the device; using it brings them back. On the
   * CPU nothing moves.
   */
  async offload(): Promise<void> {
    this.check();
    await callNative(() => this.native.offload());
  }

  /** Brings offloaded weights back to the device now, instead of at the next use. */
  async restore(): Promise<void> {
    this.check();
    await callNative(() => this.native.restore());
  }

  /** Frees the weights after work already queued on them. Later calls reject with DisposedError; a second dispose does nothing. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    await callNative(() => this.native.dispose());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** The private native half, for Trainer. @internal */
  static nativeOf(policy: Policy): AddonPolicy {
    policy.check();
    return policy.native;
  }

  private check(): void {
    if (this.disposed) throw new DisposedError('this Policy was disposed; load it again');
  }
}
