import * as fs from 'node:fs';
import * as path from 'node:path';

import { makeFolders } from '../io/files';
import { corpusBatches, type CorpusBatch } from './corpus';
import { learningRateShare, modelConfig, PRETRAIN_RECIPE, type PretrainRecipe } from './recipe';
import { buildVocabulary, tokenizerConfig, tokenizerJson } from './tokenizer';

/** What pre-training needs of a trainer; `Trainer` of lib/policy fits. */
export interface LanguageModelTrainer {
  languageModelForwardBackward(
    batch: CorpusBatch & { signal?: AbortSignal },
  ): Promise<Record<string, number>>;
  /** @param learningRate of this step; matrices trained by Muon take it times muonLearningRate / learningRate. */
  optimStep(learningRate?: number): Promise<Record<string, number>>;
}

/** A fresh model with its trainer. `save` writes a Hugging Face folder with bf16 weights. */
export interface PretrainSession {
  trainer: LanguageModelTrainer;
  save(dir: string): Promise<void>;
  dispose(): Promise<void>;
}

export interface PretrainDependencies {
  /** Random weights, deterministic in `seed`, in the shape of `dir`/config.json, and an optimiser as in `recipe`. */
  open(dir: string, seed: number, recipe: PretrainRecipe): Promise<PretrainSession>;
}

export interface PretrainProgress {
  /** Counted from 1. */
  step: number;
  totalSteps: number;
  loss: number;
  learningRate: number;
  gradNorm: number;
  /** Tokens seen so far, prompts included. */
  tokens: number;
}

export interface PretrainOptions {
  seed: number;
  /** Receives config.json, generation_config.json, tokenizer.json, tokenizer_config.json and model.safetensors. */
  outDir: string;
  recipe?: PretrainRecipe;
  /** Stops after this many steps of the same schedule (a replay of the first steps). */
  stopAfter?: number;
  signal?: AbortSignal;
  onStep?: (progress: PretrainProgress) => void;
}

export interface PretrainResult {
  steps: number;
  tokens: number;
  /** Loss of every step. */
  losses: number[];
}

/** Writes what a model folder holds beside the weights. */
export function writeModelFiles(dir: string): void {
  const config = modelConfig(buildVocabulary().size);
  const files: Record<string, object> = {
    'config.json': config,
    'generation_config.json': { eos_token_id: config['eos_token_id'], pad_token_id: config['pad_token_id'] },
    'tokenizer.json': tokenizerJson(),
    'tokenizer_config.json': tokenizerConfig(config['max_position_embeddings'] as number),
  };
  makeFolders(dir);
  for (const [name, content] of Object.entries(files))
    fs.writeFileSync(path.join(dir, name), `${JSON.stringify(content, null, 1)}\n`);
}

/**
 * Pre-trains the embedded base model on the grammar's corpus: one optimiser step per batch, learning rate by step.
 * The same seed gives the same batches; the same weights too where the trainer is deterministic.
 * @throws AbortedError of the trainer when `signal` fires; nothing is saved then
 */
export async function pretrain(
  options: PretrainOptions,
  dependencies: PretrainDependencies,
): Promise<PretrainResult> {
  const { seed, outDir, recipe = PRETRAIN_RECIPE, signal, onStep } = options;
  writeModelFiles(outDir);
  const session = await dependencies.open(outDir, seed, recipe);
  const losses: number[] = [];
  let tokens = 0;
  try {
    const totalSteps = Math.min(recipe.steps, options.stopAfter ?? recipe.steps);
    for (const batch of corpusBatches(seed, recipe)) {
      if (losses.length >= totalSteps) break;
      signal?.throwIfAborted();
      const learningRate = recipe.learningRate * learningRateShare(losses.length, recipe);
      const { loss } = await session.trainer.languageModelForwardBackward({ ...batch, signal });
      if (loss === undefined) throw new TypeError('the trainer reported no loss');
      const { grad_norm: gradNorm = NaN } = await session.trainer.optimStep(learningRate);
      losses.push(loss);
      tokens += batch.tokens.length;
      onStep?.({ step: losses.length, totalSteps, loss, learningRate, gradNorm, tokens });
    }
    await session.save(outDir);
    return { steps: losses.length, tokens, losses };
  } finally {
    await session.dispose();
  }
}
