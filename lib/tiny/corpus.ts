import { Random } from '../tasks/random';
import { sampleSpec } from '../tasks/spec';
import { generatorDocument, solverDocument, type TrainingDocument } from './documents';
import { makeTask } from './grammar';
import type { CorpusPhase, PretrainRecipe } from './recipe';
import { CorpusEncoder } from './tokenizer';

/** One optimiser step of a plain language-model loss: whole documents one after another. */
export interface CorpusBatch {
  /** Token ids of all documents. */
  tokens: Int32Array;
  /** `[documents + 1]` starts of documents in `tokens`. */
  offsets: Int32Array;
  /** Loss weight of each token as a target; 0 where it is only context. */
  weights: Float32Array;
}

export function phaseAt(step: number, recipe: PretrainRecipe): CorpusPhase {
  const progress = step / recipe.steps;
  const phase = recipe.phases.find(({ until }) => progress < until) ?? recipe.phases.at(-1);
  if (!phase) throw new RangeError('the recipe has no phases');
  return phase;
}

export function drawDocument(random: Random, phase: CorpusPhase): TrainingDocument {
  if (random.next() < phase.solverShare) {
    const options = { heldOut: false, distractorShare: 0.35, lookAlikeShare: phase.lookAlikeShare };
    return solverDocument(
      random,
      makeTask(random, sampleSpec(random, phase.solverSpecs), options),
      phase.mix,
    );
  }
  const options = { heldOut: false, distractorShare: 0.3, lookAlikeShare: 0.3 };
  return generatorDocument(
    random,
    makeTask(random, sampleSpec(random, phase.generatorSpecs), options),
    phase.mix,
  );
}

/** The whole corpus, one batch per step: a pure function of the seed and the recipe. */
export function* corpusBatches(seed: number, recipe: PretrainRecipe): Generator<CorpusBatch, void, void> {
  const random = Random.seeded(`tiny corpus ${seed}`);
  const encoder = new CorpusEncoder();
  for (let step = 0; step < recipe.steps; step++) {
    const phase = phaseAt(step, recipe);
    const tokens: number[] = [];
    const weights: number[] = [];
    const offsets = [0];
    while (tokens.length < recipe.batchTokens) {
      const document = drawDocument(random, phase);
      const [prompt, completion] = [encoder.encode(document.prompt), encoder.encode(document.completion)];
      const solver = document.role === 'solver';
      const promptWeight = solver ? recipe.weights.solverPrompt : recipe.weights.generatorPrompt;
      const completionWeight = solver ? recipe.weights.solverCompletion : recipe.weights.generatorCompletion;
      tokens.push(...prompt, ...completion);
      for (let i = 0; i < prompt.length; i++) weights.push(promptWeight);
      for (let i = 0; i < completion.length; i++) weights.push(completionWeight);
      offsets.push(tokens.length);
    }
    yield {
      tokens: Int32Array.from(tokens),
      offsets: Int32Array.from(offsets),
      weights: Float32Array.from(weights),
    };
  }
}
